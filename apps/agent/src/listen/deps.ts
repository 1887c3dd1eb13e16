// What the data path needs from the outside: everything that is not a pure function comes in here.
import type { Clock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import type { KeyedHash } from '@sallyport/mask/replace'
import type { Catalog } from '@sallyport/sql/catalog'
import type { SqlParser } from '@sallyport/sql/facts'
import type { Snapshots } from '../link/current.ts'
import type { Metrics } from '../metrics.ts'
import type { Recorder } from '../record/record.ts'
import type { Log } from '../session/log.ts'

/** PEM strings. A renewal hands new ones to `Listener.replaceTls`; open connections keep theirs. */
export interface TlsMaterial {
  /** Leaf first, then intermediates. */
  readonly certificate: string
  readonly key: string
}

/** Caps of one listener; tests set them lower. */
export interface ListenerBounds {
  readonly connectionsMax: number
  readonly preAuthConnectionsMax: number
  /** Per source address, so that one host cannot take all of them. */
  readonly preAuthPerAddressMax: number
  readonly preAuthMsMax: number
}

export const listenerBounds: ListenerBounds = {
  connectionsMax: limits.connectionsMax,
  preAuthConnectionsMax: limits.preAuthConnectionsMax,
  preAuthPerAddressMax: 100,
  preAuthMsMax: limits.preAuthMsMax,
}

export interface SessionDeps {
  readonly agent: { readonly id: string; readonly name: string }
  readonly snapshots: Snapshots
  readonly recorder: Recorder
  readonly parser: SqlParser
  /** Where credential references of kind `env` are looked up. */
  readonly environment: Readonly<Record<string, string | undefined>>
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

export interface ListenerDeps extends SessionDeps {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly tls: TlsMaterial
  readonly bounds?: Partial<ListenerBounds>
}
