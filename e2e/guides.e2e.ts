// The guides, as somebody new would follow them: their documents are applied and their programs and commands are run as they
// stand, with nothing changed but names of machines, places of files, and keys of platforms that are stood for here.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { printedBy } from './clients/tools.ts'
import { runCli } from './stack/cli.ts'
import { shopTarget } from './stack/documents.ts'
import { root } from './stack/root.ts'
import { truth } from './stack/shop.ts'
import { until } from './stack/until.ts'
import { hasPsql, useStack } from './stack/use.ts'

const stack = useStack()
const ours = 'https://sallyport.example.com'
let keys: { privateKey: CryptoKey; publicKey: CryptoKey }
let jwks = ''
let folder = ''
let agent: { host: string; port: number; ca: string }

beforeAll(async () => {
  keys = await generateKeyPair('ES256', { extractable: true })
  jwks = JSON.stringify({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'platform', alg: 'ES256' }] })
  agent = (await (await stack().as('ann')).token('shop')).connection
  folder = join(stack().dir, 'guides')
  mkdirSync(folder)
  symlinkSync(join(root, 'e2e', 'node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'ca.pem'), agent.ca)
}, 60_000)

/** The blocks of one language, in their order. */
const blocksOf = (guide: string, language: string): string[] => {
  const text = readFileSync(join(root, 'docs', 'guides', `${guide}.md`), 'utf8')
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, block = '']) => block)
}
/** Each has to be there: a guide that changes changes its test. */
function replaced(text: string, changes: Readonly<Record<string, string>>): string {
  let changed = text
  for (const [from, to] of Object.entries(changes)) {
    expect(changed, `"${from}" is not in the guide any more`).toContain(from)
    changed = changed.replaceAll(from, to)
  }
  return changed
}
/** Platforms are stood for by a key of ours, pinned in each document of an issuer. */
const pinned = (yaml: string): string =>
  yaml.replaceAll(/^ {2}(issuer: .*)$/gm, `  $1\n  algorithms: [ES256]\n  jwks: ${jwks}`)
const apply = async (yaml: string): Promise<void> => {
  const applied = await (await stack().as('adam')).post('/api/v1/apply', { yaml })
  expect(applied.status, applied.text).toBe(200)
}
const sign = async (issuer: string, subject: string, audience: string, claims: JWTPayload): Promise<string> =>
  await new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: 'platform' })
    .setIssuer(issuer)
    .setSubject(subject)
    .setAudience(audience)
    .setJti(`guide-${Math.round(performance.now() * 1_000)}`)
    .setIssuedAt()
    .setExpirationTime('10m')
    .sign(keys.privateKey)

/** Runs a program of the guide; what it printed. */
async function run(name: string, program: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const file = join(folder, name)
  writeFileSync(file, program)
  const { status, stdout, stderr } = await printedBy(
    process.execPath,
    [file],
    { PATH: process.env['PATH'] ?? '', ...env },
    '',
  )
  expect(status, stderr).toBe(0)
  return stdout.trim()
}
/** Until the agent has what was applied: a refusal to connect is one of a moment before. */
const served = async (attempt: () => Promise<string>): Promise<string> =>
  await until('the agent serves it', async () => await attempt().catch(() => null))

test('a web service with a pool: each transaction has the rights of person and service, and the record names both', async () => {
  const [people = '', rules = ''] = blocksOf('pooled-web-service', 'yaml')
  const [connect = '', exchange = '', as = ''] = blocksOf('pooled-web-service', 'js')
  const password = 'of-the-guide-1'
  await truth(stack(), `CREATE ROLE shop_app LOGIN PASSWORD '${password}' IN ROLE app_rw`)
  writeFileSync(join(folder, 'shop'), password)
  await apply(
    pinned(people) +
      replaced(`---\n${rules}`, {
        'agents: [eu-1]': 'agents: [shop-agent]',
        'host: db.internal': `host: localhost\n  port: ${stack().places.TARGET_PORT}\n  tls:\n    mode: verify-full\n    ca: |\n      ${stack().places.TARGET_CA.trim().replaceAll('\n', '\n      ')}`,
        '/run/secrets/shop': join(folder, 'shop'),
      }),
  )
  const person = await sign('https://login.example.com', 'ann', 'shop-web', { groups: ['customers'], name: 'Ann Abel' })
  writeFileSync(
    join(folder, 'token'),
    await sign('https://kubernetes.default.svc', 'system:serviceaccount:shop:web', 'sallyport', {}),
  )
  const program = replaced(
    [connect, exchange, as.replaceAll('await as(request', 'const { rows } = await as(request')].join('\n'),
    {
      "'agent.internal', port: 6432": `'${agent.host}', port: ${agent.port}, max: 1`,
      '/var/run/secrets/tokens/sallyport': join(folder, 'token'),
      '/etc/sallyport/agent-ca.pem': join(folder, 'ca.pem'),
      [`${ours}/oauth2/token`]: `${stack().url}/oauth2/token`,
    },
  )
  const text = `const request = { user: { token: process.env.PERSON } }
${program}
const told = []
const refusalOf = async (work) => await work().then(() => 'done', (error) => /([A-Z_]+), see/.exec(error.hint ?? '')?.[1] ?? error.message)
told.push(rows.length)
told.push(await refusalOf(() => as(request.user.token, (client) => client.query('select id from products limit 1'))))
told.push(await refusalOf(() => pool.query('select id from orders limit 1')))
console.log(JSON.stringify(told))
await pool.end()
`
  const said = await served(() => run('web.mjs', text, { PERSON: person }))
  expect(JSON.parse(said)).toEqual([1, 'POLICY_UNCOVERED', 'INITIATOR_REQUIRED'])
  const admin = await stack().as('adam')
  const session = await until('the record arrives', async () => {
    const { items } = (await admin.get('/api/v1/sessions?target=shop&initiator=ann&limit=20')).body
    return items.find(({ initiators }: { initiators: unknown[] }) => initiators.length > 0)?.id ?? null
  })
  const shown = await runCli(['sessions', 'show', session], { home: await stack().cliHome('adam') })
  expect(shown.stdout).toMatch(/for (Ann Abel|ann) \(verified\)/)
})

const hasTools = hasPsql && ['curl', 'jq'].every((name) => spawnSync(name, ['--version']).status === 0)
describe.skipIf(!hasTools)('a job that must not reach production', () => {
  const issuer = 'https://token.actions.githubusercontent.com'
  let platform: Server
  /** What the job is, by its own platform. */
  let job: { subject: string; claims: JWTPayload }
  const asked: (string | undefined)[] = []
  beforeAll(async () => {
    platform = createServer((request, response) => {
      asked.push(request.headers.authorization)
      const audience = new URL(request.url ?? '', 'http://127.0.0.1').searchParams.get('audience') ?? ''
      void sign(issuer, job.subject, audience, job.claims).then((value) => response.end(JSON.stringify({ value })))
    }).listen(0, '127.0.0.1')
    await once(platform, 'listening')
    const [documents = ''] = blocksOf('github-actions', 'yaml')
    await apply(`${shopTarget({ name: 'orders', place: 'orders' }, stack().places)}---\n${pinned(documents)}`)
  })
  afterAll(() => void platform?.close())
  const common = { repository: 'acme/shop', repository_id: '74', repository_owner: 'acme' }
  const production: typeof job = {
    subject: 'repo:acme/shop:environment:production',
    claims: { ...common, environment: 'production', ref: 'refs/heads/main' },
  }

  async function migrate(): Promise<{ status: number | null; output: string }> {
    const [, workflow = ''] = blocksOf('github-actions', 'yaml')
    const lines = workflow.slice(workflow.indexOf('run: |\n') + 7)
    const script = replaced(lines, { 'host=orders.example.com port=6432': `host=${agent.host} port=${agent.port}` })
    writeFileSync(join(folder, 'migrate.sql'), 'SELECT id FROM orders ORDER BY id LIMIT 1;\n')
    const { port } = platform.address() as AddressInfo
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: '/nonexistent',
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'of-the-runner',
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?api-version=2.0`,
    }
    // As a step of a workflow is run.
    const child = spawn('bash', ['-eo', 'pipefail', '-c', script], { cwd: folder, env, timeout: 60_000 })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    const [status] = await once(child, 'close')
    return { status, output }
  }

  test('migrates from main in its environment', async () => {
    job = production
    const ran = await until('the agent serves it', async () => {
      const { status, output } = await migrate()
      return status === 0 ? output : null
    })
    expect(ran).toContain('(1 row)')
    expect(asked.at(-1)).toBe('Bearer of-the-runner')
  })

  test.each([
    [
      'a branch without the environment',
      'repo:acme/shop:ref:refs/heads/b',
      { ref: 'refs/heads/b' },
      'POLICY_UNCOVERED',
    ],
    ['a fork', production.subject, { ...production.claims, repository_id: '75' }, 'TOKEN_CLAIM_WRONG'],
  ])('is refused from %s', async (_, subject, claims, code) => {
    job = { subject, claims: { ...common, ...claims } }
    const { status, output } = await migrate()
    expect(status).not.toBe(0)
    expect(output).toContain(code)
  })
})

test('pods, by their service account', async () => {
  const issuer = 'https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLE'
  const [documents = ''] = blocksOf('kubernetes', 'yaml')
  const [program = ''] = blocksOf('kubernetes', 'ts')
  await apply(`${shopTarget({ name: 'orders', place: 'orders' }, stack().places)}---
${pinned(documents)}---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: pods }
spec:
  targets: { names: [orders] }
  rules: [{ name: pods, effect: allow, callers: { groups: [order-service] }, operations: [select] }]
`)
  const claims = { namespace: 'shop', serviceaccount: { name: 'orders', uid: 'u' }, pod: { name: 'orders-1' } }
  const token = await sign(issuer, 'system:serviceaccount:shop:orders', ours, { 'kubernetes.io': claims })
  const file = join(folder, 'pod-token')
  writeFileSync(file, token)
  const text = `${replaced(program, {
    "host: 'orders.example.com'": `host: '${agent.host}'`,
    'port: 6432': `port: ${agent.port}`,
    '/etc/sallyport/ca.pem': join(folder, 'ca.pem'),
  })}
console.log((await pool.query('select id from orders limit 1')).rows.length)
await pool.end()
`
  expect(await served(() => run('pod.mjs', text, { SALLYPORT_TOKEN_FILE: file }))).toBe('1')
})
