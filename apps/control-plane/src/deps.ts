// What the parts of the control plane are given: configuration, store, clock, randomness, keys and the ways out.
// main.ts makes the real one, test/build.ts one for tests; nothing else reads the environment, the clock or the disk.
import type { Clock } from '@sallyport/base/clock'
import type { SqlParser } from '@sallyport/sql/facts'
import type { FastifyBaseLogger } from 'fastify'
import type { Authority } from './agents/ca.ts'
import type { Config } from './config.ts'
import type { Db } from './db.ts'
import type { IssuerFetch } from './identities/issuer-fetch.ts'
import type { StoredKeys } from './identities/issuer-store.ts'
import type { TokenKey } from './identities/token-key.ts'
import type { Bus } from './live/bus.ts'
import type { Metrics } from './metrics.ts'
import type { Providers } from './signin/providers.ts'
import type { Vault } from './vault.ts'

export interface Deps {
  readonly config: Config
  readonly db: Db
  readonly clock: Clock
  readonly log: FastifyBaseLogger
  /** Cryptographically strong. */
  readonly randomBytes: (size: number) => Buffer
  readonly metrics: Metrics
  /** Key sets of trusted issuers that may be used now, by issuer. */
  readonly issuerKeys: () => Promise<ReadonlyMap<string, StoredKeys>>
  /** Asks an issuer that a document names, or AWS in its place. */
  readonly askIssuer: IssuerFetch
  /** Signs the tokens for targets. */
  readonly tokenKey: TokenKey
  /** Salt of a ticket's SCRAM verifier, as every agent makes it from the id. */
  readonly ticketSalt: (id: string) => Buffer
  /** Certificate of our authority, PEM: what clients verify an agent's listener with. */
  readonly authorityPem: string
  /** Signs certificates of callers with its key. */
  readonly issueCaller: Authority['issueCaller']
  readonly providers: Providers
  /** libpg-query, loaded once. */
  readonly parser: SqlParser
  /** Encrypts what the store may not hold in clear. */
  readonly vault: Vault
  /** Tells this and other replicas what changed, by id, after the commit. */
  readonly bus: Bus
  /**
   * Called after a change is committed, with the keys of what changed (`Policy/orders`): agents of every replica get new
   * snapshots. Never called inside a transaction.
   */
  readonly publish: (changed?: readonly string[]) => Promise<void>
  /** Cuts the links of a revoked agent in this process. */
  readonly agentRevoked: (agentId: string) => void
}
