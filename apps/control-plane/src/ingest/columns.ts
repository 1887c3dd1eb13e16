// What an entry says for the index of the player and the search, taken out when it was checked: columns beside its bytes.
// They show and find; whoever judges reads the bytes.
import type { Entry } from '@sallyport/ledger/entry'
import { rowsOf } from '@sallyport/ledger/rows'
import { clean, countMax } from './summary.ts'

/** Lanes as they are stored: those of the index, the end of a statement, and what continues a statement that was held. */
export type StoredLane =
  | 'allowed'
  | 'masked'
  | 'approved'
  | 'denied'
  | 'held'
  /** The first run of an approved text, under the number of its `held`. */
  | 'run'
  /** The end of a hold that nothing ran after. */
  | 'over'
  | 'done'
  | 'failed'

export interface Columns {
  readonly monoUs: number
  /** Null where the entry is of no statement, or its number is past what the store takes. */
  readonly statement: number | null
  readonly verb: string | null
  readonly object: string | null
  readonly lane: StoredLane | null
  readonly rows: number | null
  readonly durationUs: number | null
}

/** `continues`: an approved intent has the number of a `held` before it. */
export function columnsOf(entry: Entry, continues: (statement: number) => boolean): Columns {
  const { monoUs } = entry
  switch (entry.kind) {
    case 'session-opened':
    case 'session-closed':
      return { ...empty, monoUs }
    case 'intent':
    case 'denied':
    case 'held': {
      const verb = word(entry.verb)
      const object = word(entry.effects[0]?.object ?? '')
      const lane = laneOf(entry, continues)
      return { monoUs, statement: numberOf(entry.statement), verb, object, lane, rows: null, durationUs: null }
    }
    case 'hold-ended': {
      const lane = entry.result === 'approved' ? null : 'over'
      return { ...empty, monoUs, statement: numberOf(entry.statement), lane }
    }
    case 'outcome': {
      const lane = entry.result === 'done' ? 'done' : 'failed'
      const rows = Math.min(rowsOf(entry), countMax)
      const { durationUs } = entry
      return { monoUs, statement: numberOf(entry.statement), verb: null, object: null, lane, rows, durationUs }
    }
  }
}

const empty = { statement: null, verb: null, object: null, lane: null, rows: null, durationUs: null }

/** Control characters separate columns where they are read (recordings/index-store.ts). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const word = (text: string): string => clean(text).replace(/[\x00-\x1f]/g, '\ufffd')

const numberOf = (statement: number): number | null => (statement <= countMax ? statement : null)

function laneOf(
  entry: Extract<Entry, { kind: 'intent' | 'denied' | 'held' }>,
  continues: (statement: number) => boolean,
): StoredLane {
  if (entry.kind !== 'intent') return entry.kind
  switch (entry.decision) {
    case 'approved':
      return continues(entry.statement) ? 'run' : 'approved'
    case 'allow':
      return entry.masks.length > 0 && entry.maskedColumns > 0 ? 'masked' : 'allowed'
  }
}

/** Numbers of approved intents, which may continue what an earlier batch held. */
export const approvedNumbers = (entries: readonly Entry[]): number[] =>
  entries.flatMap((entry) => (entry.kind === 'intent' && entry.decision === 'approved' ? [entry.statement] : []))

/** Numbers that were held in these entries. */
export const heldNumbers = (entries: readonly Entry[]): number[] =>
  entries.flatMap((entry) => (entry.kind === 'held' ? [entry.statement] : []))
