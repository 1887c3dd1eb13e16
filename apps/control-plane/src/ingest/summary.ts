// What the list of sessions shows, made from verified entries: a first row from the opening, then sums.
// Strings of an agent are cut and cleaned here, so that no entry can make its own storing fail.
import { principalKey } from '@sallyport/base/identity'
import type { EntryPrincipal } from '@sallyport/ledger/entry'
import type { CheckedEntry } from './check.ts'

export interface Opening {
  readonly agentName: string
  readonly target: string
  readonly upstreamRole: string
  readonly initiator: EntryPrincipal
  readonly actors: readonly EntryPrincipal[]
  readonly initiatorKey: string
  readonly initiatorName: string
  readonly clientAddress: string
  readonly applicationName: string
  readonly openedAt: Date
}

/** What a batch adds to the row of its session. */
export interface Addition {
  readonly opening: Opening | null
  readonly statements: number
  readonly denied: number
  readonly maskedValues: number
  readonly closing: { readonly at: Date; readonly reason: string } | null
}

/** Characters of a string in the summary. The entry itself keeps all of it. */
const textCharsMax = 500
/** The last moment that a timestamp shows: the end of the year 9999. */
const atMsMax = 253_402_300_799_000

/** PostgreSQL's text holds no NUL, and its jsonb no half of a surrogate pair, which a cut can leave. */
const clean = (text: string): string =>
  Buffer.from(text.replaceAll('\0', '\uFFFD').slice(0, textCharsMax), 'utf8').toString('utf8')

const cleanPrincipal = (principal: EntryPrincipal): EntryPrincipal => ({
  ...principal,
  issuer: clean(principal.issuer),
  subject: clean(principal.subject),
  display: clean(principal.display),
  groups: principal.groups.slice(0, textCharsMax).map(clean),
})

/** PostgreSQL's int4. */
const countMax = 2_147_483_647
/** A sum that stays storable, whatever an agent counts. */
export const addCounts = (a: number, b: number): number => Math.min(a + b, countMax)

export const dateOf = (atMs: number): Date => new Date(Math.min(atMs, atMsMax))

export function additionOf(entries: readonly CheckedEntry[]): Addition {
  let opening: Opening | null = null
  let closing: Addition['closing'] = null
  let statements = 0
  let denied = 0
  let maskedValues = 0
  for (const { entry } of entries) {
    switch (entry.kind) {
      case 'session-opened':
        opening = {
          agentName: clean(entry.agentName),
          target: clean(entry.target),
          upstreamRole: clean(entry.upstreamRole),
          initiator: cleanPrincipal(entry.initiator),
          actors: entry.actors.slice(0, textCharsMax).map(cleanPrincipal),
          initiatorKey: clean(principalKey(entry.initiator)),
          initiatorName: clean(entry.initiator.display),
          clientAddress: clean(entry.clientAddress),
          applicationName: clean(entry.applicationName),
          openedAt: dateOf(entry.atMs),
        }
        break
      case 'intent':
        statements++
        break
      case 'denied':
        statements++
        denied++
        break
      case 'outcome':
        maskedValues = addCounts(maskedValues, entry.maskedValues)
        break
      case 'session-closed':
        closing = { at: dateOf(entry.atMs), reason: clean(entry.reason) }
        break
    }
  }
  return { opening, statements, denied, maskedValues, closing }
}
