// Signals that end with others or in time: on Node 20 those that the language has forget their deadline.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { boundBy } from './bound.ts'

setFlagsFromString('--expose_gc')
const collect: () => void = runInNewContext('gc')

const abortOf = (signal: AbortSignal): Promise<unknown> =>
  new Promise((done) => signal.addEventListener('abort', () => done(signal.reason), { once: true }))

test('the deadline comes, however often memory is collected before it', async () => {
  const parent = new AbortController()
  const { signal } = boundBy([parent.signal], 300)
  const collecting = setInterval(collect, 10)
  try {
    const reason = await abortOf(signal)
    expect(reason).toMatchObject({ name: 'TimeoutError' })
  } finally {
    clearInterval(collecting)
  }
})

test('the first parent ends it, with its reason', async () => {
  const parents = [new AbortController(), new AbortController()]
  const { signal } = boundBy(parents.map((parent) => parent.signal))
  const ended = abortOf(signal)
  parents[1]?.abort('second')
  parents[0]?.abort('first')
  expect(await ended).toBe('second')
  expect(signal.reason).toBe('second')
})

test('a parent that has ended before ends it at once', () => {
  expect(boundBy([AbortSignal.abort('over')], 1_000).signal).toMatchObject({ aborted: true, reason: 'over' })
})

test('after its release nothing ends it', () => {
  const parent = new AbortController()
  const { signal, release } = boundBy([parent.signal], 0)
  release()
  parent.abort()
  expect(signal.aborted).toBe(false)
})

test('a released one is not kept by a parent that lives on, even with a listener', async () => {
  const parent = new AbortController()
  const made = (): WeakRef<AbortSignal> => {
    const { signal, release } = boundBy([parent.signal], 60_000)
    signal.addEventListener('abort', () => {})
    release()
    return new WeakRef(signal)
  }
  const kept = made()
  await new Promise((done) => setImmediate(done))
  collect()
  expect(kept.deref()).toBeUndefined()
})
