// Answers of the API about a session, read from their bytes: checked by the schemas, and made into what the page keeps.
// Pure; the worker runs it, so that a large answer does not stop the page.
import { SessionEntries, SessionIndex } from '@sallyport/api/recordings'
import type { Entry } from '@sallyport/ledger/entry'
import { entryOfItem } from './story.ts'

/** A page of the index with its columns as arrays of numbers, which a worker hands over without copying. */
export interface IndexPage extends Pick<SessionIndex, 'openedAtMs' | 'verbs' | 'objects' | 'tipSeq' | 'next'> {
  readonly seq: ArrayLike<number>
  readonly atMs: ArrayLike<number>
  readonly statement: ArrayLike<number>
  readonly lane: ArrayLike<number>
  readonly verb: ArrayLike<number>
  readonly object: ArrayLike<number>
  readonly rows: ArrayLike<number>
  readonly durationUs: ArrayLike<number>
}

export interface ReadEntries {
  readonly entries: readonly Entry[]
  /** Items that are no entries. */
  readonly unreadable: number
}

const json = (bytes: ArrayBuffer): unknown => JSON.parse(new TextDecoder().decode(bytes))

/** Throws when the bytes are no index. */
export function readIndex(bytes: ArrayBuffer): IndexPage {
  const page = SessionIndex.parse(json(bytes))
  return {
    ...page,
    seq: Uint32Array.from(page.seq),
    atMs: Float64Array.from(page.atMs),
    statement: Uint32Array.from(page.statement),
    lane: Uint8Array.from(page.lane),
    verb: Uint32Array.from(page.verb),
    object: Uint32Array.from(page.object),
    rows: Float64Array.from(page.rows),
    durationUs: Float64Array.from(page.durationUs),
  }
}

/** Throws when the bytes are no list of items; items that are no entries are counted. */
export function readEntries(bytes: ArrayBuffer): ReadEntries {
  const { items } = SessionEntries.parse(json(bytes))
  const entries = items.flatMap((item) => entryOfItem(item) ?? [])
  return { entries, unreadable: items.length - entries.length }
}

/** The buffers of a page: what is handed over. */
export const buffersOf = (page: IndexPage): ArrayBuffer[] =>
  Object.values(page).flatMap((value: unknown) =>
    ArrayBuffer.isView(value) && value.buffer instanceof ArrayBuffer ? [value.buffer] : [],
  )
