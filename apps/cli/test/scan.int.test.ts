// sallyport scan against a real HTTP server: it waits, shows what was found, and prints documents that apply sends on.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loginFile, makeWorld, runIn, storedLogin } from './world.ts'

const id = 'a'.repeat(32)
const document = {
  apiVersion: 'sallyport.dev/v1',
  kind: 'Label',
  metadata: { name: 'pii.email' },
  spec: { columns: [{ pattern: 'public.customers.contact', targets: ['shop'] }] },
}
const column = (name: string, more: object) => ({
  schema: 'public',
  relation: 'customers',
  column: name,
  values: 50,
  hits: {},
  label: null,
  evidence: null,
  labelled: [],
  ...more,
})
const result = {
  role: 'app',
  catalogVersion: 'c',
  relations: 3,
  columns: 9,
  isCut: false,
  unread: ['hr.salaries'],
  columnsFound: [
    column('contact', { hits: { email: 50 }, label: 'pii.email', evidence: 'values' }),
    column('note', { hits: { phone: 1 } }),
  ],
  documents: [document],
}
const scanOf = (state: string, more: object = {}) => ({
  id,
  target: 'shop',
  state,
  askedAt: '2026-06-01T12:00:00.000Z',
  doneAt: null,
  error: null,
  result: null,
  ...more,
})

let states: object[] = []
const applied: { yaml: string; dryRun: boolean }[] = []
let url = ''

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request)
  const send = (status: number, value: unknown) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  if (request.url === '/api/v1/targets/shop/scans') send(202, { id })
  else if (request.url === `/api/v1/scans/${id}`) send(200, states.length > 1 ? states.shift() : states[0])
  else {
    applied.push(JSON.parse(body))
    send(200, { dryRun: true, changes: [], warnings: [] })
  }
}
const server = createServer((request, response) => void answer(request, response))

beforeAll(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

function world(changes: Parameters<typeof makeWorld>[0] = {}) {
  const made = makeWorld({ fetch: globalThis.fetch, ...changes })
  made.stored.set(loginFile, storedLogin(url))
  return made
}

test('a table of proposals, once the agent has answered', async () => {
  states = [scanOf('running'), scanOf('running'), scanOf('done', { result })]
  const ran = await runIn(world(), 'scan', 'shop')
  expect(ran.status).toBe(0)
  expect(ran.stdout).toBe(
    'column\tproposed label\tby\tfound\tvalues\tlabelled\npublic.customers.contact\tpii.email\tvalues\temail 50\t50\t\n',
  )
  expect(ran.stderr).toContain('9 columns of 3 relations were looked at')
  expect(ran.stderr).toContain('role "app" could not read all of: hr.salaries')
  const all = await runIn(world(), 'scan', 'shop', '--all')
  expect(all.stdout).toContain('public.customers.note\t\t\tphone 1\t50\t\n')
})

test('--yaml and --json print what apply takes', async () => {
  states = [scanOf('done', { result })]
  for (const option of ['--yaml', '--json']) {
    const { stdout, stderr } = await runIn(world(), 'scan', 'shop', option)
    if (option === '--json')
      expect(JSON.parse(stdout)).toMatchObject({ v: 1, ok: true, result: { documents: [document] } })
    expect(stderr).not.toContain('undefined')
    const ran = await runIn(world({ readStdin: async () => stdout }), 'apply', '-f', '-', '--dry-run')
    expect(ran.status).toBe(0)
  }
  expect(applied).toHaveLength(2)
  expect(applied[0]?.yaml).toBe(applied[1]?.yaml)
  expect(JSON.parse(applied[0]?.yaml.replace(/^---\n/, '') ?? '')).toEqual(document)
})

test('nothing to label is no document, and apply says so', async () => {
  states = [scanOf('done', { result: { ...result, columnsFound: [], documents: [] } })]
  expect((await runIn(world(), 'scan', 'shop')).stdout).toBe('nothing found in 9 columns of 3 relations\n')
  const { stdout } = await runIn(world(), 'scan', 'shop', '--yaml')
  const ran = await runIn(world({ readStdin: async () => stdout }), 'apply', '-f', '-')
  expect(ran.status).toBe(2)
  expect(ran.stderr).toContain('holds no document')
})

test('another JSON text is applied as it is, and refused as what it is', async () => {
  const text = JSON.stringify({ v: 1, ok: true, result: { rows: [] } })
  const ran = await runIn(world({ readStdin: async () => text }), 'apply', '-f', '-')
  expect(ran.status).toBe(2)
  expect(ran.stderr).toContain('"kind" is missing')
})

test('a scan that failed has the exit status of its code', async () => {
  states = [scanOf('failed', { error: { code: 'CONFLICT', message: 'the agent scans another target' } })]
  const ran = await runIn(world(), 'scan', 'shop')
  expect(ran.status).toBe(1)
  expect(ran.stderr).toContain('error: the agent scans another target')
  expect((await runIn(world(), 'scan', 'shop', '--rows', '0')).status).toBe(2)
})

test('--seen sends the versions that a dry run has looked at', async () => {
  const dry = {
    dryRun: true,
    changes: [
      { kind: 'Label', name: 'pii.email', change: 'created', version: 1 },
      { kind: 'Label', name: 'pii.phone', change: 'updated', version: 4 },
    ],
    warnings: [],
  }
  const yaml = JSON.stringify(document)
  const seenAs = (printed: string) => {
    const made = world({ readStdin: async () => yaml })
    made.stored.set('seen.json', printed)
    return made
  }
  const ran = await runIn(
    seenAs(JSON.stringify({ v: 1, ok: true, result: dry })),
    'apply',
    '-f',
    '-',
    '--seen',
    'seen.json',
  )
  expect(ran.status, ran.stderr).toBe(0)
  expect(applied.at(-1)).toMatchObject({
    dryRun: false,
    expect: [
      { kind: 'Label', name: 'pii.email', version: 0 },
      { kind: 'Label', name: 'pii.phone', version: 3 },
    ],
  })
  const count = applied.length
  for (const printed of ['{', JSON.stringify({ v: 1, ok: true, result: { ...dry, dryRun: false } })]) {
    const refused = await runIn(seenAs(printed), 'apply', '-f', '-', '--seen', 'seen.json')
    expect(refused.status).toBe(2)
    expect(refused.stderr).toContain('is not what a dry run printed')
  }
  expect(applied).toHaveLength(count)
})
