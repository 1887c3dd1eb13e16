// What happened to one statement, gathered from its entries: how it began, who was asked, that it ran, how it ended. Pure.
import { canonicalBytes } from '@sallyport/ledger/canonical'
import type { Entry, EntryShadow } from '@sallyport/ledger/entry'
import { parseEntry } from '@sallyport/ledger/shape'

export type EntryOf<Kind extends Entry['kind']> = Extract<Entry, { kind: Kind }>

export interface Story {
  readonly begun: EntryOf<'intent'> | EntryOf<'held'> | EntryOf<'denied'>
  readonly held: EntryOf<'held'> | null
  readonly holdEnded: EntryOf<'hold-ended'> | null
  readonly denied: EntryOf<'denied'> | null
  readonly intent: EntryOf<'intent'> | null
  readonly outcome: EntryOf<'outcome'> | null
  /** All of the above that there are, in order. */
  readonly entries: readonly Entry[]
}

/** Entries after the beginning in which the rest of a statement is looked for. */
const entriesAheadMax = 2_000

/** An entry as the API gives it; null when it is none, which a page must say. */
export function entryOfItem(item: unknown): Entry | null {
  try {
    // Written and read again by the ledger: the same rules for the page as for the record.
    const parsed = parseEntry(canonicalBytes(item))
    return parsed.ok ? parsed.value : null
  } catch {
    return null
  }
}

/** The statement that began with the entry `seq`; null while that is not loaded, or does not begin one. */
export function storyOf(entries: ReadonlyMap<number, Entry>, seq: number): Story | null {
  const begun = entries.get(seq)
  if (begun === undefined) return null
  if (begun.kind !== 'intent' && begun.kind !== 'held' && begun.kind !== 'denied') return null
  const own: Entry[] = [begun]
  for (let next = seq + 1; next <= seq + entriesAheadMax && !isOver(own); next++) {
    const entry = entries.get(next)
    if (entry === undefined) break
    if ('statement' in entry && entry.statement === begun.statement) own.push(entry)
  }
  const last = <Kind extends Entry['kind']>(kind: Kind): EntryOf<Kind> | null =>
    own.findLast((entry): entry is EntryOf<Kind> => entry.kind === kind) ?? null
  return {
    begun,
    held: last('held'),
    holdEnded: last('hold-ended'),
    denied: last('denied'),
    intent: last('intent'),
    outcome: last('outcome'),
    entries: own,
  }
}

/** What rules and limits in shadow mode would have done, each once, in the order of the entries that say so. */
export function shadowsOf({ entries }: Pick<Story, 'entries'>): readonly EntryShadow[] {
  const all = entries.flatMap((entry) => ('shadow' in entry ? (entry.shadow ?? []) : []))
  const keys = all.map(({ policy, rule, effect }) => `${policy}/${rule} ${effect}`)
  return all.filter((_, index) => keys.indexOf(keys[index] ?? '') === index)
}

/** Nothing can follow an outcome, a denial, or a hold that did not end in a run. */
const isOver = (entries: readonly Entry[]): boolean => {
  const last = entries.at(-1)
  return (
    last?.kind === 'outcome' || last?.kind === 'denied' || (last?.kind === 'hold-ended' && last.result !== 'approved')
  )
}
