// Ways in, each with the client that people use for it: OAUTHBEARER with PostgreSQL's own libpq 18, SAML in a real browser from
// another site, certificates with the drivers that know them; what the record says of each; and people who leave by SCIM.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CertificatePlace, certificateClients } from './clients/certificate.ts'
import { hasLibpq18, loginByOAuth, type OAuthLogin } from './clients/oauth.ts'
import { type Ran, runCli } from './stack/cli.ts'
import { shopTarget } from './stack/documents.ts'
import { type Idp, startIdp } from './stack/idp.ts'
import { hasChromium, openBrowser, signIn } from './stack/page.ts'
import { clientOf } from './stack/people-api.ts'
import { startSamlPages } from './stack/saml-pages.ts'
import { audience } from './stack/stack.ts'
import { until } from './stack/until.ts'
import { refusalOf, useStack, using } from './stack/use.ts'

const saml = await startSamlPages('sam-7', 'Sam Saml', ['engineering'])
const folder = mkdtempSync(join(tmpdir(), 'sallyport-logins-'))
const certificateFile = join(folder, 'saml.pem')
writeFileSync(certificateFile, saml.certificate)
const stack = useStack({
  moreProviders: [
    {
      kind: 'saml',
      name: 'company',
      display: 'Company login',
      entityId: saml.entityId,
      signInUrl: saml.signInUrl,
      certificates: [{ file: certificateFile }],
    },
  ],
})
/** Gives people access tokens for the installation, as providers do that OAUTHBEARER is used with. */
let idp: Idp
const target = 'ways'
const groupOf = (name: string, ...members: readonly string[]): string => `---
apiVersion: sallyport.dev/v1
kind: Group
metadata: { name: ${name} }
spec:
  members:
${members.map((member) => `    - ${member}`).join('\n')}
`
const policy = `---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: ways }
spec:
  targets: { names: [${target}] }
  rules:
    - { name: read, effect: allow, callers: { groups: [way-people] }, operations: [select] }
  masks: [{ columns: [public.customers.email], method: email }]
`
const select = 'SELECT email FROM customers ORDER BY id LIMIT 1'

beforeAll(async () => {
  idp = await startIdp({ peopleAudience: audience })
  const issuer = `---
apiVersion: sallyport.dev/v1
kind: TrustedIssuer
metadata: { name: people }
spec: { issuer: "${idp.issuer}", principals: user, audiences: ["${audience}"], algorithms: [ES256], maxLife: 15m }
`
  const people = groupOf(
    'way-people',
    `{ issuer: "${idp.issuer}", subject: ann }`,
    `{ issuer: "${saml.entityId}", claim: engineering }`,
    `{ issuer: "${stack().idp.issuer}", claim: engineering }`,
  )
  const yaml = shopTarget({ name: target, place: target }, stack().places) + issuer + people + policy
  const applied = await (await stack().as('adam')).post('/api/v1/apply', { yaml })
  expect(applied.status, applied.text).toBe(200)
  await until('the agent serves it', async () => {
    const client = await (await stack().as('ann')).client(target)
    client.on('error', () => {})
    return await client.connect().then(
      async () => await client.end().then(() => true),
      () => false,
    )
  })
}, 120_000)
afterAll(async () => {
  await idp?.stop()
  await saml.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** The first entry of the newest session that fits. */
async function openedBy(fits: (opened: any) => boolean): Promise<any> {
  const admin = await stack().as('adam')
  return await until('the session is recorded', async () => {
    const { items } = (await admin.get(`/api/v1/sessions?target=${target}&limit=20`)).body
    for (const { id } of items) {
      const [first] = (await admin.get(`/api/v1/sessions/${id}/entries?limit=1`)).body.items
      if (first !== undefined && fits(first)) return { ...first, id }
    }
    return null
  })
}

describe.skipIf(!hasLibpq18)('OAUTHBEARER with libpq 18', () => {
  const login = async (changes: Partial<OAuthLogin> = {}, conninfo: Record<string, string> = {}) => {
    const { connection } = await (await stack().as('ann')).token(target)
    const ca = join(folder, 'agent-ca.pem')
    writeFileSync(ca, connection.ca)
    const { host, port } = connection
    const place = { host, port: String(port), dbname: target, user: 'sallyport:oauth' }
    const oauth = { oauth_issuer: idp.issuer, oauth_client_id: idp.cliClientId }
    return await loginByOAuth(
      {
        conninfo: { ...place, ...oauth, sslmode: 'verify-full', sslrootcert: ca, ...conninfo },
        sql: select,
        clientId: idp.cliClientId,
        resource: audience,
        ...changes,
      },
      (code) => idp.approveDevice(code, 'ann'),
    )
  }

  test('asks the agent where tokens come from, gets one by the device flow there, and reads masked rows', async () => {
    const outcome = await login()
    expect(outcome.refused).toBeUndefined()
    expect(outcome).toMatchObject({
      told: `${idp.issuer}/.well-known/openid-configuration`,
      scope: 'openid',
      rows: ['***@example.test'],
    })
    expect(outcome.libpq).toBeGreaterThanOrEqual(180_000)
    const opened = await openedBy(({ authentication }) => authentication === 'jwt-oauthbearer')
    expect(opened).toMatchObject({
      tls: true,
      initiator: { kind: 'user', issuer: idp.issuer, subject: 'ann', assurance: 'verified' },
    })
  })

  test('sends nothing to a place that the person did not mean', async () => {
    const outcome = await login({}, { oauth_issuer: 'http://localhost:1/other' })
    expect(outcome.rows).toBeUndefined()
    expect(outcome.refused).toContain('is incompatible with oauth_issuer')
  })

  test('is refused with a token of somebody else’s, by its own error', async () => {
    const outcome = await login({ token: await idp.workloadToken() })
    expect(outcome.rows).toBeUndefined()
    expect(outcome.refused).toContain('POLICY_UNCOVERED')
    const forged = await idp.sign({ iss: idp.issuer, sub: 'ann', aud: audience }, { foreignKey: true })
    expect((await login({ token: forged })).refused).toContain('TOKEN_SIGNATURE_WRONG')
  })

  test('is refused without TLS before any token is sent', async () => {
    const outcome = await login({}, { sslmode: 'disable' })
    expect(outcome.told).toBeUndefined()
    expect(outcome.refused).toContain('TLS_REQUIRED')
  })
})

const sallyport = async (login: string, ...parameters: string[]): Promise<Ran> =>
  await runCli(parameters, { home: await stack().cliHome(login) })

describe.each(certificateClients)('a certificate of sallyport connect, with $name', ({ isThere, run }) => {
  test.skipIf(!isThere)(
    'is the whole login, stands in the record, and is good for nothing once it is revoked',
    async () => {
      const ran = await sallyport('ann', 'connect', target, '--certificate', '--json')
      expect(ran.status, ran.stderr).toBe(0)
      const place: CertificatePlace & { readonly certificate: string } = JSON.parse(ran.stdout).result
      expect(await run(place, select)).toBe('***@example.test\n')
      const opened = await openedBy(({ tokenIds }) => tokenIds?.includes(place.certificate))
      expect(opened).toMatchObject({
        authentication: 'client-certificate',
        tls: true,
        initiator: { kind: 'user', subject: 'ann', display: 'Ann Abel', assurance: 'verified' },
      })
      expect((await sallyport('adam', 'revoke', '--token', place.certificate)).status).toBe(0)
      // The snapshot that says so is on its way.
      const words = await until('it is refused', () =>
        run(place, select).then(
          () => null,
          (thrown: unknown) => String(thrown),
        ),
      )
      expect(words).toMatch(/revoked/i)
    },
    // A program of Java is compiled for each try.
    120_000,
  )
})

describe.skipIf(!hasChromium)('SAML in Chromium, from another site', () => {
  test('leads back to where the person wanted to go, opens the target for them, and signing out ends it', async () => {
    const browser = await openBrowser()
    try {
      const page = await (await browser.newContext({ baseURL: stack().url })).newPage()
      await page.goto('/me')
      await page.waitForURL('**/sign-in**')
      await page
        .getByRole('link', { name: /Company login/ })
        .or(page.getByRole('button', { name: /Company login/ }))
        .click()
      await page.waitForURL(`${saml.signInUrl}**`)
      await page.getByRole('button', { name: 'Continue as Sam Saml' }).click()
      await page.waitForURL(`${stack().url}/me`)
      await page.getByText('Sam Saml').first().waitFor()
      const me = await (await page.request.get('/api/v1/me')).json()
      expect(me).toMatchObject({ issuer: saml.entityId, subject: 'sam-7', groups: ['way-people'] })
      const headers = { 'x-sallyport-csrf': me.csrfToken, origin: stack().url }
      const issued = await page.request.post('/api/v1/tokens', { headers, data: { target } })
      expect(issued.ok(), await issued.text()).toBe(true)
      const rows = await using(clientOf(await issued.json()), async (open) => (await open.query(select)).rows)
      expect(rows).toEqual([{ email: '***@example.test' }])
      const opened = await openedBy(({ initiator }) => initiator.subject === 'sam-7')
      expect(opened).toMatchObject({
        authentication: 'jwt-password',
        initiator: { kind: 'user', issuer: saml.entityId, display: 'Sam Saml', assurance: 'verified' },
      })
      await page.getByRole('button', { name: 'Sign out', exact: true }).click()
      await page.waitForURL('**/sign-in**')
      expect((await page.request.get('/api/v1/me')).status()).toBe(401)
    } finally {
      await browser.close()
    }
  })
})

/** How long a change may take until it bites, from before it is asked for (DESIGN §2). */
const revocationMsMax = 2_000

describe('R-6.3: whom a provider deprovisions by SCIM', () => {
  let token = ''
  const scim = async (method: string, path: string, body: object) => {
    const response = await fetch(`${stack().url}/scim/v2${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' },
      body: JSON.stringify(body),
    })
    expect(response.status, path).toBeLessThan(300)
    const text = await response.text()
    return text === '' ? undefined : JSON.parse(text)
  }
  const patch = (operation: object) => ({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [operation],
  })
  const user = async (login: string): Promise<string> => {
    const schemas = ['urn:ietf:params:scim:schemas:core:2.0:User']
    return (await scim('POST', '/Users', { schemas, userName: `${login}@example.test`, externalId: login })).id
  }
  beforeAll(async () => {
    const made = await (await stack().as('adam')).post('/api/v1/scim-tokens', { provider: 'demo' })
    expect(made.status, made.text).toBe(201)
    token = made.body.token
  })

  /** Goes on with what was prepared before, until it is refused; how long that took. */
  async function untilRefused(client: Awaited<ReturnType<typeof clientOf>>, change: () => Promise<unknown>) {
    const prepared = { name: 'before', text: select }
    expect((await client.query(prepared)).rows).toHaveLength(1)
    const startedMs = performance.now()
    const changing = change()
    const refused = await refusalOf(async () => {
      for (;;) await client.query(prepared)
    })
    const tookMs = Math.round(performance.now() - startedMs)
    await changing
    process.stdout.write(`until SCIM bites, ms: ${tookMs}\n`)
    expect(tookMs).toBeLessThan(revocationMsMax)
    return refused
  }

  test('loses sessions with what they had prepared, within two seconds, and every login', async () => {
    const id = await user('cara')
    const cara = await stack().as('cara')
    const client = await cara.client(target)
    client.on('error', () => {})
    await client.connect()
    await untilRefused(client, () => scim('PATCH', `/Users/${id}`, patch({ op: 'replace', value: { active: false } })))
    await refusalOf(() => client.query('SELECT 1'))
    await client.end().catch(() => {})
    expect((await cara.get('/api/v1/me')).status).toBe(401)
    await expect(
      stack()
        .idp.deviceIdToken('cara')
        .then(async (idToken) => {
          const body = JSON.stringify({ provider: 'demo', idToken })
          const headers = { 'content-type': 'application/json' }
          return (await fetch(`${stack().url}/api/v1/auth/cli`, { method: 'POST', headers, body })).status
        }),
    ).resolves.toBe(401)
  })

  test.skipIf(!hasChromium)('is signed out of the console that is open', async () => {
    const id = await user('dora')
    const browser = await openBrowser()
    try {
      const page = await (await browser.newContext({ baseURL: stack().url })).newPage()
      await page.goto('/me')
      await signIn(page, stack(), 'dora')
      await scim('DELETE', `/Users/${id}`, {})
      await page.reload()
      await page.waitForURL('**/sign-in**')
    } finally {
      await browser.close()
    }
  })

  let bobId: Promise<string> | undefined
  let groups = 0
  /** A group of the provider with bob alone in it, and a rule that opens the target to it and to nobody else. */
  const newGroup = async () => {
    bobId ??= user('bob')
    const id = await bobId
    const displayName = `Readers ${++groups}`
    const named = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], displayName }
    const group = await scim('POST', '/Groups', { ...named, members: [{ value: id }] })
    const admin = await stack().as('adam')
    const claim = `scim:${group.id}`
    const { items } = (await admin.get('/api/v1/provisioned-groups')).body
    expect(items).toContainEqual(expect.objectContaining({ display: displayName, claim, members: 1 }))
    const yaml = `${groupOf('readers', `{ issuer: "${stack().idp.issuer}", claim: "${claim}" }`)}---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: ways-readers }
spec:
  targets: { names: [${target}] }
  rules: [{ name: readers, effect: allow, callers: { groups: [readers] }, operations: [select] }]
`
    expect((await admin.post('/api/v1/apply', { yaml })).status).toBe(200)
    return { path: `/Groups/${group.id}`, named, bob: { value: id } }
  }

  test.each([
    [
      'is taken out of a group',
      ({ path, bob }) => scim('PATCH', path, patch({ op: 'remove', path: 'members', value: [bob] })),
    ],
    [
      'is not among the members that a group is given',
      ({ path, named }) => scim('PUT', path, { ...named, members: [] }),
    ],
    ['has a group that is deleted', ({ path }) => scim('DELETE', path, {})],
  ] satisfies [string, (group: Awaited<ReturnType<typeof newGroup>>) => Promise<unknown>][])(
    'who %s loses what was issued with it, within two seconds',
    async (_, change) => {
      const group = await newGroup()
      const client = await until('the target is open', async () => {
        const opened = await (await stack().as('bob')).client(target)
        opened.on('error', () => {})
        return await opened.connect().then(
          () => opened,
          () => null,
        )
      })
      await untilRefused(client, () => change(group))
      await refusalOf(() => client.query('SELECT 1'))
      await client.end().catch(() => {})
      // The login stays, without the group.
      const bob = await stack().as('bob')
      expect((await bob.get('/api/v1/me')).body.groups).not.toContain('readers')
      expect((await bob.post('/api/v1/tokens', { target })).status).toBe(404)
    },
  )
})
