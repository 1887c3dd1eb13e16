// From a scan to a masked column, as an administrator does it: look at a target, apply what is proposed, and a column that
// is added later is hidden at once. No value that the scan has read is in anything that is stored or logged.
import { join } from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import { runCli } from './stack/cli.ts'
import { dumpOf, filesOf, type Haystack, proveSearch, search } from './stack/secrecy.ts'
import type { Stack } from './stack/stack.ts'
import { until } from './stack/until.ts'
import { useStack, using } from './stack/use.ts'

const stack = useStack()
const planted = 'planted.for.the.scan.7391@example.test'
const printed: Haystack[] = []

/** Past the gateway, as the target's superuser. */
async function atTarget(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: stack().target.url('shop') })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** Runs as the administrator, and keeps what is printed. */
async function asAdmin(parameters: readonly string[], stdin = '') {
  const ran = await runCli(parameters, { home: await stack().cliHome('adam'), stdin })
  printed.push({ name: parameters.join(' '), bytes: Buffer.from(ran.stdout + ran.stderr) })
  return ran
}

/** Everything that anybody could look into, but the target itself and its log. */
const everywhere = async (from: Stack): Promise<Haystack[]> => [
  ...printed,
  ...(await dumpOf('store', from.store.url('sallyport'))),
  ...filesOf('store files', join(from.dir, 'store')),
  ...filesOf('logs', join(from.dir, 'logs')).filter(({ name }) => name !== 'logs/target.log'),
  ...filesOf('agent', from.agentDir),
  ...filesOf('control plane', join(from.dir, 'control')),
]

const readAsAnn = async (sql: string): Promise<Record<string, string | null>[]> =>
  await using(await (await stack().as('ann')).client(), async (open) => (await open.query(sql)).rows)

test('a scan shows a table of what columns look like', async () => {
  await atTarget(`
    CREATE TABLE newsletter (id int PRIMARY KEY, reader text, remark text);
    INSERT INTO newsletter SELECT n, 'reader' || n || '@example.test', 'sent' FROM generate_series(1, 40) n;
    INSERT INTO newsletter VALUES (99, '${planted}', 'asked for ${planted}');
    GRANT SELECT ON newsletter TO app_rw`)
  const ran = await asAdmin(['scan', 'shop'])
  expect(ran.stderr).toContain('were looked at')
  expect(ran.status).toBe(0)
  const line = (column: string) => ran.stdout.split('\n').find((one) => one.startsWith(`public.${column}\t`))
  expect(line('newsletter.reader')).toContain('pii.email\tvalues\temail 41\t41')
  expect(line('customers.phone')).toContain('pii.phone\tvalues')
  // The shop's numbers are of an area that is never given out: only the name tells.
  expect(line('customers.ssn')).toContain('pii.us-ssn\tname')
  expect(line('newsletter.remark')).toBeUndefined()
})

test('no value that it has read is stored, logged or printed', async () => {
  const haystacks = await everywhere(stack())
  const biggest = haystacks.reduce((left, right) => (left.bytes.length > right.bytes.length ? left : right))
  proveSearch(biggest, planted)
  expect(search(haystacks, planted)).toEqual([])
  expect(search(haystacks, 'reader17@example.test')).toEqual([])
})

test('what --json prints can be applied, and masks by label follow the columns', async () => {
  const scanned = await asAdmin(['scan', 'shop', '--json'])
  const applied = await asAdmin(['apply', '-f', '-'], scanned.stdout)
  expect(applied.stdout).toContain('Label\tpii.email\tcreated\t1')
  const policy = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'Policy',
    metadata: { name: 'mail-privacy' },
    spec: {
      targets: { names: ['shop'] },
      rules: [
        {
          name: 'read-newsletter',
          effect: 'allow',
          callers: { any: true },
          operations: ['select'],
          objects: ['public.newsletter'],
        },
      ],
      masks: [{ name: 'mail', label: 'pii.email', method: 'redact' }],
    },
  }
  expect((await asAdmin(['apply', '-f', '-'], JSON.stringify(policy))).status).toBe(0)
  const rows = await until('the mask is in force', async () => {
    const found = await readAsAnn('SELECT reader FROM newsletter WHERE id = 99').catch(() => [])
    return found[0]?.['reader'] === '[redacted]' ? found : null
  })
  expect(rows).toEqual([{ reader: '[redacted]' }])
  const again = await asAdmin(['scan', 'shop', '--json'])
  expect(JSON.parse(again.stdout).result.documents).toEqual([])
})

test('a new column that a pattern covers is masked with the first statement that reads it', async () => {
  const label = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'Label',
    metadata: { name: 'pii.email' },
    spec: { columns: [{ pattern: '*.*.*reader' }, { pattern: '*.*.*mail' }, { pattern: '*.*.remark' }] },
  }
  expect((await asAdmin(['apply', '-f', '-'], JSON.stringify(label))).status).toBe(0)
  await until('the label is in force', async () => {
    const [row] = await readAsAnn('SELECT remark FROM newsletter WHERE id = 99')
    return row?.['remark'] === '[redacted]'
  })
  await atTarget(`ALTER TABLE newsletter ADD COLUMN work_mail text DEFAULT '${planted}'`)
  // The catalog may be a second old: until then a row with a column that was not judged closes the session.
  const rows = await until('the new column is known', () =>
    readAsAnn('SELECT * FROM newsletter WHERE id = 99').catch(() => null),
  )
  const hidden = '[redacted]'
  expect(rows).toEqual([{ id: 99, reader: hidden, remark: hidden, work_mail: hidden }])
})
