// Arguments of tools that are SQL, against a real PostgreSQL: judged by its catalog and under the policies of its target, recorded
// with what they do, and denied where a tool's answer could not be masked or counted (THREATS ).
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type DataPath, type Shown, startDataPath } from './data-path.ts'
import { httpClient } from './http-client.ts'
import { httpTarget } from './http-target.ts'
import { json, type McpTestServer, resultOf, startMcpServer } from './mcp-server.ts'
import { type RealTarget, startRealTarget, targetDocument, targetEnvironment } from './real-target.ts'

let server: McpTestServer
let target: RealTarget
let path: DataPath
const { send } = httpClient(() => path)

const documents = (mcpPort: number, port: number): string => `${targetDocument(port)}
${httpTarget('tools', mcpPort, '/mcp')}
  credential: none
  mcp:
    pinning: "off"
    sql:
      - { tool: run_sql, argument: sql, target: shop }
      - { tool: gone, argument: sql, target: nowhere }
      - { tool: itself, argument: sql, target: tools }
      - { tool: role, argument: sql, target: shop, role: postgres }
      - { tool: archive, argument: sql, target: shop, searchPath: [archive] }
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: tools }
spec:
  targets: { names: [tools] }
  rules: [{ name: all, effect: allow, callers: { any: true }, objects: [tools/*] }]
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: shop }
spec:
  targets: { names: [shop] }
  rules:
    - { name: read, effect: allow, callers: { groups: [engineering] }, operations: [select], objects: ["public.*", "archive.*"] }
    - { name: write, effect: allow, callers: { groups: [engineering] }, operations: [insert, call, create, set], objects: ["**"] }
    - { name: no-secrets, effect: deny, objects: [public.secrets], message: secrets are for nobody }
    - name: deletes
      effect: hold
      callers: { groups: [engineering] }
      operations: [delete]
      objects: ["public.*"]
      approval: { reviewers: [{ group: dba }], wait: 30s }
  masks:
    - { columns: [public.people.email], method: email, unless: { groups: [hr] } }
    - { name: mails, detect: [email], method: redact, unless: { groups: [hr] } }
  limits:
    - { name: counted, per: initiator, rows: 100, every: 1h, objects: [public.counted] }
    - { name: few, per: initiator, requests: 2, every: 1h, objects: [public.rare] }
`

const schema = `
create table people (id int, name text, email text);
create table secrets (id int); create table counted (id int); create table rare (id int); create table plain (id int, note text);
create schema archive; create table archive.old (id int); grant usage on schema archive to app; grant select on archive.old to app;
create function touch() returns int language sql as 'select 1';
`

beforeAll(async () => {
  server = await startMcpServer()
  target = await startRealTarget({ schema })
  path = await startDataPath({
    yaml: documents(server.port, target.server.port),
    environment: { ...targetEnvironment },
  })
})
afterAll(async () => {
  await path?.stop()
  await target?.stop()
  await server?.stop()
})
beforeEach(() => {
  server.heard.length = 0
  server.tools = ['run_sql', 'Run_SQL', 'gone', 'itself', 'role', 'archive'].map((name) => ({
    name,
    inputSchema: { type: 'object' },
  }))
  server.answer = (message, response) =>
    json(response, resultOf(message, { content: [{ type: 'text', text: 'ann@example.com, 3 rows' }] }))
  path.recorder.entries.length = 0
})

const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
const post = async (body: object, shown: Shown, session?: string): Promise<{ body: any; session: string }> => {
  const reply = await send('/tools', {
    method: 'POST',
    headers: { ...headers, ...(session === undefined ? {} : { 'mcp-session-id': session }) },
    body: JSON.stringify(body),
    shown: { target: 'tools', ...shown },
  })
  return { body: JSON.parse(reply.body), session: String(reply.headers['mcp-session-id']) }
}

let id = 0
async function call(tool: string, args: object, shown: Shown = {}): Promise<any> {
  id += 1
  const { session } = await post(
    {
      jsonrpc: '2.0',
      id,
      method: 'initialize',
      params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    },
    shown,
  )
  id += 1
  const params = { name: tool, arguments: args }
  return (await post({ jsonrpc: '2.0', id, method: 'tools/call', params }, shown, session)).body
}

/** Entries of calls of tools. */
const entries = (): any[] =>
  path.recorder.entries.map(({ body }: any) => body).filter((body: any) => body.verb === 'tools/call')

it('goes to the tool where the policies of the database allow it, and is recorded with what it does', async () => {
  const answer = await call('run_sql', { sql: "SELECT note FROM plain WHERE note <> 'a secret thing'", limit: 3 })
  expect(answer.result.content[0].text).toBe('[redacted], 3 rows')
  expect(server.of('tools/call')).toHaveLength(1)
  const [entry] = entries()
  expect(entry).toMatchObject({
    kind: 'intent',
    sql: [
      {
        target: 'shop',
        upstreamRole: 'app',
        verb: 'select',
        effects: [{ operation: 'select', object: 'public.plain', via: 'direct' }],
        rule: { policy: 'shop', rule: 'read' },
      },
    ],
  })
  expect(entry.text).toContain('note <> ‹const›')
  expect(JSON.stringify(path.recorder.entries)).not.toContain('a secret thing')
})

it.each([
  ['what no rule of the database allows', 'UPDATE plain SET note = $$x$$', 'POLICY_UNCOVERED'],
  ['what one denies', 'SELECT id FROM secrets', 'POLICY_DENIED'],
  ['what a person would have to approve', 'DELETE FROM plain WHERE id = 1', 'POLICY_DENIED'],
  ['a result that would be masked', 'SELECT name, email FROM people', 'MASK_UNPROVABLE'],
  ['a protected column in a condition', "SELECT name FROM people WHERE email = 'ann@example.com'", 'MASK_UNPROVABLE'],
  ['rows that a limit counts', 'SELECT id FROM counted', 'LIMIT_REACHED'],
  ['no SQL', 'SELEKT 1', 'STATEMENT_SYNTAX'],
  ['two statements', 'SELECT id FROM plain; SELECT id FROM plain', 'STATEMENT_UNKNOWN'],
  ['nothing', '-- nothing', 'STATEMENT_UNKNOWN'],
  ['a setting', "SET search_path = 'archive'", 'STATEMENT_UNKNOWN'],
  ['a setting by a function', "SELECT set_config('search_path', 'archive', false)", 'STATEMENT_UNKNOWN'],
  ['a transaction', 'BEGIN', 'STATEMENT_UNKNOWN'],
  ['a prepared statement', 'PREPARE p AS SELECT id FROM plain', 'STATEMENT_UNKNOWN'],
  ['a temporary table', 'CREATE TEMP TABLE plain (id int)', 'STATEMENT_UNKNOWN'],
  ['code of the target', 'SELECT touch()', 'STATEMENT_UNKNOWN'],
  ['COPY', 'COPY plain TO STDOUT', 'STATEMENT_UNKNOWN'],
  ['a table that is not there', 'SELECT id FROM missing', 'RELATION_MISSING'],
  ['a table of another search path', 'SELECT id FROM old', 'RELATION_MISSING'],
])('%s is denied, and nothing goes to the tool', async (_, sql, code) => {
  const answer = await call('run_sql', { sql })
  expect(answer.error?.data?.code, JSON.stringify(answer)).toBe(code)
  expect(answer.error.message).toContain('"sql" is refused for "shop"')
  expect(server.of('tools/call')).toHaveLength(0)
  const [entry] = entries()
  expect(entry).toMatchObject({ kind: 'denied', code, sql: [{ target: 'shop' }] })
  expect(JSON.stringify(entry)).not.toContain('ann@example.com')
})

it.each([
  ['gone', 'a target that nobody serves here', 'STATEMENT_UNKNOWN'],
  ['itself', 'a target that is no database', 'STATEMENT_UNKNOWN'],
  ['role', 'a role that the target does not have', 'UPSTREAM_ROLE_FORBIDDEN'],
])('tool %s with %s is denied', async (tool, _, code) => {
  const answer = await call(tool, { sql: 'SELECT id FROM plain' })
  expect(answer.error?.data?.code).toBe(code)
  expect(server.of('tools/call')).toHaveLength(0)
})

it.each([
  ['no text', { sql: { text: 'SELECT 1' } }],
  ['its name in capitals', { SQL: 'SELECT id FROM secrets' }],
  ['its name in both spellings', { sql: 'SELECT id FROM plain', Sql: 'SELECT id FROM secrets' }],
  ['its name in other letters', { ｓql: 'SELECT id FROM secrets' }],
])('%s is denied', async (_, args) => {
  const answer = await call('run_sql', args)
  expect(['STATEMENT_UNKNOWN', 'PROTOCOL_VIOLATION']).toContain(answer.error?.data?.code)
  expect(server.of('tools/call')).toHaveLength(0)
})

it('a tool in other capitals is not taken for another one', async () => {
  expect((await call('Run_SQL', { sql: 'SELECT id FROM secrets' })).error?.data?.code).toBe('STATEMENT_UNKNOWN')
  expect(server.of('tools/call')).toHaveLength(0)
})

it('who is let in by no rule of the database asks it nothing through a tool either', async () => {
  const answer = await call('run_sql', { sql: 'SELECT 1' }, { subject: 'eve', groups: ['sales'] })
  expect(answer.error?.data?.code).toBe('POLICY_UNCOVERED')
})

it('whose masks are lifted gets what the tool says', async () => {
  const shown: Shown = { subject: 'hana', groups: ['engineering', 'hr'] }
  const answer = await call('run_sql', { sql: 'SELECT name, email FROM people' }, shown)
  expect(answer.result.content[0].text).toBe('ann@example.com, 3 rows')
})

it('names are looked up in the search path that the target declares', async () => {
  expect((await call('archive', { sql: 'SELECT id FROM old' })).result).toBeDefined()
  expect((await call('archive', { sql: 'SELECT id FROM plain' })).error.data.code).toBe('RELATION_MISSING')
})

it('limits of the database count it', async () => {
  const codes: string[] = []
  for (let times = 0; times < 3; times++)
    codes.push((await call('run_sql', { sql: 'SELECT id FROM rare' })).error?.data?.code ?? 'ok')
  expect(codes).toEqual(['ok', 'ok', 'LIMIT_REACHED'])
})

it('what was changed at the database a moment ago counts', async () => {
  expect((await call('run_sql', { sql: 'SELECT id FROM fresh' })).error.data.code).toBe('RELATION_MISSING')
  await target.rows('create table fresh (id int)')
  expect((await call('run_sql', { sql: 'SELECT id FROM fresh' })).result).toBeDefined()
})

it('a call without the argument asks no database', async () => {
  expect((await call('run_sql', { limit: 3 })).result).toBeDefined()
  expect(entries()[0].sql).toBeUndefined()
})
