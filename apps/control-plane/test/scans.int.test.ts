// Scans at the control plane: who may ask, which agent hears it, across replicas, and that what an agent sends beside
// counts is neither stored nor logged nor shown.
import { create } from '@bufbuild/protobuf'
import { Scan } from '@sallyport/api/scans'
import { parseDocuments } from '@sallyport/policy/parse'
import { ScanDoneSchema } from '@sallyport/proto/gen/sallyport/v1/scan_pb'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerMsMax } from '../src/scans/scans.ts'
import { say } from './grpc-stack.ts'
import { type AgentLink, eventually, type HoldStack, startHoldStack } from './hold-stack.ts'
import { makeDocuments, type SignedIn } from './make.ts'
import { stopServer } from './stack.ts'

const planted = 'planted.value.7391@example.test'
let stack: HoldStack
let admin: SignedIn
let link: AgentLink

beforeAll(async () => {
  stack = await startHoldStack({ replicas: 2 })
  admin = await stack.person('admin')
  link = await stack.link(await stack.join('eu-1'), stack.replicas[1]!)
})
afterAll(async () => {
  await stack.stop()
  await stopServer()
})

const [askedAt, servedAt] = [0, 1]

async function call(path: string, body?: unknown, replica = askedAt, person = admin) {
  const response = await fetch(`${stack.replicas[replica]!.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...person.headers, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as any }
}

/** Asks at one replica and hears it at the agent, which is linked to the other. */
async function asked(rows?: number): Promise<string> {
  const { status, body } = await call('/api/v1/targets/orders/scans', rows === undefined ? {} : { rows })
  expect(status).toBe(202)
  const { body: message } = await link.stream.until(
    ({ body: one }) => one.case === 'scanRequested' && one.value.scan === body.id,
  )
  expect(message.value).toMatchObject({ target: 'orders', rows: rows ?? 200 })
  return body.id
}

const answer = (scan: string, report: unknown, errorCode = '', errorMessage = '') =>
  say(link.stream, {
    case: 'scanDone',
    value: create(ScanDoneSchema, {
      scan,
      report: report === null ? new Uint8Array(0) : new TextEncoder().encode(JSON.stringify(report)),
      errorCode,
      errorMessage,
    }),
  })

const ended = async (id: string): Promise<Scan> => {
  const { body } = await eventually(
    async () => await call(`/api/v1/scans/${id}`, undefined, servedAt),
    ({ body: one }) => one.state !== 'running',
  )
  return Scan.parse(body)
}

const column = (relation: string, name: string, values: number, hits: Record<string, number>) => ({
  schema: 'public',
  relation,
  column: name,
  values,
  hits,
})
const report = {
  v: 1,
  target: 'orders',
  role: 'app_rw',
  catalogVersion: 'c1',
  relations: 3,
  columns: 9,
  unread: [{ schema: 'hr', relation: 'salaries' }],
  isCut: false,
  found: [
    column('customers', 'contact', 50, { email: 50 }),
    column('customers', 'mobile', 0, {}),
    column('notes', 'body', 100, { email: 2 }),
  ],
}

test('counts become proposals, and documents that apply takes', async () => {
  await makeDocuments(stack.made, [
    {
      apiVersion: 'sallyport.dev/v1',
      kind: 'Label',
      metadata: { name: 'pii.email' },
      spec: { columns: [{ pattern: 'crm.people.mail' }] },
    },
  ])
  const id = await asked(100)
  expect((await call(`/api/v1/scans/${id}`)).body.state).toBe('running')
  answer(id, report)
  const { state, result } = await ended(id)
  expect(state).toBe('done')
  expect(result).toMatchObject({ relations: 3, columns: 9, unread: ['hr.salaries'], isCut: false })
  expect(result?.columnsFound.map(({ column: name, label, evidence }) => [name, label, evidence])).toEqual([
    ['contact', 'pii.email', 'values'],
    ['mobile', 'pii.phone', 'name'],
    ['body', null, null],
  ])
  expect(result?.documents[0]?.spec.columns).toEqual([
    { pattern: 'crm.people.mail' },
    { pattern: 'public.customers.contact', targets: ['orders'] },
  ])
  const yaml = (result?.documents ?? []).map((document) => JSON.stringify(document)).join('\n---\n')
  expect(parseDocuments(yaml).problems).toEqual([])
  const applied = await call('/api/v1/apply', { yaml })
  expect(applied.status).toBe(200)
  expect(applied.body.changes.map((one: { name: string; change: string }) => [one.name, one.change])).toEqual([
    ['pii.email', 'updated'],
    ['pii.phone', 'created'],
  ])
  const again = await ended(id)
  expect(again.result?.documents).toEqual([])
  expect(again.result?.columnsFound[0]?.labelled).toEqual(['pii.email'])
})

test('what an agent sends beside counts goes nowhere, and the search for it would find it', async () => {
  const ids = [await asked()]
  answer(ids[0]!, { ...report, sample: [planted] })
  expect(await ended(ids[0]!)).toMatchObject({ state: 'failed', error: { code: 'REQUEST_INVALID' } })
  ids.push(await asked())
  answer(ids[1]!, { ...report, found: [{ ...report.found[0], value: planted }] })
  expect(await ended(ids[1]!)).toMatchObject({ state: 'failed', result: null })
  const client = new pg.Client({ connectionString: stack.databaseUrl })
  await client.connect()
  const dump = async (): Promise<string> => {
    const tables = await client.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = 'public'`,
    )
    const texts: string[] = []
    for (const { name } of tables.rows) {
      const rows = await client.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`)
      texts.push(...rows.rows.map(({ row }) => row))
    }
    return texts.join('\n')
  }
  try {
    expect(`${await dump()}${stack.logged()}`).not.toContain('planted')
    await client.query('UPDATE "Scan" SET "errorMessage" = $1 WHERE id = $2', [planted, ids[0]])
    expect(await dump()).toContain('planted')
  } finally {
    await client.end()
  }
})

test('an agent ends only its own scans, once', async () => {
  const other = await stack.link(await stack.join('eu-2'), stack.replicas[0]!)
  const id = await asked()
  say(other.stream, { case: 'scanDone', value: create(ScanDoneSchema, { scan: id, errorCode: 'CONFLICT' }) })
  answer(id, report)
  expect((await ended(id)).state).toBe('done')
  answer(id, null, 'CONFLICT', 'again')
  const next = await asked()
  answer(next, null, 'UPSTREAM_REFUSED', 'the target refuses the login')
  expect(await ended(next)).toMatchObject({
    state: 'failed',
    error: { code: 'UPSTREAM_REFUSED', message: 'the target refuses the login' },
  })
  expect((await ended(id)).state).toBe('done')
})

test('one scan of an agent at a time; one that is never answered fails by itself', async () => {
  const id = await asked()
  expect((await call('/api/v1/targets/orders/scans', {})).body.code).toBe('CONFLICT')
  stack.clock.advance(answerMsMax + 1)
  expect(await ended(id)).toMatchObject({ state: 'failed', error: { code: 'UPSTREAM_UNREACHABLE' } })
})

test('a target that nobody serves, or nobody knows, is not scanned; only administrators ask', async () => {
  stack.clock.advance(60_000)
  expect((await call('/api/v1/targets/orders/scans', {})).body.code).toBe('UPSTREAM_UNREACHABLE')
  expect((await call('/api/v1/targets/nothing/scans', {})).body.code).toBe('TARGET_UNKNOWN')
  expect((await call(`/api/v1/scans/${'0'.repeat(32)}`)).body.code).toBe('NOT_FOUND')
  const auditor = await stack.person('auditor')
  expect((await call('/api/v1/targets/orders/scans', {}, 0, auditor)).body.code).toBe('ROLE_MISSING')
})
