// Rows with defaults, and signed-in people of every role, for tests of the control plane.
import { randomBytes } from 'node:crypto'
import { agentCapabilities } from '@sallyport/policy/capabilities'
import { apiVersion, Document, type RoleName, roleNames } from '@sallyport/policy/document'
import { inTransaction } from '../src/db.ts'
import { lastVersion, writeVersion } from '../src/policies/store.ts'
import { openLogin } from '../src/signin/session.ts'
import { keepLastLogin, upsertPerson } from '../src/signin/store.ts'
import type { TestApp } from './build.ts'

export const testIssuer = 'https://idp.test'
const hex = (size: number): string => randomBytes(size).toString('hex')

/** Stores documents past the checks of apply. */
export async function makeDocuments(test: TestApp, documents: readonly unknown[]): Promise<void> {
  await inTransaction(test.deps.db, async (tx) => {
    for (const raw of documents) {
      const document = Document.parse(raw)
      const { kind } = document
      const { name } = document.metadata
      const version = (await lastVersion(tx, kind, name)) + 1
      await writeVersion(tx, { kind, name, version, document, at: new Date(test.clock.nowMs()), by: 'test' })
    }
  })
}

/** A group `the-ROLE` of the claim `ROLE`, and a Role document for it, for each role. */
export const roleDocuments = roleNames.flatMap((role) => [
  {
    apiVersion,
    kind: 'Group',
    metadata: { name: `the-${role}` },
    spec: { members: [{ issuer: testIssuer, claim: role }] },
  },
  { apiVersion, kind: 'Role', metadata: { name: role }, spec: { role, groups: [`the-${role}`] } },
])

export interface SignedIn {
  readonly personId: string
  readonly subject: string
  readonly token: string
  readonly csrfToken: string
  /** Headers of a request by this person. */
  readonly headers: Record<string, string>
}

/** A person with these values of the groups claim, and a login. */
export async function makePerson(
  test: TestApp,
  groupClaims: readonly string[],
  kind: 'cli' | 'browser' = 'cli',
  subject = `person-${hex(4)}`,
): Promise<SignedIn> {
  const at = new Date(test.clock.nowMs())
  const person = await upsertPerson(test.deps.db, {
    id: hex(16),
    issuer: testIssuer,
    subject,
    display: `Person ${subject}`,
    groupClaims,
    at,
  })
  await keepLastLogin(test.deps.db, person.id, at)
  const { token, csrfToken } = await openLogin(test.deps, person.id, kind)
  const origin = test.deps.config.publicUrl
  const headers: Record<string, string> =
    kind === 'cli'
      ? { authorization: `Bearer ${token}` }
      : { cookie: `__Host-sallyport=${token}`, 'x-sallyport-csrf': csrfToken, origin }
  return { personId: person.id, subject, token, csrfToken, headers }
}

/** Someone who holds this role and no other but `member`. Needs `roleDocuments` in the store. */
export const makeRole = async (test: TestApp, role: RoleName, kind: 'cli' | 'browser' = 'cli'): Promise<SignedIn> =>
  await makePerson(test, [role], kind)

export async function makeAgent(
  test: TestApp,
  name: string,
  advertise = '127.0.0.1:6432',
  capabilities: readonly string[] = agentCapabilities,
): Promise<void> {
  await test.deps.db.agent.create({
    data: {
      id: hex(16),
      name,
      advertise,
      capabilities: [...capabilities],
      softwareVersion: '0.1.0',
      recordKey: randomBytes(32),
      recordKeyFingerprint: hex(32),
      certificateSerial: hex(8),
    },
  })
}

export const targetDocument = (name: string, changes: Record<string, unknown> = {}) => ({
  apiVersion,
  kind: 'Target',
  metadata: { name, description: `the ${name} database`, labels: { env: 'test' } },
  spec: {
    protocol: 'postgres',
    agents: ['eu-1'],
    host: 'db.internal',
    database: name,
    roles: [
      { name: 'app_rw', password: { env: 'ORDERS_PASSWORD' } },
      { name: 'app_ro', password: { file: '/run/secrets/ro' } },
    ],
    ...changes,
  },
})

export const groupDocument = (name: string, claim: string) => ({
  apiVersion,
  kind: 'Group',
  metadata: { name },
  spec: { members: [{ issuer: testIssuer, claim }] },
})

export const allowPolicy = (name: string, target: string, group: string) => ({
  apiVersion,
  kind: 'Policy',
  metadata: { name },
  spec: {
    targets: { names: [target] },
    rules: [{ name: 'read', effect: 'allow', callers: { groups: [group] }, operations: ['select'] }],
  },
})
