// What a worker that serves HTTP asks and tells its primary on their pipe, beside what any worker does (question.ts).
import type { Claim, Left } from '../limits/budgets.ts'
import type { Place } from '../limits/places.ts'
import type { HttpCallers } from '../listen/http-shares.ts'
import type { Listed, ListedPin, Pinned, PinServer } from '../mcp/pins.ts'
import type { Begun, Registered } from '../mcp/registry.ts'
import type { SaidError } from './messages.ts'

export type HttpQuestion =
  | { readonly kind: 'left'; readonly claims: readonly Omit<Claim, 'amount'>[] }
  /** `place` is how the worker names it when it leaves. */
  | { readonly kind: 'enterPlaces'; readonly place: number; readonly places: readonly Place[] }
  | {
      readonly kind: 'enterHttpCaller'
      readonly place: number
      readonly what: Exclude<keyof HttpCallers, 'requests'>
      readonly issuer: string
      readonly subject: string
    }
  | { readonly kind: 'enterHttpDoor'; readonly place: number; readonly address: string; readonly residentBytes: number }
  /** Places for its requests. */
  | { readonly kind: 'lendCaller'; readonly issuer: string; readonly subject: string }
  | { readonly kind: 'bodyRoom'; readonly bytes: number }
  | { readonly kind: 'mcpOpen'; readonly owner: string; readonly session: Registered }
  | { readonly kind: 'mcpFind'; readonly owner: string; readonly id: string }
  | { readonly kind: 'mcpBegin'; readonly id: string; readonly key: string; readonly progressToken: string | null }
  | { readonly kind: 'mcpIsPending'; readonly id: string; readonly key: string }
  | { readonly kind: 'mcpHasToken'; readonly id: string; readonly token: string }
  | { readonly kind: 'mcpEventOf'; readonly id: string; readonly event: string }
  | { readonly kind: 'pinIsApproved'; readonly server: PinServer; readonly listed: Listed }
  | { readonly kind: 'pinRefusal'; readonly server: PinServer; readonly name: string; readonly pin: ListedPin }
  | { readonly kind: 'pinIsFresh'; readonly server: PinServer; readonly of: Pinned }

export interface HttpAnswers {
  readonly left: readonly Left[]
  /** Null: all are taken; else the one that is full. */
  readonly enterPlaces: Place | null
  readonly enterHttpCaller: SaidError | null
  readonly enterHttpDoor: string | null
  readonly lendCaller: number
  readonly bodyRoom: boolean
  readonly mcpOpen: string
  readonly mcpFind: Registered | null
  readonly mcpBegin: Begun
  readonly mcpIsPending: boolean
  readonly mcpHasToken: boolean
  readonly mcpEventOf: string | null
  readonly pinIsApproved: boolean
  readonly pinRefusal: SaidError | null
  readonly pinIsFresh: boolean
}

export type HttpTold =
  | { readonly kind: 'owe'; readonly claims: readonly Claim[] }
  | { readonly kind: 'callerBack'; readonly issuer: string; readonly subject: string; readonly count: number }
  | { readonly kind: 'bodyRoomBack'; readonly bytes: number }
  | { readonly kind: 'mcpSettle'; readonly id: string; readonly key: string }
  | { readonly kind: 'mcpEvent'; readonly id: string; readonly event: string; readonly ofServer: string }
  | { readonly kind: 'mcpEnd'; readonly id: string }
  | {
      readonly kind: 'pinsListed'
      readonly server: PinServer
      readonly names: readonly string[]
      readonly of: Pinned
    }
  | { readonly kind: 'pinsChanged'; readonly server: PinServer; readonly of: Pinned }
