// The short way to an entry's canonical text gives what the long way gives.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalText } from './canonical.ts'
import { intentText, outcomeText } from './entry-text.ts'

const numRuns = process.env.SALLYPORT_TEST === 'full' ? 5_000 : 200

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.constant('\ud800 half'))
const number = fc.maxSafeNat()
const rule = fc.record({ policy: text, version: number, rule: text })
const shadow = fc.array(
  fc.record({ policy: fc.string(), version: number, rule: fc.string(), effect: fc.constant('deny' as const) }),
)
const principal = fc.record({
  kind: fc.constantFrom('user' as const, 'workload' as const),
  issuer: fc.string(),
  subject: fc.string(),
  display: fc.string(),
  groups: fc.array(fc.string(), { maxLength: 2 }),
  assurance: fc.constantFrom('verified' as const, 'claimed' as const),
})
const chain = fc.record({
  initiator: principal,
  actors: fc.array(principal, { maxLength: 2 }),
  tokenId: fc.string(),
})
const wellFormedRule = fc.record({ policy: fc.string(), version: number, rule: fc.string() })
const place = fc.record({ session: fc.constant('ab'.repeat(16)), seq: number, atMs: number, monoUs: number })
const effect = fc.record({ operation: text, object: text, via: fc.constantFrom('direct' as const, 'derived' as const) })
const intent = fc.record(
  {
    kind: fc.constant('intent' as const),
    statement: number,
    protocol: fc.constantFrom('simple' as const, 'extended' as const),
    text,
    textTruncated: fc.boolean(),
    fingerprint: text,
    verb: text,
    effects: fc.array(effect, { maxLength: 4 }),
    parameters: fc.array(fc.option(text), { maxLength: 4 }),
    decision: fc.constantFrom('allow' as const, 'approved' as const),
    rule,
    masks: fc.array(text, { maxLength: 3 }),
    maskedColumns: number,
    relaxed: fc.constant(true as const),
    shadow,
    chain,
    sql: fc.array(
      fc.record({
        target: fc.string(),
        upstreamRole: fc.string(),
        verb: fc.string(),
        fingerprint: fc.string(),
        effects: fc.array(
          fc.record({
            operation: fc.string(),
            object: fc.string(),
            via: fc.constantFrom('direct' as const, 'derived' as const),
          }),
          { maxLength: 2 },
        ),
        rule: fc.option(wellFormedRule),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    trace: fc.record({ trace: text, parent: text, span: text }),
  },
  {
    requiredKeys: [
      'kind',
      'statement',
      'protocol',
      'text',
      'textTruncated',
      'fingerprint',
      'verb',
      'effects',
      'parameters',
      'decision',
      'rule',
      'masks',
      'maskedColumns',
    ],
  },
)
const outcome = fc.record(
  {
    kind: fc.constant('outcome' as const),
    statement: number,
    result: fc.constantFrom('done' as const, 'failed' as const, 'cancelled' as const, 'unknown' as const),
    tag: text,
    sqlstate: text,
    rows: number,
    bytes: number,
    maskedValues: number,
    durationUs: number,
    shadow,
  },
  { requiredKeys: ['kind', 'statement', 'result', 'tag', 'sqlstate', 'rows', 'bytes', 'maskedValues', 'durationUs'] },
)

/** Strings as UTF-8 would have them. */
const repaired = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_, member) =>
    typeof member === 'string'
      ? new TextDecoder().decode(new TextEncoder().encode(member)).replace(/^\ufeff/, '')
      : member,
  )

test('an intent is written as its canonical text', () => {
  fc.assert(
    fc.property(place, intent, (where, body) => {
      fc.pre(!JSON.stringify(body).includes('\ufeff'))
      expect(intentText(where, body)).toBe(canonicalText(repaired({ v: 1, ...where, ...body })))
    }),
    { numRuns },
  )
})

test('an outcome is written as its canonical text', () => {
  fc.assert(
    fc.property(place, outcome, (where, body) => {
      fc.pre(!JSON.stringify(body).includes('\ufeff'))
      expect(outcomeText(where, body)).toBe(canonicalText(repaired({ v: 1, ...where, ...body })))
    }),
    { numRuns },
  )
})

test('a number that is no safe integer is a bug of the caller', () => {
  const where = { session: 'ab'.repeat(16), seq: 0, atMs: 0, monoUs: 0.5 }
  const body = {
    kind: 'outcome',
    statement: 1,
    result: 'done',
    tag: '',
    sqlstate: '',
    rows: 0,
    bytes: 0,
    maskedValues: 0,
    durationUs: 0,
  } as const
  expect(() => outcomeText(where, body)).toThrow('safe integer')
})
