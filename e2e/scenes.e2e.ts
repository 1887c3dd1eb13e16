// Two of the scenes for which Sallyport is made (DESIGN §1), on the whole stack. A stolen image: what a function ships holds nothing
// that opens anything, and what was copied out of it while it ran is refused elsewhere and later. A wrong pipeline: a job that
// reaches for production is refused by what its own platform says about it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exchangeGrant, jwtTokenType } from '@sallyport/api/exchange'
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose'
import pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { shopTarget } from './stack/documents.ts'
import { filesOf, proveSearch, search } from './stack/secrecy.ts'
import { audience, root } from './stack/stack.ts'
import { until } from './stack/until.ts'
import { expectExplained, refusalOf, useStack, using } from './stack/use.ts'

const stack = useStack()
const cluster = 'https://kubernetes.default.svc.cluster.local'
const github = 'https://token.actions.githubusercontent.com'
const target = 'production'
let keys: { privateKey: CryptoKey; publicKey: CryptoKey }
let connection: { host: string; port: number; ca: string }

const issuerDocument = (name: string, preset: string, issuer: string, claims: string, jwk: unknown) => `---
apiVersion: sallyport.dev/v1
kind: TrustedIssuer
metadata: { name: ${name} }
spec:
  preset: ${preset}
  issuer: ${issuer}
  audiences: [${audience}]
  algorithms: [ES256]
  requiredClaims: ${claims}
  jwks: { keys: [${JSON.stringify(jwk)}] }
---
apiVersion: sallyport.dev/v1
kind: Group
metadata: { name: ${name}-workloads }
spec: { members: [{ issuer: "${issuer}", subject: "${name === 'cluster' ? 'system:serviceaccount:shop:orders' : 'repo:acme/shop:environment:production'}" }, { issuer: "${issuer}", subject: "${name === 'cluster' ? 'system:serviceaccount:shop:mailer' : 'repo:acme/shop:environment:staging'}" }] }
`
const policy = `---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: ${target} }
spec:
  targets: { names: [${target}] }
  rules:
    - { name: pods, effect: allow, callers: { groups: [cluster-workloads] }, operations: [select] }
    - { name: people, effect: allow, callers: { groups: [engineering] }, operations: [select], objects: [public.orders] }
    - name: deployments-from-main
      effect: allow
      callers: { groups: [pipeline-workloads] }
      operations: [select]
      when: caller.claims.ref == "refs/heads/main"
`
const mayAct = `  mayAct:
    - { actors: { groups: [cluster-workloads] }, initiators: { groups: [engineering] } }
`
const seconds = (): number => Math.floor(Date.now() / 1_000)

interface Made {
  readonly issuer: string
  readonly subject: string
  readonly claims: Record<string, unknown>
  readonly ageSeconds?: number
  readonly lifeSeconds?: number
}
const signed = async ({ issuer, subject, claims, ageSeconds = 0, lifeSeconds = 600 }: Made): Promise<string> =>
  await new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: 'platform' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(subject)
    .setJti(`scene-${Math.round(performance.now() * 1_000)}`)
    .setIssuedAt(seconds() - ageSeconds)
    .setExpirationTime(seconds() - ageSeconds + lifeSeconds)
    .sign(keys.privateKey)
const pod = async (name: string, more: Partial<Made> = {}): Promise<string> =>
  await signed({
    issuer: cluster,
    subject: `system:serviceaccount:shop:${name}`,
    claims: { 'kubernetes.io': { namespace: 'shop', serviceaccount: { name, uid: name }, pod: { name: `${name}-1` } } },
    ...more,
  })
const job = async (claims: Record<string, unknown>): Promise<string> => {
  const all = {
    repository: 'acme/shop',
    repository_owner: 'acme',
    repository_id: '74',
    ref: 'refs/heads/main',
    ...claims,
  }
  return await signed({
    issuer: github,
    subject: `repo:acme/shop:environment:${String(claims['environment'])}`,
    claims: all,
  })
}
const clientOf = (password: string): pg.Client => {
  const { host, port, ca } = connection
  return new pg.Client({ host, port, database: target, user: 'sallyport', password, ssl: { ca } })
}
const select = 'select id from orders limit 1'

beforeAll(async () => {
  keys = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'platform', alg: 'ES256' }
  const admin = await stack().as('adam')
  const yaml =
    shopTarget({ name: target, place: 'production', more: mayAct }, stack().places) +
    issuerDocument('cluster', 'kubernetes', cluster, '{ /kubernetes.io/namespace: shop }', jwk) +
    issuerDocument('pipeline', 'github-actions', github, '{ repository_id: "74", environment: production }', jwk) +
    policy
  const applied = await admin.post('/api/v1/apply', { yaml })
  expect(applied.status, applied.text).toBe(200)
  const ann = await stack().as('ann')
  const issued = await until('the target is open', async () => {
    const { connection } = await ann.token(target).catch(() => ({ connection: null }))
    return connection
  })
  const { host, port, ca } = issued
  connection = { host, port, ca }
  const token = await pod('orders')
  await until('the agent serves it', async () => {
    return await using(clientOf(token), async (client) => (await client.query(select)).rows.length === 1).catch(
      () => false,
    )
  })
})

describe('a stolen image', () => {
  const program = `const { readFileSync } = require('node:fs')
const pg = require('pg')
const { host, port, database } = JSON.parse(readFileSync(__dirname + '/config.json', 'utf8'))
const password = () => readFileSync(process.env.SALLYPORT_TOKEN_FILE, 'utf8')
const client = new pg.Client({ host, port, database, user: 'sallyport', password, ssl: { ca: readFileSync(__dirname + '/ca.pem', 'utf8') } })
client.on('error', () => {})
client.connect().then(() => client.query(${JSON.stringify(select)})).then(({ rows }) => console.log('rows ' + rows.length), (error) => console.log(error.hint ?? error.message)).finally(() => process.exit())
`
  /** Everything that the function ships: program, configuration, certificate. */
  function buildImage(): string {
    const image = join(stack().dir, 'image')
    mkdirSync(image, { recursive: true })
    writeFileSync(join(image, 'function.cjs'), program)
    const { host, port, ca } = connection
    writeFileSync(join(image, 'config.json'), JSON.stringify({ host, port, database: target }))
    writeFileSync(join(image, 'ca.pem'), ca)
    return image
  }
  async function run(image: string, tokenFile: string): Promise<string> {
    const env = {
      PATH: process.env['PATH'] ?? '',
      NODE_PATH: join(root, 'e2e', 'node_modules'),
      SALLYPORT_TOKEN_FILE: tokenFile,
    }
    const child = spawn(process.execPath, [join(image, 'function.cjs')], { env, stdio: ['ignore', 'pipe', 'ignore'] })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    await once(child, 'close')
    return said.trim()
  }
  /** What the platform mounts into a pod that runs, and into no image. */
  function mount(name: string, token: string): string {
    const file = join(stack().dir, `token-of-${name}`)
    writeFileSync(file, token, { mode: 0o600 })
    return file
  }

  test('holds nothing usable: neither the credential nor a token, and it does not run elsewhere', async () => {
    const image = buildImage()
    const token = await pod('orders')
    expect(await run(image, mount('orders', token))).toBe('rows 1')
    const stolen = join(stack().dir, 'stolen')
    cpSync(image, stolen, { recursive: true })
    const files = filesOf('image', stolen)
    const [sample] = files
    if (sample === undefined) throw new Error('the image is empty')
    for (const secret of [stack().credential, token, token.split('.')[2] ?? '']) {
      proveSearch(sample, secret)
      expect(search(files, secret)).toEqual([])
    }
    // The search is about the real ones: it finds them where they are.
    expect(readFileSync(stack().credentialFile, 'utf8')).toBe(stack().credential)
    expect(await run(stolen, mount('nothing', ''))).toContain('TOKEN_MISSING')
    expect(await run(stolen, join(stack().dir, 'no-such-file'))).toContain('ENOENT')
  })

  test('R-6.3: a token that was copied out of it is refused later', async () => {
    const copied = await pod('orders', { ageSeconds: 700 })
    const refused = await refusalOf(() => using(clientOf(copied), (client) => client.query(select)))
    expect(refused).toMatchObject({ sqlstate: '28P01', code: 'TOKEN_EXPIRED' })
  })

  test('R-6.3: and for whom it ran is refused from another workload', async () => {
    const person = await (await stack().as('ann')).token(target)
    const form = {
      grant_type: exchangeGrant,
      subject_token: person.token,
      subject_token_type: jwtTokenType,
      actor_token: await pod('orders'),
      actor_token_type: jwtTokenType,
      audience: target,
    }
    const response = await fetch(`${stack().url}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) })
    const { access_token: token } = (await response.json()) as { access_token: string }
    const text = `${select} /*sallyport='${token}'*/`
    await using(clientOf(await pod('orders')), async (client) => {
      expect((await client.query(text)).rows).toHaveLength(1)
    })
    await using(clientOf(await pod('mailer')), async (client) => {
      expect((await refusalOf(() => client.query(text))).code).toBe('INITIATOR_COPIED')
    })
    expectExplained('INITIATOR_COPIED')
  })
})

describe('a wrong pipeline', () => {
  test('a job of production from main gets in', async () => {
    await using(clientOf(await job({ environment: 'production' })), async (client) => {
      expect((await client.query(select)).rows).toHaveLength(1)
    })
  })

  test.each([
    ['of staging', { environment: 'staging' }, 'environment'],
    ['without an environment', { environment: undefined }, 'environment'],
    ['of an environment that begins like it', { environment: 'production-eu' }, 'environment'],
    ['of another repository', { environment: 'production', repository_id: '75' }, 'repository_id'],
  ])('R-6.3: a job %s is refused, by the name of the claim', async (_, claims, claim) => {
    const token = await job(claims)
    const refused = await refusalOf(() => using(clientOf(token), (client) => client.query(select)))
    expect(refused).toMatchObject({ sqlstate: '28P01', code: 'TOKEN_CLAIM_WRONG' })
    expect(refused.message).toBe(`the token's claim "${claim}" is not what TrustedIssuer "pipeline" requires`)
    expectExplained('TOKEN_CLAIM_WRONG')
  })

  test('a job of production from a branch is refused statement by statement', async () => {
    await using(clientOf(await job({ environment: 'production', ref: 'refs/heads/evil' })), async (client) => {
      expect((await refusalOf(() => client.query(select))).code).toBe('POLICY_UNCOVERED')
    })
  })
})
