// Rules about tools, resources and prompts of MCP servers, and what they say nothing about (THREATS ).
import { describe, expect, it } from 'vitest'
import { decide, mayAsk } from './decide.ts'
import { type McpFacts, type McpSubject, mcpFacts } from './mcp.ts'
import { parseDocuments } from './parse.ts'
import { chain, compileDocuments, context, documentsOf, facts } from './testing.ts'

const target = `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: tools }
spec: { protocol: http, agents: [edge], url: "https://tools.example/mcp", credential: none, mcp: {} }
---`
const policyOf = (rules: string, more = ''): string => `${target}
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: p }
spec:
  targets: { names: [tools] }
  rules:
${rules}
${more}`
const compiled = (rules: string) => compileDocuments(documentsOf(policyOf(rules)))
const ann = chain('ann in engineering')

const messageOf = (subject: McpSubject | null, value: unknown = new Map()): McpFacts => ({
  method: 'tools/call',
  subject,
  arguments: { kind: 'known', value },
})
const tool = (name: string): McpSubject => ({ kind: 'tool', name })

function decided(rules: string, subject: McpSubject | null, value?: unknown): string {
  const mcp = messageOf(subject, value)
  const decision = decide(compiled(rules), mcpFacts('tools', mcp, 'tools/call'), context(ann, { mcp }))
  return decision.kind === 'deny' ? decision.code : decision.kind
}
const allow = (objects: string, more = ''): string =>
  `    - { name: a, effect: allow, callers: { any: true }, objects: [${objects}]${more} }`

describe('a tool', () => {
  it.each([
    ['tools/search', 'search', 'allow'],
    ['tool:tools/search', 'search', 'allow'],
    ['tools/search_*', 'search_orders', 'allow'],
    ['"*/search"', 'search', 'allow'],
    ['tools/*', 'a.b', 'allow'],
    ['"**"', 'search', 'allow'],
    ['tools/search', 'Search', 'POLICY_UNCOVERED'],
    ['tools/search', 'search2', 'POLICY_UNCOVERED'],
    ['other/search', 'search', 'POLICY_UNCOVERED'],
    ['resource:tools/search:*', 'search', 'POLICY_UNCOVERED'],
    ['prompt:tools/search', 'search', 'POLICY_UNCOVERED'],
    ['"*.*"', 'a.b', 'POLICY_UNCOVERED'],
    ['/search', 'search', 'POLICY_UNCOVERED'],
    ['"/**"', 'search', 'POLICY_UNCOVERED'],
  ])('by %s, called "%s": %s (R-4.13)', (pattern, name, expected) => {
    expect(decided(allow(pattern), tool(name))).toBe(expected)
  })

  it('is denied in whatever case a careless server would take it (R-4.13)', () => {
    const rules = `${allow('tools/*')}\n    - { name: d, effect: deny, objects: [tools/delete_all] }`
    expect(decided(rules, tool('Delete_All'))).toBe('POLICY_DENIED')
    expect(decided(rules, tool('delete'))).toBe('allow')
  })

  it('is no object of a database, whose patterns are about others', () => {
    const rules = allow('tools/*')
    const sql = decide(compiled(rules), facts(['select public.orders']), context(ann))
    expect(sql).toMatchObject({ kind: 'deny', code: 'POLICY_UNCOVERED' })
  })
})

it.each([
  ['resource:tools/file:///reports/*', 'file:///reports/a.txt', 'allow'],
  ['resource:tools/file:///reports/*', 'file:///reports/a/b.txt', 'POLICY_UNCOVERED'],
  ['"resource:tools/file:///reports/**"', 'file:///reports/a/b.txt', 'allow'],
  ['"resource:tools/file:///reports/**"', 'file:///secrets', 'POLICY_UNCOVERED'],
  ['tools/*', 'file:///reports/a.txt', 'POLICY_UNCOVERED'],
])('a resource by %s, read at %s: %s (R-4.16)', (pattern, name, expected) => {
  expect(decided(allow(pattern), { kind: 'resource', name })).toBe(expected)
})

it('operations tell calls, reads and prompts apart', () => {
  const rules = allow('"**"', ', operations: [mcp.prompt]')
  expect(decided(rules, { kind: 'prompt', name: 'greet' })).toBe('allow')
  expect(decided(rules, tool('greet'))).toBe('POLICY_UNCOVERED')
})

it('what has no name needs no rule, and a rule about everything denies it', () => {
  expect(decided(allow('tools/search'), null)).toBe('allow')
  expect(decided(`${allow('tools/search')}\n    - { name: off, effect: deny }`, null)).toBe('POLICY_DENIED')
})

describe('conditions', () => {
  const rules = allow('tools/*', ', when: "mcp.arguments.limit <= 10 && mcp.tool == \'search\'"')
  it('read arguments, and deny where they are missing or something else (R-4.19)', () => {
    expect(decided(rules, tool('search'), new Map([['limit', 10n]]))).toBe('allow')
    expect(decided(rules, tool('search'), new Map([['limit', 11n]]))).toBe('POLICY_UNCOVERED')
    expect(decided(rules, tool('search'), new Map())).toBe('POLICY_ERROR')
    expect(decided(rules, tool('search'), new Map([['limit', 'x']]))).toBe('POLICY_ERROR')
  })

  it('on a message fail for a statement, and deny it', () => {
    const always = allow('"**"', ', when: "mcp.tool == \'\'"')
    expect(decide(compiled(always), facts(['select public.orders']), context(ann))).toMatchObject({
      code: 'POLICY_ERROR',
    })
  })
})

describe('what may be asked for', () => {
  const may = (rules: string, name: string): boolean => {
    const mcp: McpFacts = { method: 'tools/call', subject: tool(name), arguments: { kind: 'unread' } }
    return mayAsk(compiled(rules), mcpFacts('tools', mcp, ''), context(ann, { mcp }))
  }
  it.each([
    [allow('tools/search'), 'search', true],
    [allow('tools/search'), 'delete', false],
    [allow('tools/*', ', when: "mcp.arguments.limit <= 10"'), 'search', true],
    [allow('tools/*', ', when: "caller.kind == \'workload\'"'), 'search', false],
    [`${allow('tools/*')}\n    - { name: d, effect: deny, objects: [tools/delete] }`, 'delete', false],
    [`${allow('tools/*')}\n    - { name: d, effect: deny, when: "mcp.arguments.limit > 10" }`, 'search', true],
    [`${allow('tools/a')}\n    - { name: d, effect: deny, when: "mcp.arguments.limit > 10" }`, 'b', false],
    ['    - { name: a, effect: allow, callers: { groups: [dba] }, objects: [tools/*] }', 'search', false],
    ['    - { name: a, effect: allow, mode: shadow, callers: { any: true }, objects: [tools/*] }', 'search', false],
  ])('%s: %s → %s (R-4.15)', (rules, name, expected) => {
    expect(may(rules, name)).toBe(expected)
  })
})

describe('documents', () => {
  const problems = (text: string): string =>
    parseDocuments(text)
      .problems.map(({ message }) => message)
      .join('\n')
  it.each([
    ['tools/', 'names nothing'],
    ['"tools/a**b"', 'stands at the end'],
    ['tools/a b', 'ASCII without spaces'],
    ['"tools/a/b"', 'have names of at most 64'],
    ['resource:tools/reports', 'is no URI'],
    ['tols:tools/a', 'unknown kind of object'],
  ])('refuse the object %s', (object, message) => {
    expect(problems(policyOf(allow(object)))).toContain(message)
  })

  it('take masks by tool, and refuse what says nothing of an MCP server', () => {
    expect(problems(policyOf(allow('tools/*'), '  masks: [{ routes: [tools/*], path: $.ssn, method: redact }]'))).toBe(
      '',
    )
    expect(problems(target.replace('mcp: {}', 'passFields: [cookie], mcp: {}'))).toContain('no field of a caller')
    expect(problems(target.replace('mcp: {}', 'mcp: { pins: { a: "1" } }'))).toContain('sha256')
  })
})
