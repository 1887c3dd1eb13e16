// The first administrator: while nobody is one, the operator's terminal shows a link. Whoever opens it and then signs in at
// a configured provider becomes the administrator; the link is good once, for a day, and only while there is none.
import { createHash } from 'node:crypto'
import { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import { apiVersion } from '@sallyport/policy/document'
import { stringify } from 'yaml'
import { isStoreConflict } from '../db.ts'
import type { Deps } from '../deps.ts'
import { applyDocuments } from '../policies/apply.ts'
import { hasAdmins } from '../policies/rules.ts'
import { readDocuments } from '../policies/store.ts'
import { addSetupLink, findSetupLink, takeSetupLink } from './setup-store.ts'

/** A link is good for, in milliseconds. */
export const setupMsMax = 86_400_000
/** Documents that make the first administrator. */
const groupName = 'administrators'

export const setupCookieName = (config: { readonly publicUrl: string }): string =>
  config.publicUrl.startsWith('https:') ? '__Host-sallyport-setup' : 'sallyport-setup'

const hashOf = (code: string): string => createHash('sha256').update(code).digest('hex')

async function isWanted(deps: Pick<Deps, 'db'>): Promise<boolean> {
  const documents = (await readDocuments(deps.db, ['Role'])).map((stored) => stored.document)
  return !hasAdmins(documents)
}

/** A link for the operator's terminal, or null: there is an administrator, or no provider that one could sign in with. */
export async function makeSetupLink(
  deps: Pick<Deps, 'db' | 'clock' | 'config' | 'randomBytes'>,
): Promise<Secret | null> {
  if (deps.config.providers.length === 0 || !(await isWanted(deps))) return null
  const code = deps.randomBytes(32).toString('base64url')
  const now = deps.clock.nowMs()
  await addSetupLink(deps.db, hashOf(code), new Date(now + setupMsMax), new Date(now))
  return new Secret(`${deps.config.publicUrl}/auth/setup?code=${code}`)
}

/** Throws LOGIN_FAILED unless the code is good. Looking does not use it up: browsers and mail scanners look ahead. */
export async function checkSetupCode(deps: Pick<Deps, 'db' | 'clock'>, code: string): Promise<void> {
  const found = await findSetupLink(deps.db, hashOf(code), new Date(deps.clock.nowMs()))
  if (found && (await isWanted(deps))) return
  throw new SallyportError('LOGIN_FAILED', 'the link of the first administrator is used, or too old', {
    hint: 'start the control plane again: it shows another one while nobody is an administrator',
  })
}

/** Makes the person of a login that has just succeeded the administrator. True when that happened. */
export async function claimAdministration(
  deps: Deps,
  code: string | undefined,
  person: { readonly issuer: string; readonly subject: string },
): Promise<boolean> {
  if (code === undefined || !(await takeSetupLink(deps.db, hashOf(code), new Date(deps.clock.nowMs())))) return false
  const group = {
    apiVersion,
    kind: 'Group',
    metadata: {
      name: groupName,
      description: 'who may change everything; the first one came by the link of the setup',
    },
    spec: { members: [{ issuer: person.issuer, subject: person.subject }] },
  }
  const role = (name: 'admin' | 'auditor') => ({
    apiVersion,
    kind: 'Role',
    metadata: { name: `${groupName}-${name}` },
    spec: { role: name, groups: [groupName] },
  })
  const yaml = [group, role('admin'), role('auditor')].map((document) => stringify(document)).join('---\n')
  const none = [
    { kind: 'Group' as const, name: groupName, version: 0 },
    { kind: 'Role' as const, name: `${groupName}-admin`, version: 0 },
    { kind: 'Role' as const, name: `${groupName}-auditor`, version: 0 },
  ]
  try {
    // Compared inside the transaction: of two links that are used at the same moment one finds the other's documents.
    if (!(await isWanted(deps))) return false
    await applyDocuments(deps, 'setup', yaml, { expect: none })
  } catch (thrown) {
    if (isStoreConflict(thrown) || (thrown instanceof SallyportError && thrown.code === 'CONFLICT')) return false
    throw thrown
  }
  deps.log.warn({ event: 'first-administrator', issuer: person.issuer, subject: person.subject })
  return true
}
