// What stands in results beside what nobody can look into (THREATS ).

import { widestDetection } from '@sallyport/mask/detect/detection'
import type { AnswerMasking } from '@sallyport/policy/answers'
import type { JsonValue } from '@sallyport/wire/http/json'
import { expect, it } from 'vitest'
import { shownResult } from './results.ts'

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
