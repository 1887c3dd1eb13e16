// What primary and workers say to each other without waiting: over the channel that Node opens for its children, which nobody
// else can read. What a worker has to wait for within a turn of its own goes another way (question.ts).
import type { SallyportErrorCode } from '@sallyport/base/errors'
import { SallyportError } from '@sallyport/base/errors'
import type { FloorDocument } from '@sallyport/policy/document'
import type { Catalog } from '@sallyport/sql/catalog'
import type { MetricObject } from 'prom-client'
import type { Config } from '../config.ts'
import type { HoldAnswer, HoldOpening, HoldRanReport, ReleaseReason } from '../link/holds.ts'
import type { TicketAnswer } from '../link/tickets.ts'
import type { TlsMaterial } from '../listen/deps.ts'
import type { ShownText } from '../mcp/registry.ts'
import type { ShareNews } from '../postgres/pool-share.ts'
import type { Environment } from '../secrets/broker.ts'

/** An error on its way to the other process. */
export interface SaidError {
  readonly code: SallyportErrorCode
  readonly message: string
  readonly hint: string | undefined
}
export const saidError = ({ code, message, hint }: SallyportError): SaidError => ({ code, message, hint })
export const errorSaid = ({ code, message, hint }: SaidError): SallyportError =>
  new SallyportError(code, message, { hint })

/** Of the agent's identity what a worker needs: the key that it shows callers is among it, the one for the link is not. */
export interface WorkerIdentity {
  readonly agentId: string
  readonly agentName: string
  readonly installation: string
  readonly caCertificate: string
  readonly snapshotKey: string
  readonly snapshotKeyId: string
  readonly maskKey: string
}

export interface Start {
  readonly kind: 'start'
  /** From 0, and of how many. */
  readonly place: number
  readonly workers: number
  readonly config: Omit<Config, 'joinToken'>
  readonly port: number
  /** Null: no HTTP is served. */
  readonly httpPort: number | null
  readonly identity: WorkerIdentity
  readonly tls: TlsMaterial
  readonly floor: FloorDocument | null
  /** For credentials that stand in it. */
  readonly environment: Environment
  /** As it was signed; null when there is none. */
  readonly snapshot: Uint8Array | null
}

export type ToWorker =
  | Start
  | { readonly kind: 'snapshot'; readonly signed: Uint8Array }
  | { readonly kind: 'revoked' }
  | { readonly kind: 'tls'; readonly tls: TlsMaterial }
  | { readonly kind: 'killSession'; readonly session: string; readonly reason: string }
  | { readonly kind: 'closeAll'; readonly reason: string }
  /** Takes no new connection, lets sessions finish, and ends. */
  | { readonly kind: 'drain' }
  | Cancel
  | { readonly kind: 'catalogChanged'; readonly call: number; readonly target: string }
  | { readonly kind: 'share'; readonly news: ShareNews }
  | { readonly kind: 'metrics'; readonly call: number }
  | { readonly kind: 'ticketFound'; readonly call: number; readonly answer: TicketAnswer }
  | { readonly kind: 'tokenTaken'; readonly call: number; readonly isTaken: boolean }
  | { readonly kind: 'synced'; readonly call: number; readonly error: SaidError | null }
  | { readonly kind: 'catalogKnown'; readonly call: number }
  | { readonly kind: 'holdOpened' | 'holdDecided'; readonly call: string; readonly answer: HoldAnswer | SaidError }
  | { readonly kind: 'holdClaimed'; readonly call: string; readonly granted: boolean | SaidError }
  | { readonly kind: 'oauthFound'; readonly call: number; readonly token: OauthFound | SaidError }
  /** An answer to what this worker has asked a server of MCP, which came to another. */
  | { readonly kind: 'mcpShow'; readonly call: number; readonly id: string; readonly text: string }
  | { readonly kind: 'mcpShownElsewhere'; readonly call: number; readonly shown: ShownText | SaidError }
  | { readonly kind: 'mcpEnded'; readonly id: string }
  /** Places for its requests that the worker has to spare go back. */
  | { readonly kind: 'callerRecalled'; readonly issuer: string; readonly subject: string }

/** A token of a target's, which goes where the agent's own key goes as well. */
export interface OauthFound {
  readonly token: string
  readonly sinceMs: number
  readonly untilMs: number
}

/** A cancel request that came to one worker; the session may be another's. */
export interface Cancel {
  readonly kind: 'cancel'
  readonly processId: number
  readonly key: Uint8Array
  readonly address: string
}

export type ToPrimary =
  /** It can be told how to start. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'listening'; readonly port: number; readonly httpPort: number | null }
  | { readonly kind: 'failed'; readonly error: SaidError }
  | { readonly kind: 'sessions'; readonly count: number }
  | { readonly kind: 'catalog'; readonly target: string; readonly role: string; readonly catalog: Catalog }
  | Cancel
  | { readonly kind: 'catalogChanged'; readonly call: number; readonly target: string }
  | { readonly kind: 'catalogKnown'; readonly call: number }
  | { readonly kind: 'metrics'; readonly call: number; readonly metrics: MetricObject[] }
  | { readonly kind: 'ticketWanted'; readonly call: number; readonly id: string; readonly spend: boolean }
  | { readonly kind: 'tokenShown'; readonly call: number; readonly jti: string; readonly expiresAtMs: number }
  | { readonly kind: 'sync'; readonly call: number }
  | { readonly kind: 'holdOpen'; readonly opening: HoldOpening }
  | { readonly kind: 'holdClaim'; readonly call: string; readonly answer: HoldAnswer }
  | { readonly kind: 'holdRelease'; readonly call: string; readonly request: string; readonly why: ReleaseReason }
  | { readonly kind: 'holdRan'; readonly report: HoldRanReport }
  /** `key`: of the target as its document is here. */
  | { readonly kind: 'oauthWanted'; readonly call: number; readonly target: string; readonly key: string }
  | { readonly kind: 'oauthRefused'; readonly target: string; readonly key: string }
  | {
      readonly kind: 'mcpShowElsewhere'
      readonly call: number
      readonly id: string
      readonly key: string
      readonly text: string
    }
  | { readonly kind: 'mcpShown'; readonly call: number; readonly shown: ShownText | SaidError }

// Both ends are this program in one version, started one by the other: a message is of ours, or of Node itself.
const isOurs = (message: unknown): boolean => typeof message === 'object' && message !== null && 'kind' in message
export const isToWorker = (message: unknown): message is ToWorker => isOurs(message)
export const isToPrimary = (message: unknown): message is ToPrimary => isOurs(message)
