// JSON (THREATS ): paths that meet or do not, and documents of which parts are hidden while everything else stays as it was.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type JsonPart, jsonMasker } from './mask.ts'
import { jsonPathText, meet, parseJsonPath, type ReadPath } from './path.ts'
import { rewriteJson } from './rewrite.ts'

const hash = (value: Uint8Array): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, at) => (value.length * 31 + at) & 255)
const pathOf = (text: string) => {
  const parsed = parseJsonPath(text)
  if ('problem' in parsed) throw new Error(parsed.problem)
  return parsed.path
}
const masked = (text: string, ...parts: readonly (readonly [string, JsonPart['method']])[]): string | null =>
  jsonMasker(
    parts.map(([path, method]) => ({ path: path === '' ? [] : pathOf(path), method })),
    hash,
  )(text)

describe('a path of a policy', () => {
  it.each([
    ['$.contact.email', ['contact', 'email']],
    ['$["a b"].c', ['a b', 'c']],
    ["$['a']", ['a']],
    ['$.list[*].x', ['list', 'x']],
    ['$."with.dot"', ['with.dot']],
    ['$.größe', ['größe']],
  ])('%s', (text, path) => {
    expect(parseJsonPath(text)).toEqual({ path })
  })
  it.each(['contact', '$', '$[*]', '$..email', '$.*', '$.a[0]', '$.a?(@ > 1)', '$.', `$${'.a'.repeat(17)}`])(
    'is not %s',
    (text) => expect(parseJsonPath(text)).toHaveProperty('problem'),
  )
  it('is written as it was read', () => {
    for (const text of ['$.contact.email', '$["a b"].c']) expect(jsonPathText(pathOf(text))).toBe(text)
  })
})

describe('a part that is read', () => {
  it.each<[ReadPath, string, string]>([
    [[], 'holds', 'contact email'],
    [['contact'], 'holds', 'email'],
    [['contact', 'email'], 'holds', ''],
    [['contact', 'email', 'x'], 'meets', ''],
    [['contact', 'phone'], 'apart', ''],
    [['plan'], 'apart', ''],
    [['0', 'contact', 'email'], 'holds', ''],
    [['contact', '-1', ' +7', 'email'], 'holds', ''],
    [['contact', '0', 'kind'], 'apart', ''],
    [['0'], 'holds', 'contact email'],
    [[null], 'meets', ''],
    [['contact', null], 'meets', ''],
    [['plan', null], 'apart', ''],
  ])('%j of $.contact.email: %s', (read, kind, rest) => {
    const meeting = meet(read, ['contact', 'email'])
    expect(meeting.kind).toBe(kind)
    if (meeting.kind === 'holds') expect(meeting.rest.join(' ')).toBe(rest)
  })
  it('is not known where a number may be a name', () => {
    expect(meet(['0', 'a'], ['0', 'a'])).toEqual({ kind: 'holds', rest: [] })
    expect(meet(['0'], ['0', 'a']).kind).toBe('meets')
    expect(meet(['1', '0'], ['0', 'a']).kind).toBe('meets')
  })
})

describe('a document', () => {
  it.each<[string, string, readonly (readonly [string, JsonPart['method']])[]]>([
    ['{"a": 1, "b" :"x"}', '{"a": "[redacted]", "b" :"x"}', [['$.a', 'redact']]],
    ['{"a":{"b":[1,2]},"c":1e400}', '{"a":{"b":"[redacted]"},"c":1e400}', [['$.a.b', 'redact']]],
    ['[{"a":1},[{"a":{"a":2}}]]', '[{"a":"[redacted]"},[{"a":"[redacted]"}]]', [['$.a', 'redact']]],
    ['{"\\u0061":1,"a":2}', '{"\\u0061":"[redacted]","a":"[redacted]"}', [['$.a', 'redact']]],
    ['{"a":null}', '{"a":null}', [['$.a', 'redact']]],
    ['{"a":5}', '{"a":null}', [['$.a', 'null']]],
    ['{"m":"ann@example.com"}', '{"m":"***@example.com"}', [['$.m', 'email']]],
    ['{"m":["ann@example.com"]}', '{"m":"[redacted]"}', [['$.m', 'email']]],
    ['{"c":4111111111111111}', '{"c":"****1111"}', [['$.c', { partial: { keepLast: 4 } }]]],
    ['{"c":true}', '{"c":"[redacted]"}', [['$.c', { partial: { keepLast: 4 } }]]],
    ['"x"', '"[redacted]"', [['', 'redact']]],
    [
      '{"a":{"b":1}}',
      '{"a":"[redacted]"}',
      [
        ['$.a.b', 'null'],
        ['$.a', 'redact'],
      ],
    ],
    [
      '{"a":1}',
      '{"a":null}',
      [
        ['$.a', 'redact'],
        ['$.a', 'null'],
      ],
    ],
    [' {} ', ' {} ', [['$.a', 'null']]],
  ])('%s', (before, after, parts) => {
    expect(masked(before, ...parts)).toBe(after)
  })
  it('of another kind tells nothing of it', () => {
    for (const value of ['1', '"x"', 'true', '[]', '{"b":2}', '-0.5e3'])
      expect(masked(`{"a":${value},"z":1}`, ['$.a', 'redact'])).toBe('{"a":"[redacted]","z":1}')
  })
  it.each(['', '{', '[1', '{"a"}', '{"a":}', '[1,]', '{"a":1,}', '1 2', '01', '"a', 'nul', '{"a":1]', '{"\\x":1}'])(
    'is none: %s',
    (text) => expect(masked(text, ['$.a', 'redact'])).toBeNull(),
  )
  it('ends at a depth, also where nothing is hidden', () => {
    expect(masked(`${'['.repeat(10_000)}${']'.repeat(10_000)}`, ['$.a', 'redact'])).not.toBeNull()
    expect(masked(`${'['.repeat(10_001)}${']'.repeat(10_001)}`, ['$.a', 'redact'])).toBeNull()
  })
  it('stays as it is where nothing is rewritten, and what is masked parses', () => {
    const nothing = { member: () => null, whole: () => null, scalar: () => null, name: () => null }
    fc.assert(
      fc.property(fc.json(), fc.boolean(), (text, spaced) => {
        const written = spaced ? JSON.stringify(JSON.parse(text), null, 2) : text
        expect(rewriteJson(written, null, nothing)).toBe(written)
        const hidden = masked(`{"k":${written},"a":${written}}`, ['$.k', 'redact'])
        expect(JSON.parse(hidden ?? '')).toEqual({
          ...JSON.parse(`{"a":${written}}`),
          k: JSON.parse(written) === null ? null : '[redacted]',
        })
      }),
    )
  })
})
