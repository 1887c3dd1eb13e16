// What documents are refused for, and that each problem has its line, its path and a next step.
import { readFileSync } from 'node:fs'
import { limits } from '@sallyport/base/limits'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { documentsJsonSchema, jsonSchemaOfKind } from './json-schema.ts'
import { parseDocuments, parseFloor } from './parse.ts'
import { yamlMarksMax } from './yaml.ts'

const Problem = z.strictObject({
  code: z.string(),
  line: z.number().nullable(),
  path: z.string().optional(),
  message: z.string(),
})
const Corpus = z.strictObject({
  head: z.string(),
  cases: z.array(
    z.strictObject({
      name: z.string(),
      text: z.string().optional(),
      body: z.string().optional(),
      problems: z.array(Problem),
    }),
  ),
})
const corpus = Corpus.parse(
  parse(readFileSync(new URL('../testdata/documents/problems.yaml', import.meta.url), 'utf8')),
)
const indented = (body: string): string =>
  body
    .split('\n')
    .map((line) => `  ${line}\n`)
    .join('')

describe('a text is refused', () => {
  it.each(corpus.cases.map((one) => [one.name, one] as const))('%s', (_, { text, body, problems }) => {
    const parsed = parseDocuments(text ?? corpus.head + indented(body ?? ''))
    expect(parsed.problems).toHaveLength(problems.length)
    problems.forEach(({ code, line, path, message }, index) => {
      expect(parsed.problems[index]).toMatchObject({ code, line })
      if (path !== undefined) expect(parsed.problems[index]?.path).toBe(path)
      expect(parsed.problems[index]?.message).toContain(message)
    })
  })
})

const role = (name: string): string =>
  `apiVersion: sallyport.dev/v1\nkind: Role\nmetadata: { name: ${name} }\nspec: { role: admin, groups: [dba] }\n`

describe('limits', () => {
  it('as many documents as allowed, and not one more', () => {
    const text = (count: number): string => Array.from({ length: count }, (_, index) => role(`r${index}`)).join('---\n')
    expect(parseDocuments(text(limits.documentsPerApplyMax))).toMatchObject({ problems: [] })
    expect(parseDocuments(text(limits.documentsPerApplyMax + 1)).problems[0]?.message).toContain('at most')
    expect(parseDocuments(`${'---\n'.repeat(limits.documentsPerApplyMax + 1)}`).problems[0]?.message).toContain(
      'more than',
    )
  })

  it('as many bytes as allowed, and not one more', () => {
    const text = (bytes: number): string => `${role('a')}# ${'é'.repeat((bytes - role('a').length - 2) / 2)}`
    const even = limits.applyBytesMax - ((limits.applyBytesMax - role('a').length) % 2)
    expect(parseDocuments(text(even)).problems).toEqual([])
    expect(parseDocuments(text(even + 2)).problems[0]).toMatchObject({ code: 'YAML_INVALID', line: null })
  })

  it('as much structure as allowed, and not one mark more', () => {
    const marks = (role('a').match(/[\n[\]{}:,?#-]/g)?.length ?? 0) + 1
    const text = (count: number): string => `${role('a')}#${','.repeat(count - marks)}`
    expect(parseDocuments(text(yamlMarksMax)).problems).toEqual([])
    expect(parseDocuments(text(yamlMarksMax + 1)).problems[0]?.message).toContain('too much structure')
  })

  it.each([
    ['lists', '['.repeat(30_000)],
    ['closed lists', `${'['.repeat(5_000)}${']'.repeat(5_000)}`],
    ['maps', Array.from({ length: 200 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
    ['dashes', '- '.repeat(5_000)],
  ])('nesting of %s ends in a problem, not in an exception', (_, text) => {
    const { documents, problems } = parseDocuments(text)
    expect(documents).toEqual([])
    expect(problems[0]?.code).toBe('YAML_INVALID')
  })
})

describe('sound documents', () => {
  it('get their defaults', () => {
    const { documents, problems } = parseDocuments(`${corpus.head}  rules:
    - { name: asks, effect: hold, callers: { any: true }, approval: { reviewers: [{ group: dba }] } }
  masks: [{ columns: [a.b.c], method: redact }]
`)
    expect(problems).toEqual([])
    expect(documents[0]).toMatchObject({
      spec: {
        rules: [
          {
            mode: 'enforce',
            approval: { reviewers: [{ group: 'dba', count: 1 }], expires: '15m', wait: '60s', reason: 'optional' },
          },
        ],
        masks: [{ predicates: 'none' }],
        limits: [],
      },
    })
  })

  it('keep words that older YAML takes for truth values as text', () => {
    const { documents } = parseDocuments(role('a').replace('[dba]', '[no, off, y]'))
    expect(documents[0]).toMatchObject({ spec: { groups: ['no', 'off', 'y'] } })
  })

  it('may be separated by empty documents and comments', () => {
    expect(parseDocuments(`# one\n---\n${role('a')}---\n# two\n---\n${role('b')}...\n`)).toMatchObject({
      problems: [],
      documents: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }],
    })
  })
})

const floorHead = 'apiVersion: sallyport.dev/v1\nkind: Floor\nspec:\n'

describe('a floor', () => {
  it('is read with its deny rules and masks', () => {
    const { floor, problems } = parseFloor(`${floorHead}  issuers: ["https://issuer.example"]
  rules: [{ name: no-drop, effect: deny, operations: [drop] }]
  masks: [{ columns: ["public.customers.ssn"], method: "null" }]
`)
    expect(problems).toEqual([])
    expect(floor?.spec).toMatchObject({ issuers: ['https://issuer.example'], rules: [{ name: 'no-drop' }] })
  })

  it.each([
    ['an allow rule', '  rules: [{ name: a, effect: allow, callers: { any: true } }]', 'FLOOR_INVALID', '"deny"'],
    [
      'a group in a rule',
      '  rules: [{ name: a, effect: deny, callers: { groups: [x] } }]',
      'FLOOR_INVALID',
      'name principals',
    ],
    [
      'a group in an exception',
      '  masks: [{ columns: [a.b.c], method: redact, unless: { groups: [x] } }]',
      'FLOOR_INVALID',
      'name subjects',
    ],
    ['a label', '  masks: [{ label: pii, method: redact }]', 'FLOOR_INVALID', 'name the columns'],
    [
      'a condition that does not type-check',
      '  rules: [{ name: a, effect: deny, when: "1" }]',
      'CEL_INVALID',
      'column 1',
    ],
    [
      'a hold that nobody has to sign',
      '  rules: [{ name: a, effect: hold, approval: { reviewers: [{ group: dba, count: 1 }], expires: 15m, wait: 60s } }]',
      'FLOOR_INVALID',
      'needs "reviewers"',
    ],
    [
      'more signatures than keys',
      `  reviewers: { count: 2, keys: [{ name: bo, key: "ed25519:${'A'.repeat(43)}" }] }`,
      'FLOOR_INVALID',
      'more signatures',
    ],
    [
      'a key that stands twice',
      `  reviewers: { keys: [{ name: bo, key: "ed25519:${'A'.repeat(43)}" }, { name: cy, key: "ed25519:${'A'.repeat(43)}" }] }`,
      'FLOOR_INVALID',
      'stands twice',
    ],
    [
      'a key of another form',
      '  reviewers: { keys: [{ name: bo, key: "ssh-ed25519 AAAA" }] }',
      'FLOOR_INVALID',
      'approvals key',
    ],
    ['an unknown field', '  isuers: []', 'FLOOR_INVALID', 'did you mean "issuers"?'],
    ['text that is not YAML', '  rules: [', 'YAML_INVALID', 'not YAML'],
  ])('with %s is refused', (_, body, code, message) => {
    const { floor, problems } = parseFloor(floorHead + body)
    expect(floor).toBeNull()
    expect(problems[0]).toMatchObject({ code })
    expect(problems[0]?.message).toContain(message)
  })

  it.each([
    ['an empty file', ''],
    ['two documents', `${floorHead}  rules: []\n---\n${floorHead}  rules: []\n`],
    ['another kind', role('a')],
  ])('is not %s', (_, text) => {
    expect(parseFloor(text)).toMatchObject({ floor: null, problems: [{ code: 'FLOOR_INVALID' }] })
  })
})

describe('JSON Schema', () => {
  it('names every kind and asks for no field that has a default', () => {
    const text = JSON.stringify(documentsJsonSchema())
    for (const kind of ['Target', 'Policy', 'TrustedIssuer', 'Group', 'Role', 'Label'])
      expect(text).toContain(`"${kind}"`)
    expect(jsonSchemaOfKind('Role')).toMatchObject({
      required: ['apiVersion', 'kind', 'metadata', 'spec'],
      additionalProperties: false,
    })
    expect(jsonSchemaOfKind('Policy').properties?.['spec']).toMatchObject({ required: ['targets'] })
  })
})
