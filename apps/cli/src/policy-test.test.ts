// Cases and trials on a terminal: what is sent, what is shown, and the exit status that CI goes by.
import { errorCodes } from '@sallyport/base/errors'
import { expect, test } from 'vitest'
import { loginFile, makeWorld, runIn, storedLogin } from '../test/world.ts'
import { sinceOf } from './policy-trial.ts'

const cases = `apiVersion: sallyport.dev/v1
kind: PolicyTest
target: shop
documents: [shop.yaml]
callers: { eng: { groups: [engineering] } }
cases:
  - { name: reads, caller: eng, sql: select 1, expect: { decision: allow } }
`
const shop = `apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: shop }
spec: { targets: { any: true }, rules: [{ name: no, effect: deny }] }
`

function world(answers: Readonly<Record<string, unknown>>, files: Readonly<Record<string, string>>) {
  const asked: { path: string; body: { yaml?: string; since?: string; cases?: unknown[] } }[] = []
  const made = makeWorld({
    fetch: async (input, init) => {
      const { pathname } = new URL(String(input))
      asked.push({ path: pathname, body: JSON.parse(String(init?.body)) })
      return Response.json(answers[pathname] ?? {}, { status: answers[pathname] === undefined ? 404 : 200 })
    },
  })
  made.stored.set(loginFile, storedLogin('http://127.0.0.1:9'))
  for (const [name, text] of Object.entries(files)) made.stored.set(name, text)
  return { made, asked }
}
const outcome = (passed: boolean, problems: string[] = []) => ({
  name: 'reads',
  passed,
  problems,
  decision: 'allow',
  rule: 'shop/read',
  message: '',
})
const files = { 'policies/shop.test.yaml': cases, 'policies/shop.yaml': shop }
const path = '/api/v1/policies/test'

test('cases are sent with the documents that stand beside them', async () => {
  const { made, asked } = world({ [path]: { passed: 1, failed: 0, cases: [outcome(true)] } }, files)
  const ran = await runIn(made, 'policy', 'test', 'policies/shop.test.yaml')
  expect(ran).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('ok   reads'),
    stderr: expect.stringContaining('1 passed, 0 failed'),
  })
  expect(asked[0]?.body).toMatchObject({ target: 'shop', yaml: shop, cases: [{ name: 'reads', parameters: [] }] })
})

test('a case that fails ends with the status of failed tests and says why', async () => {
  const answer = { passed: 0, failed: 1, cases: [outcome(false, ['decision: expected "allow", got "deny"'])] }
  const ran = await runIn(world({ [path]: answer }, files).made, 'policy', 'test', 'policies/shop.test.yaml')
  expect(ran.status).toBe(errorCodes.TESTS_FAILED.exit)
  expect(ran.stdout).toContain('FAIL reads\n       decision: expected "allow", got "deny"')
})

test.each([
  ['an unknown caller', cases.replace('caller: eng', 'caller: bob'), 'caller "bob" that is not in callers'],
  ['an unknown field', cases.replace('sql:', 'sqll:'), 'policies/shop.test.yaml:7: cases.0'],
  ['no YAML', 'a: [', 'policies/shop.test.yaml:1'],
])('a file with %s is refused before anything is sent', async (_, text, words) => {
  const { made, asked } = world({}, { ...files, 'policies/shop.test.yaml': text })
  const ran = await runIn(made, 'policy', 'test', 'policies/shop.test.yaml')
  expect([ran.status, asked.length]).toEqual([2, 0])
  expect(ran.stderr).toContain(words)
})

test('a trial lists what changes, and says what was not decided', async () => {
  const side = (decision: string, rule: string) => ({ decision, rule, message: '' })
  const result = {
    statements: 9,
    unchanged: 5,
    changed: 3,
    outdated: 0,
    truncated: false,
    undecided: [{ reason: 'a condition reads claims of the caller, which no record keeps', statements: 1 }],
    changes: [
      {
        statements: 3,
        target: 'shop',
        initiator: 'Ann',
        verb: 'select',
        objects: ['public.orders'],
        text: 'select 1',
        from: side('allow', 'shop/read'),
        to: side('deny', 'shop/stop'),
        session: 'a',
        statement: 4,
        at: '',
      },
    ],
  }
  const { made, asked } = world({ '/api/v1/policies/trial': result }, { 'draft.yaml': shop })
  const ran = await runIn(made, 'policy', 'trial', '--since', '7d', '-f', 'draft.yaml')
  expect(ran.status).toBe(0)
  expect(ran.stdout).toContain('3 of 9 statements would be decided otherwise')
  expect(ran.stdout).toContain('deny (shop/stop)')
  expect(ran.stderr).toContain('1 not decided: a condition reads claims')
  expect(asked[0]?.body).toMatchObject({ yaml: shop, since: '2026-05-25T12:00:00.000Z' })
})

test('a time may be a duration or a time, and nothing else', () => {
  expect(sinceOf('12h', Date.parse('2026-06-02T00:00:00Z'))).toBe('2026-06-01T12:00:00.000Z')
  expect(sinceOf('2026-06-01', 0)).toBe('2026-06-01T00:00:00.000Z')
  expect(() => sinceOf('yesterday', 0)).toThrow('is no duration and no time')
})
