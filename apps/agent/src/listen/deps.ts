// What the listener needs from the outside, beside what its sessions need.
import { limits } from '@sallyport/base/limits'
import type { StatementBudgets } from '../limits/budgets.ts'
import type { CancelKeys } from '../postgres/cancel.ts'
import type { CatalogPool } from '../postgres/catalogs.ts'
import type { Pool } from '../postgres/pool.ts'
import type { Callers } from '../session/callers.ts'
import type { SessionDeps } from '../session/deps.ts'
import type { Sessions } from '../session/sessions.ts'
import type { Admission } from './admission.ts'
import type { MemoryGuard } from './memory.ts'

/** PEM strings. A renewal hands new ones to `Listener.replaceTls`; open connections keep theirs. */
export interface TlsMaterial {
  /** Leaf first, then intermediates. */
  readonly certificate: string
  readonly key: string
  /** PEM of the authority whose certificates callers may log in with; absent: clients are asked for none. */
  readonly authority?: string
  /** 48 bytes that sessions of TLS are resumed by; its own when absent. */
  readonly ticketKeys?: Uint8Array
}

/** Caps of one listener; tests set them lower. */
export interface ListenerBounds {
  readonly connectionsMax: number
  readonly connectionsPerCallerMax: number
  readonly preAuthConnectionsMax: number
  /** Per source address, so that one host cannot take all of them. */
  readonly preAuthPerAddressMax: number
  readonly preAuthMsMax: number
  /** Per source address: further ones are answered after `refusedLoginMsMin`. */
  readonly refusedLoginsPerMinuteMax: number
  readonly refusedLoginMsMin: number
  readonly messageMsMax: number
  readonly stalledMsMax: number
}

export const listenerBounds: ListenerBounds = {
  connectionsMax: limits.connectionsMax,
  connectionsPerCallerMax: limits.connectionsPerCallerMax,
  preAuthConnectionsMax: limits.preAuthConnectionsMax,
  preAuthPerAddressMax: limits.preAuthConnectionsPerAddressMax,
  preAuthMsMax: limits.preAuthMsMax,
  refusedLoginsPerMinuteMax: limits.refusedLoginsPerMinuteMax,
  refusedLoginMsMin: limits.refusedLoginMsMin,
  messageMsMax: limits.clientMessageMsMax,
  stalledMsMax: limits.clientStalledMsMax,
}

/** How long a caller of HTTP may take (THREATS ). */
export interface HttpWaits {
  /** For the handshake of TLS. */
  readonly handshakeMsMax: number
  /** For a head, each of those of HTTP/2 as well. */
  readonly headerMsMax: number
  /** For a request as a whole. */
  readonly requestMsMax: number
  /** Without a byte in either direction. */
  readonly idleMsMax: number
  /** For a client of HTTP/2 to take the next piece of an answer that waits for it. */
  readonly stalledMsMax: number
}

export const httpWaits: HttpWaits = {
  handshakeMsMax: limits.preAuthMsMax,
  headerMsMax: limits.httpHeaderMsMax,
  requestMsMax: limits.httpRequestMsMax,
  idleMsMax: limits.httpIdleMsMax,
  stalledMsMax: limits.clientStalledMsMax,
}

export interface ListenerDeps extends SessionDeps {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly tls: TlsMaterial
  /** `optional`: tickets may log in without TLS. */
  readonly clientTls?: 'required' | 'optional'
  readonly bounds?: Partial<ListenerBounds>
  /** Shared with other listeners of the agent; its own when absent. */
  readonly sessions?: Sessions
  readonly budgets?: StatementBudgets
  /** Shared with other listeners, and closed with this one; its own when absent. */
  readonly catalogs?: CatalogPool
  /** Of the whole process; its own when absent. */
  readonly memory?: MemoryGuard
  /** Counted beside other processes; by itself when absent. */
  readonly admission?: Admission
  readonly callers?: Callers
  /** Shared with other processes in part; its own when absent. */
  readonly cancels?: CancelKeys
  readonly pool?: Pool
}
