// Entries of a session, loaded in windows around what is looked at, and kept: the list, the inspector and the search share
// them. Bounded: the oldest windows go first.
import type { Entry } from '@sallyport/ledger/entry'
import { useQueries } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { windowOf, windowQuery } from './queries.ts'

/** Windows that one player keeps. */
const windowsMax = 200

export class EntryShelf {
  readonly entries = new Map<number, Entry>()
  /** Texts of statements by the entry that began them, lowercase, for the search. */
  readonly texts = new Map<number, string>()
  readonly #windows = new Map<number, readonly Entry[]>()
  unreadable = 0

  add(from: number, entries: readonly Entry[]): void {
    this.#windows.delete(from)
    this.#windows.set(from, entries)
    for (const entry of entries) {
      this.entries.set(entry.seq, entry)
      if (entry.kind === 'intent' || entry.kind === 'held' || entry.kind === 'denied')
        this.texts.set(entry.seq, entry.text.toLowerCase())
    }
    for (const [oldest, gone] of this.#windows) {
      if (this.#windows.size <= windowsMax) break
      this.#windows.delete(oldest)
      for (const { seq } of gone) {
        this.entries.delete(seq)
        this.texts.delete(seq)
      }
    }
  }
}

export interface Entries {
  readonly shelf: EntryShelf
  /** Rises when the shelf has something new. */
  readonly version: number
  readonly error: unknown
  readonly retry: () => void
}

/** Loads the windows of these sequences. An entry's end often follows in the next window, so that comes too at a border. */
export function useEntries(id: string, seqs: readonly number[], tipSeq: number): Entries {
  const shelf = useRef(new EntryShelf())
  const [version, setVersion] = useState(0)
  const known = useRef(new WeakSet<object>())
  const windows = [...new Set(seqs.flatMap((seq) => [windowOf(seq), windowOf(Math.min(tipSeq, seq + 4))]))]
    .filter((from) => from <= tipSeq)
    .sort((a, b) => a - b)
  const results = useQueries({ queries: windows.map((from) => windowQuery(id, from, tipSeq)) })
  useEffect(() => {
    let isNew = false
    for (const { data } of results) {
      if (data === undefined || known.current.has(data)) continue
      known.current.add(data)
      shelf.current.add(data.from, data.entries)
      shelf.current.unreadable += data.unreadable
      isNew = true
    }
    if (isNew) setVersion((before) => before + 1)
  }, [results])
  const failed = results.find((result) => result.isError)
  return {
    shelf: shelf.current,
    version,
    error: failed?.error ?? null,
    retry: () => void failed?.refetch(),
  }
}
