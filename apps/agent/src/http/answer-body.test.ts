// Bodies of answers: what whoever reads gets, and what the connection is told meanwhile.
import { expect, it } from 'vitest'
import { AnswerBody } from './answer-body.ts'

/** What a connection is told by whoever reads. */
function connection() {
  const told: string[] = []
  const controller = {
    paused: false,
    aborted: false,
    reason: null,
    pause() {
      this.paused = true
      told.push('pause')
    },
    resume() {
      this.paused = false
      told.push('resume')
    },
    abort: (error: Error) => void told.push(`abort: ${error.message}`),
  }
  return { told, body: new AnswerBody(controller) }
}
const piece = Buffer.alloc(40_000, 'x')

it('gives what came before and after somebody read, and then its end', async () => {
  const { body, told } = connection()
  body.push(Buffer.from('one'))
  const read: string[] = []
  const reading = (async () => {
    for await (const chunk of body) read.push(chunk.toString())
  })()
  body.push(Buffer.from('two'))
  await new Promise(setImmediate)
  body.push(Buffer.alloc(0))
  body.push(Buffer.from('three'))
  body.end()
  await reading
  expect(read).toEqual(['one', 'two', 'three'])
  expect(told).toEqual([])
})

it('has the target wait while nobody reads', async () => {
  const { body, told } = connection()
  body.push(piece)
  expect(told).toEqual([])
  body.push(piece)
  expect(told).toEqual(['pause'])
  const iterator = body[Symbol.asyncIterator]()
  await iterator.next()
  expect(told).toEqual(['pause'])
  await iterator.next()
  expect(told).toEqual(['pause', 'resume'])
})

it('that fails is no whole one: what came and was not read is gone', async () => {
  const { body } = connection()
  body.push(piece)
  body.fail(new Error('reset'))
  body.end()
  await expect(body[Symbol.asyncIterator]().next()).rejects.toThrow('reset')
})

it('that fails while somebody waits says so', async () => {
  const { body } = connection()
  const next = body[Symbol.asyncIterator]().next()
  body.fail(new Error('reset'))
  await expect(next).rejects.toThrow('reset')
})

it('ends its connection where the rest is not wanted, and not where all of it has come', async () => {
  const broken = connection()
  broken.body.push(piece)
  for await (const _ of broken.body) break
  expect(broken.told).toEqual(['abort: the rest of the answer is not wanted'])
  await expect(broken.body[Symbol.asyncIterator]().next()).rejects.toThrow('not wanted')
  const whole = connection()
  whole.body.push(piece)
  whole.body.end()
  whole.body.destroy()
  expect(whole.told).toEqual([])
})
