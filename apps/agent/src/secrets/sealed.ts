// Credentials that were sealed for this agent, and the key that opens them. It is made here at the first start, lies in the data
// directory, readable by the agent's user alone, and never leaves it.
import { linkSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '@sallyport/base/errors'
import type { Secret } from '@sallyport/base/secret'
import type { CredentialReference } from '@sallyport/policy/document'
import { makeSealingKey, openSealingKey, type SealingKey } from '@sallyport/sealed/sealed'
import { readPrivate, writeDurably } from '../link/files.ts'
import type { AwsReader } from './aws.ts'
import type { Bound, Environment } from './broker.ts'
import type { VaultReader } from './vault.ts'
import type { LeasedUser } from './vault-leases.ts'

type InVault = Extract<CredentialReference, { vault: unknown }>['vault']
type Sealed = Extract<CredentialReference, { sealed: unknown }>['sealed']

export const sealingKeyPath = (directory: string): string => join(directory, 'sealing-key')

/** The agent's sealing key, made at the first call. Throws NO_PERMISSION, CONFIG_INVALID. */
export async function loadSealingKey(directory: string, agentId: string): Promise<SealingKey> {
  const path = sealingKeyPath(directory)
  const known = readPrivate(path)
  if (known !== undefined) return await openSealingKey(agentId, known)
  const draft = `${path}.${process.pid}`
  writeDurably(draft, await makeSealingKey())
  try {
    // A link fails where a rename would replace: two starts at once end with one key.
    linkSync(draft, path)
  } catch (cause) {
    if (readPrivate(path) === undefined)
      throw new SallyportError('NO_PERMISSION', `cannot write the sealing key to "${path}"`, { cause })
  } finally {
    unlinkSync(draft)
  }
  const made = readPrivate(path)
  if (made === undefined) throw new SallyportError('NO_PERMISSION', `cannot read the sealing key "${path}"`)
  return await openSealingKey(agentId, made)
}

/** What the agent has logins of its own for; null where it has none. */
export interface Keepers {
  readonly vault: VaultReader | null
  readonly aws: AwsReader | null
}

/** Where this agent looks: its environment, what was sealed for it, Vault and AWS. A sealed text is opened anew each time: the plain one is kept nowhere. */
export class AgentSources {
  readonly environment: Environment
  readonly #key: SealingKey
  readonly #keepers: Keepers
  constructor(environment: Environment, key: SealingKey, keepers: Keepers = { vault: null, aws: null }) {
    this.environment = environment
    this.#key = key
    this.#keepers = keepers
  }
  /** Throws CREDENTIAL_UNAVAILABLE. */
  async fromVault({ path, field }: InVault): Promise<Secret> {
    return await this.#vaultFor(path).read(path, field)
  }
  /** Who logs in at a database by a dynamic role of Vault. Throws CREDENTIAL_UNAVAILABLE. */
  async leasedUser({ path }: InVault): Promise<LeasedUser> {
    return await this.#vaultFor(path).user(path)
  }
  /** Passwords of users that are leased now. */
  leased(): readonly Secret[] {
    return this.#keepers.vault?.leased() ?? []
  }
  /** Throws CREDENTIAL_UNAVAILABLE. */
  get aws(): AwsReader {
    const { aws } = this.#keepers
    if (aws !== null) return aws
    throw new SallyportError('CREDENTIAL_UNAVAILABLE', 'the credential is at AWS, where this agent is nobody', {
      hint: 'set "aws" in the configuration of the agent',
    })
  }
  #vaultFor(path: string): VaultReader {
    const { vault } = this.#keepers
    if (vault !== null) return vault
    throw new SallyportError('CREDENTIAL_UNAVAILABLE', `"${path}" is in Vault, which this agent has no login for`, {
      hint: 'set "vault" in the configuration of the agent',
    })
  }
  /** Throws CREDENTIAL_UNAVAILABLE. */
  async open({ version, agents }: Sealed, bound: Bound): Promise<Secret> {
    const own = agents[this.#key.recipient.agentId]
    if (own !== undefined) return await this.#key.open(own, { ...bound, version })
    throw new SallyportError(
      'CREDENTIAL_UNAVAILABLE',
      `target "${bound.target}" has no credential sealed for this agent`,
      {
        hint: 'seal it for this agent as well, with "sallyport seal"',
      },
    )
  }
}
