// What a session needs from the outside: everything that is not a pure function comes in here.
import type { Clock } from '@sallyport/base/clock'
import type { KeyedHash } from '@sallyport/mask/replace'
import type { Catalog } from '@sallyport/sql/catalog'
import type { SqlParser } from '@sallyport/sql/facts'
import type { Snapshots } from '../link/current.ts'
import type { Holds } from '../link/holds.ts'
import type { Tickets } from '../link/tickets.ts'
import type { Tokens } from '../link/tokens.ts'
import type { Metrics } from '../metrics.ts'
import type { Recorder } from '../record/record.ts'
import type { CredentialSources } from '../secrets/broker.ts'
import type { CallerAuthority } from './certificate.ts'
import type { Log } from './log.ts'

export interface SessionDeps {
  readonly agent: { readonly id: string; readonly name: string }
  readonly snapshots: Snapshots
  readonly recorder: Recorder
  /** Asks people about held statements. */
  readonly holds: Holds
  /** Asks the control plane about tickets. */
  readonly tickets: Tickets
  /** Uses up tokens for one use. */
  readonly tokens: Tokens
  /** Whose certificates callers may log in with; absent: nobody's. */
  readonly callerAuthority?: CallerAuthority
  readonly parser: SqlParser
  /** Where credential references are looked up. */
  readonly environment: CredentialSources
  /** HMAC-SHA-256 under the installation's mask key. */
  readonly maskHash: KeyedHash
  readonly clock: Clock
  /** Microseconds from any fixed moment, never backwards. */
  readonly monotonicUs: () => number
  /** Cryptographically strong. */
  readonly random: (bytes: number) => Uint8Array
  readonly log: Log
  readonly metrics: Metrics
  /** Called with every new version of a target's catalog, for the control plane's copy. */
  readonly onCatalog: (target: string, upstreamRole: string, catalog: Catalog) => void
}
