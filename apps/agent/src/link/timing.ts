// How often the link says that it lives, and when it counts as dead.
import { type Backoff, linkBackoff } from './backoff.ts'

export interface LinkTiming {
  readonly heartbeatMs: number
  /** Without a message for longer the link counts as dead: three heartbeats. */
  readonly silenceMsMax: number
  readonly backoff: Backoff
}

export const linkTiming: LinkTiming = { heartbeatMs: 10_000, silenceMsMax: 30_000, backoff: linkBackoff }
