// What stands in results beside what nobody can look into, and what a server says on the way (THREATS ).

import { widestDetection } from '@sallyport/mask/detect/detection'
import type { AnswerMasking } from '@sallyport/policy/answers'
import type { JsonValue } from '@sallyport/wire/http/json'
import { describe, expect, it } from 'vitest'
import { type Showing, shownError, shownParams, shownResult } from './results.ts'

const masking: AnswerMasking = { parts: [], detection: widestDetection(null), rules: [] }
const objectOf = (value: object): ReadonlyMap<string, JsonValue> => new Map(Object.entries(value))

it('R-4.19: an image passes where the target says so, and nothing beside its data passes unseen', () => {
  const image = objectOf({
    type: 'image',
    data: 'aGVsbG8=',
    mimeType: 'image/png',
    _meta: objectOf({ owner: 'ann@example.com' }),
  })
  const showing = {
    answer: 'call',
    masking,
    hash: () => new Uint8Array(32),
    media: new Set(['image'] as const),
    may: () => true,
    isApproved: () => true,
  } as const
  const { value } = shownResult(objectOf({ content: [image] }), showing)
  const [shown] = value.get('content') as readonly ReadonlyMap<string, JsonValue>[]
  expect(Object.fromEntries(shown ?? [])).toEqual({
    type: 'image',
    data: 'aGVsbG8=',
    mimeType: 'image/png',
    _meta: objectOf({ owner: '[redacted]' }),
  })
})

describe('what a server says on the way to a result with a hidden member', () => {
  const byPath: AnswerMasking = { parts: [{ path: ['ssn'], method: 'redact' }], detection: null, rules: [] }
  const showing: Showing = {
    answer: 'call',
    masking: byPath,
    hash: () => new Uint8Array(32),
    media: new Set(),
    may: () => true,
    isApproved: () => true,
  }
  const shown = (params: object): unknown => Object.fromEntries(shownParams(objectOf(params), showing).value)

  it.each([
    ['its message', 'the number is secret', undefined],
    ['a text as its data', 'failed', 'the number is secret'],
    ['a member elsewhere', 'failed', objectOf({ row: objectOf({ value: 'secret' }) })],
  ])('R-4.19: an error shows its code, and nothing of what may hold it: %s', (_, message, data) => {
    const { value, values } = shownError({ code: -32000, message, data }, showing)
    expect(value).toEqual({ code: -32000, message: expect.stringContaining('withheld'), data: undefined })
    expect(values).toBeGreaterThan(0)
  })

  it('R-4.19: an error is looked through by detectors where no member is hidden', () => {
    const { value } = shownError(
      { code: -32000, message: 'no ann@example.com', data: undefined },
      { ...showing, masking },
    )
    expect(value.message).toBe('no [redacted]')
  })

  it('R-4.19: is looked through by all detectors', () => {
    expect(shown({ progress: 1n, message: 'found ann@example.com' })).toEqual({
      progress: 1n,
      message: 'found [redacted]',
    })
  })

  it('R-4.19: shows of a log entry no such member, and no text that may hold it', () => {
    expect(shown({ level: 'info', data: objectOf({ ssn: 'secret', row: 1n }) })).toEqual({
      level: 'info',
      data: objectOf({ ssn: '[redacted]', row: 1n }),
    })
    expect(shown({ level: 'info', data: 'the number is secret' })).toEqual({
      level: 'info',
      data: expect.stringContaining('[redacted'),
    })
  })
})
