// What the list of sessions shows, made from verified entries: a first row from the opening, then sums.
// Strings of an agent are cut and cleaned here, so that no entry can make its own storing fail.
import { principalKey } from '@sallyport/base/identity'
import type { Entry, EntryPrincipal } from '@sallyport/ledger/entry'
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
  readonly authentication: string
  readonly tls: boolean
  readonly openedAt: Date
}

/** What a batch adds to the row of its session. */
export interface Addition {
  readonly opening: Opening | null
  readonly statements: number
  readonly denied: number
  readonly held: number
  readonly maskedValues: number
  /** What the statements did, for the search: without repetitions, bounded. */
  readonly verbs: readonly string[]
  readonly objects: readonly string[]
  readonly closing: { readonly at: Date; readonly reason: string } | null
}

/** Verbs and objects of a session that its row keeps; the entries keep all of them. */
export const verbsMax = 64
export const objectsMax = 256

/** Characters of a string in the summary. The entry itself keeps all of it. */
const textCharsMax = 500
/** The last moment that a timestamp shows: the end of the year 9999. */
const atMsMax = 253_402_300_799_000

/** PostgreSQL's text holds no NUL, and its jsonb no half of a surrogate pair, which a cut can leave. */
export const clean = (text: string): string => (isPlain(text) ? text : cleaned(text))

/** Printable ASCII: what most names are. */
const plain = /^[\x20-\x7e]*$/
const isPlain = (text: string): boolean => text.length <= textCharsMax && plain.test(text)

const cleaned = (text: string): string =>
  Buffer.from(text.replaceAll('\0', '\uFFFD').slice(0, textCharsMax), 'utf8').toString('utf8')

export const cleanPrincipal = (principal: EntryPrincipal): EntryPrincipal => ({
  ...principal,
  issuer: clean(principal.issuer),
  subject: clean(principal.subject),
  display: clean(principal.display),
  groups: principal.groups.slice(0, textCharsMax).map(clean),
})

/** PostgreSQL's int4. */
export const countMax = 2_147_483_647
/** A sum that stays storable, whatever an agent counts. */
export const addCounts = (a: number, b: number): number => Math.min(a + b, countMax)

export const dateOf = (atMs: number): Date => new Date(Math.min(atMs, atMsMax))

const openingOf = (entry: Extract<Entry, { kind: 'session-opened' }>): Opening => ({
  agentName: clean(entry.agentName),
  target: clean(entry.target),
  upstreamRole: clean(entry.upstreamRole),
  initiator: cleanPrincipal(entry.initiator),
  actors: entry.actors.slice(0, textCharsMax).map(cleanPrincipal),
  initiatorKey: clean(principalKey(entry.initiator)),
  initiatorName: clean(entry.initiator.display),
  clientAddress: clean(entry.clientAddress),
  applicationName: clean(entry.applicationName),
  authentication: clean(entry.authentication),
  tls: entry.tls,
  openedAt: dateOf(entry.atMs),
})

/** Both lists as one, without repetitions and at most `max` long; the first ones stay. */
export const unite = (before: readonly string[], more: readonly string[], max: number): string[] =>
  [...new Set([...before, ...more])].slice(0, max)

/** `continues`: an approved intent runs under the number of what was held, so it is no further statement. */
export function additionOf(entries: readonly CheckedEntry[], continues: (statement: number) => boolean): Addition {
  let opening: Opening | null = null
  let closing: Addition['closing'] = null
  let statements = 0
  let denied = 0
  let held = 0
  const verbs = new Set<string>()
  const objects = new Set<string>()
  let maskedValues = 0
  for (const { entry } of entries) {
    switch (entry.kind) {
      case 'session-opened':
        opening = openingOf(entry)
        break
      case 'intent':
      case 'denied':
      case 'held':
        if (entry.kind !== 'intent' || entry.decision === 'allow' || !continues(entry.statement)) statements++
        if (entry.kind === 'denied') denied++
        if (entry.kind === 'held') held++
        if (entry.verb !== '' && verbs.size < verbsMax) verbs.add(clean(entry.verb.toLowerCase()))
        for (const { object } of entry.effects)
          if (object !== '' && objects.size < objectsMax) objects.add(clean(object))
        break
      case 'hold-ended':
        break
      case 'outcome':
        maskedValues = addCounts(maskedValues, entry.maskedValues)
        break
      case 'session-closed':
        closing = { at: dateOf(entry.atMs), reason: clean(entry.reason) }
        break
    }
  }
  return { opening, statements, denied, held, maskedValues, verbs: [...verbs], objects: [...objects], closing }
}
