// Shapes of entries and heads: exactly those of entry.ts, and everything else is named.
import { expect, test } from 'vitest'
import { canonicalBytes } from './canonical.ts'
import type { EntryBody } from './entry.ts'
import { parseEntry, parseHead } from './shape.ts'
import { testBody, testPrincipal } from './testing-record.ts'

const shared = { v: 1, session: '11'.repeat(16), seq: 0, atMs: 1_780_000_000_000, monoUs: 0 }
const bodies: EntryBody[] = [
  testBody.opened(),
  testBody.intent(1),
  testBody.denied(1),
  testBody.outcome(1),
  testBody.closed(1),
]

test.each(bodies)('an entry of kind $kind is read as it was written', (body) => {
  const entry = { ...shared, ...body }
  expect(parseEntry(canonicalBytes(entry))).toEqual({ ok: true, value: entry })
})

test.each(bodies.filter(({ kind }) => ['intent', 'denied', 'outcome'].includes(kind)))(
  '$kind may say what shadow mode would have done, and nothing else beside it',
  (body) => {
    const shadow = [{ policy: 'p', version: 1, rule: 'r', effect: 'limit' }]
    const read = (more: object) => parseEntry(canonicalBytes({ ...shared, ...body, ...more })).ok
    expect(read({ shadow })).toBe(true)
    expect(read({ shadow: [] })).toBe(false)
    expect(read({ shadow: [{ ...shadow[0], effect: 'none' }] })).toBe(false)
    expect(read({ shadow: [{ ...shadow[0], more: 1 }] })).toBe(false)
  },
)

test.each(bodies.filter(({ kind }) => ['intent', 'denied', 'held'].includes(kind)))(
  '$kind may say for whom the statement was',
  (body) => {
    const chain = { initiator: testPrincipal, actors: [testPrincipal], tokenId: 'jti' }
    const read = (more: object) => parseEntry(canonicalBytes({ ...shared, ...body, ...more })).ok
    expect(read({ chain })).toBe(true)
    expect(read({ chain: { ...chain, token: 'x' } })).toBe(false)
    expect(read({ chain: { ...chain, actors: [{}] } })).toBe(false)
    expect(read({ chain: null })).toBe(false)
  },
)

test.each(bodies.filter(({ kind }) => ['intent', 'denied', 'held'].includes(kind)))(
  '$kind may say which SQL it carries, and of which trace it is',
  (body) => {
    const read = (more: object) => parseEntry(canonicalBytes({ ...shared, ...body, ...more })).ok
    const effects = [{ operation: 'select', object: 'public.a', via: 'direct' }]
    const one = { target: 'shop', upstreamRole: 'app', verb: 'select', fingerprint: '', effects, rule: null }
    expect(read({ sql: [one] })).toBe(true)
    expect(read({ sql: [] })).toBe(false)
    expect(read({ sql: [{ ...one, text: 'select 1' }] })).toBe(false)
    expect(read({ sql: [{ ...one, effects: [{}] }] })).toBe(false)
    const trace = { trace: 'ab'.repeat(16), parent: 'cd'.repeat(8), span: '' }
    expect(read({ trace })).toBe(true)
    expect(read({ trace: { ...trace, span: 'AB'.repeat(8) } })).toBe(false)
    expect(read({ trace: { ...trace, trace: '' } })).toBe(false)
    expect(read({ trace: { ...trace, state: '' } })).toBe(false)
  },
)

test('the opening of a session may say what the connection string has set, and nothing else does', () => {
  const read = (body: EntryBody, more: object) => parseEntry(canonicalBytes({ ...shared, ...body, ...more })).ok
  expect(read(testBody.opened(), { settings: ["SET jit TO 'off'"] })).toBe(true)
  for (const settings of [[], [1], 'x', null]) expect(read(testBody.opened(), { settings })).toBe(false)
  for (const body of bodies.filter(({ kind }) => kind !== 'session-opened'))
    expect(read(body, { settings: ['x'] })).toBe(false)
})

/** Every value within the entry, as a path, and a copy of the entry with that value replaced or removed. */
function* replacements(value: unknown, replace: (inner: unknown) => unknown, path = ''): Generator<[string, unknown]> {
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value)) {
    const put = (inner: unknown): unknown => {
      const copy: any = Array.isArray(value) ? [...value] : { ...value }
      copy[name] = inner
      return replace(copy)
    }
    yield [`${path}/${name}`, put(undefined)]
    yield [`${path}/${name} as a number`, put(-1)]
    yield [`${path}/${name} as an object`, put({})]
    yield* replacements(member, put, `${path}/${name}`)
  }
}

const withoutUndefined = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

test.each(bodies)('each field of $kind is needed, and has its type', (body) => {
  const entry = { ...shared, ...body }
  let refusedCount = 0
  for (const [path, changed] of replacements(entry, (whole) => whole)) {
    const parsed = parseEntry(canonicalBytes(withoutUndefined(changed)))
    // A list without one of its items is still a list.
    if (/\/(groups|tokenIds|masks|effects|actors|parameters)\/\d+$/.test(path)) continue
    expect(parsed.ok, path).toBe(false)
    refusedCount++
  }
  expect(refusedCount).toBeGreaterThan(20)
})

test.each<[string, object, string]>([
  ['an unknown kind', { ...shared, kind: 'note' }, 'has an unknown kind'],
  ['no kind', shared, 'has no kind'],
  ['an extra field', { ...shared, ...testBody.closed(1), note: '' }, 'has an unknown field'],
  [
    'an extra field further in',
    { ...shared, ...testBody.denied(1), rule: { policy: 'a', version: 1, rule: 'b', by: '' } },
    'field "rule" that has an unknown field',
  ],
  ['another version', { ...shared, ...testBody.closed(1), v: 2 }, 'field "v" that has an unknown value'],
  [
    'a session id in capitals',
    { ...shared, ...testBody.closed(1), session: 'AA'.repeat(16) },
    'field "session" that is not 32 hex digits',
  ],
  [
    'a negative sequence',
    { ...shared, ...testBody.closed(1), seq: -1 },
    'field "seq" that is not a whole number from 0',
  ],
  [
    'an intent that was denied',
    { ...shared, ...testBody.intent(1), decision: 'deny' },
    'field "decision" that has an unknown value',
  ],
])('%s is refused, and the reason says so', (_name, entry, reason) => {
  const parsed = parseEntry(canonicalBytes(entry))
  expect(parsed.ok ? '' : parsed.reason).toContain(reason)
})

test('a head has all its fields, a counter from 1, and no others', () => {
  const head = {
    v: 1,
    session: '11'.repeat(16),
    seq: 0,
    hash: '22'.repeat(32),
    agent: '33'.repeat(16),
    key: '44'.repeat(32),
    counter: 1,
    previous: '00'.repeat(32),
    atMs: 0,
    closed: false,
  }
  expect(parseHead(canonicalBytes(head))).toEqual({ ok: true, value: head })
  for (const changed of [
    { ...head, counter: 0 },
    { ...head, closed: 1 },
    { ...head, note: '' },
    { ...head, hash: '' },
  ])
    expect(parseHead(canonicalBytes(changed)).ok).toBe(false)
})
