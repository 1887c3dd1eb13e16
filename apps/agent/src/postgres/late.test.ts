// Answers that come late, by hand: kept until it is known what the statement means, and never shown where that has changed
// (THREATS ).
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { describe, expect, it } from 'vitest'
import { LateAnswers } from './late.ts'
import type { Running } from './machine.ts'

const lateUs = limits.catalogAgeMsMax * 1_000 + 1

function open() {
  let nowUs = 0
  const taken: string[] = []
  const ended: SallyportError[] = []
  const answers: ((same: boolean | Error) => void)[] = []
  const late = new LateAnswers({
    monotonicUs: () => nowUs,
    take: (chunk) => void taken.push(chunk.toString()),
    changed: (error) => void ended.push(error),
  })
  const stillMeans = () =>
    new Promise<boolean>((resolve, reject) =>
      answers.push((same) => (same instanceof Error ? reject(same) : resolve(same))),
    )
  const running = (isMasked = true): Running =>
    ({ judged: { startedAtUs: nowUs, ...(isMasked ? { stillMeans } : {}) } }) as Running
  return {
    late,
    taken,
    ended,
    answers,
    running,
    pass: (us: number) => {
      nowUs += us
    },
    admit: (text: string, one: Running | null, isNext = true) =>
      late.admit(Buffer.from(text), one === null ? null : { running: one, isNext }),
    answer: async (same: boolean | Error) => {
      answers.shift()?.(same)
      await new Promise((done) => setImmediate(done))
    },
  }
}

describe('an answer', () => {
  it('in time is taken at once, and so is all the rest of it however long it takes', () => {
    const { running, pass, admit, answers } = open()
    const one = running()
    expect(admit('first', one)).toBe(true)
    pass(10 * lateUs)
    expect(admit('later', one)).toBe(true)
    expect(answers).toHaveLength(0)
  })

  it('that is late is kept until the catalog was looked at, with what comes behind it', async () => {
    const { late, running, pass, admit, answer, taken } = open()
    const one = running()
    pass(lateUs)
    expect([admit('a', one), admit('b', one), late.isAsking]).toEqual([false, false, true])
    expect(taken).toEqual([])
    await answer(true)
    expect(taken).toEqual(['a', 'b'])
    expect([admit('c', one), late.isAsking]).toEqual([true, false])
  })

  it.each([
    ['means something else by now', false],
    ['cannot be looked at', new SallyportError('CATALOG_STALE', 'the target is gone')],
  ])('is never shown where its statement %s', async (_, outcome) => {
    const { running, pass, admit, answer, taken, ended } = open()
    pass(lateUs)
    const one = running()
    pass(lateUs)
    admit('secret', one)
    await answer(outcome)
    expect(taken).toEqual([])
    expect(ended.map(({ code, message }) => [code, message.includes('secret')])).toEqual([['CATALOG_STALE', false]])
  })

  it('to a message before the statement is no answer of the statement', async () => {
    const { running, pass, admit, answer, answers } = open()
    const one = running()
    expect(admit('parse complete', one, false)).toBe(true)
    pass(lateUs)
    expect(admit('bind complete', one, false)).toBe(false)
    await answer(true)
    pass(lateUs)
    expect(admit('rows', one)).toBe(false)
    expect(answers).toHaveLength(1)
  })

  it('is looked at for each statement of a pipeline by itself', () => {
    const { running, pass, admit, answers } = open()
    const [one, other] = [running(), running()]
    expect(admit('first', one)).toBe(true)
    pass(lateUs)
    expect(admit('second', other)).toBe(false)
    expect(answers).toHaveLength(1)
  })

  it('is nobody’s affair where nothing is hidden from the caller, or nothing is due', () => {
    const { running, pass, admit } = open()
    const one = running(false)
    pass(lateUs)
    expect([admit('rows', one), admit('notice', null)]).toEqual([true, true])
  })
})
