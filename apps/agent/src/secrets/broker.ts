// From a credential reference to the Secret itself. Nothing is cached longer than the login that needs it.
import { readFile } from 'node:fs/promises'
import { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import type { CredentialReference, TargetDocument } from '@sallyport/policy/document'
import { AgentSources } from './sealed.ts'

/** A credential file holds a password, not a backup. In bytes. */
const credentialBytesMax = 65_536

export type Environment = Readonly<Record<string, string | undefined>>

/** Where this agent looks: its environment and files, and with a sealing key in what was sealed for it. */
export type CredentialSources = Environment | AgentSources

/** For what a credential is asked: a sealed one opens for nothing else. */
export interface Bound {
  readonly target: string
  /** Where it will be shown: `host:port`, or an origin. */
  readonly address: string
  /** The role of a database; absent for APIs. */
  readonly user?: string
}

/** The target of a document, at the address that the document gives it. */
export function boundTo(document: TargetDocument): Bound {
  const known = bounds.get(document)
  if (known !== undefined) return known
  const { metadata, spec } = document
  const made = {
    target: metadata.name,
    address: spec.protocol === 'http' ? new URL(spec.url).origin : `${spec.host}:${spec.port}`,
  }
  bounds.set(document, made)
  return made
}
const bounds = new WeakMap<TargetDocument, Bound>()

/** A role of a database, by its name in the document. */
export interface BoundRole extends Bound {
  readonly user: string
}
export const boundToRole = (document: TargetDocument, user: string): BoundRole => ({ ...boundTo(document), user })

/** Whom a database lets in. */
export interface DatabaseLogin {
  readonly user: string
  readonly password: Secret
}

/** The role itself, or who was made for it by a dynamic role of Vault. Throws CREDENTIAL_UNAVAILABLE. */
export async function resolveLogin(
  reference: CredentialReference,
  sources: CredentialSources,
  bound: BoundRole,
): Promise<DatabaseLogin> {
  if ('vault' in reference && reference.vault.dynamic === true && sources instanceof AgentSources)
    return await sources.leasedUser(reference.vault)
  return { user: bound.user, password: await resolveCredential(reference, sources, bound) }
}

/** Resolves a reference. Throws CREDENTIAL_UNAVAILABLE, naming the reference and never the value. */
export async function resolveCredential(
  reference: CredentialReference,
  sources: CredentialSources,
  bound: Bound,
): Promise<Secret> {
  const environment = sources instanceof AgentSources ? sources.environment : sources
  if ('env' in reference) return fromEnvironment(reference.env, environment)
  if ('file' in reference) return await fromFile(reference.file)
  if (!(sources instanceof AgentSources))
    throw new SallyportError('CREDENTIAL_UNAVAILABLE', 'this agent reads its environment and files alone')
  if ('vault' in reference)
    return reference.vault.dynamic === true
      ? (await sources.leasedUser(reference.vault)).password
      : await sources.fromVault(reference.vault)
  if ('awsSecret' in reference) return await sources.aws.secret(reference.awsSecret)
  if ('rdsIam' in reference) {
    if (bound.user === undefined)
      throw new SallyportError('CREDENTIAL_UNAVAILABLE', 'a token of RDS is for a role of a database')
    return await sources.aws.rdsToken(reference.rdsIam.region, bound.address, bound.user)
  }
  return await sources.open(reference.sealed, bound)
}

function fromEnvironment(name: string, environment: Environment): Secret {
  const value = environment[name]
  if (value !== undefined && value !== '') return new Secret(value)
  throw new SallyportError('CREDENTIAL_UNAVAILABLE', `environment variable "${name}" is not set at the agent`)
}

async function fromFile(path: string): Promise<Secret> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new SallyportError('CREDENTIAL_UNAVAILABLE', `credential file "${path}" cannot be read by the agent`, {
      cause,
    })
  })
  // One trailing newline is an editor's; anything else belongs to the password.
  const value = text.replace(/\r?\n$/, '')
  if (value === '' || Buffer.byteLength(value) > credentialBytesMax)
    throw new SallyportError('CREDENTIAL_UNAVAILABLE', `credential file "${path}" is empty or too long`)
  return new Secret(value)
}
