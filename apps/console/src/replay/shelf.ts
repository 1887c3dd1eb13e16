// Entries of a session, loaded in windows around what is looked at, and kept: the list, the inspector and the search share
// them. Bounded: the oldest windows go first. Lives outside React, so that only who shows entries is drawn when some come.
import type { Entry } from '@sallyport/ledger/entry'
import { useQueryClient } from '@tanstack/react-query'
import { startTransition, useEffect, useState } from 'react'
import { type EntryWindow, windowEntries, windowOf, windowQuery } from './queries.ts'

/** Windows that one player keeps. */
const windowsMax = 200

type Load = (from: number, tipSeq: number) => Promise<EntryWindow>

export class EntryShelf {
  readonly entries = new Map<number, Entry>()
  /** Texts of statements by the entry that began them, lowercase, for the search. */
  readonly texts = new Map<number, string>()
  /** Items that are no entries. */
  unreadable = 0
  /** Rises when something came or failed. */
  version = 0
  /** Why the last one failed; null once it is asked for again. */
  error: unknown = null
  readonly #load: Load
  readonly #windows = new Map<number, EntryWindow>()
  /** Up to which sequence a window was asked for: a growing record has more later. */
  readonly #asked = new Map<number, number>()
  readonly #listeners = new Set<() => void>()
  #wanted: readonly [seqs: readonly number[], tipSeq: number] = [[], -1]

  constructor(load: Load) {
    this.#load = load
  }

  /** Loads the windows of these sequences. An entry's end often follows in the next window, so that comes too at a border. */
  readonly want = (seqs: readonly number[], tipSeq: number): void => {
    this.#wanted = [seqs, tipSeq]
    const windows = new Set(seqs.flatMap((seq) => [windowOf(seq), windowOf(Math.min(tipSeq, seq + 4))]))
    for (const from of [...windows].sort((a, b) => a - b)) {
      const upTo = Math.min(tipSeq, from + windowEntries - 1)
      if (from > tipSeq || upTo <= (this.#asked.get(from) ?? -1)) continue
      this.#asked.set(from, upTo)
      this.error = null
      this.#load(from, tipSeq).then(
        (window) => this.#add(window),
        (error: unknown) => {
          this.#asked.delete(from)
          this.error = error
          this.#changed()
        },
      )
    }
  }

  /** Asks again for what was wanted last. */
  readonly retry = (): void => {
    this.error = null
    this.want(...this.#wanted)
    this.#changed()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #add(window: EntryWindow): void {
    this.unreadable += window.unreadable - (this.#windows.get(window.from)?.unreadable ?? 0)
    this.#windows.delete(window.from)
    this.#windows.set(window.from, window)
    for (const entry of window.entries) {
      this.entries.set(entry.seq, entry)
      if (entry.kind === 'intent' || entry.kind === 'held' || entry.kind === 'denied')
        this.texts.set(entry.seq, entry.text.toLowerCase())
    }
    for (const [oldest, gone] of this.#windows) {
      if (this.#windows.size <= windowsMax) break
      this.#windows.delete(oldest)
      this.#asked.delete(oldest)
      for (const { seq } of gone.entries) {
        this.entries.delete(seq)
        this.texts.delete(seq)
      }
    }
    this.#changed()
  }

  #changed(): void {
    this.version += 1
    for (const listener of this.#listeners) listener()
  }
}

/** The shelf of one session, for as long as its player is shown. */
export function useShelf(id: string): EntryShelf {
  const client = useQueryClient()
  const [shelf] = useState(() => new EntryShelf((from, tipSeq) => client.fetchQuery(windowQuery(id, from, tipSeq))))
  return shelf
}

/** Draws again, when there is time for it, once the shelf has something new. */
export function useShelfVersion(shelf: EntryShelf): number {
  const [version, setVersion] = useState(shelf.version)
  useEffect(() => {
    const look = () => startTransition(() => setVersion(shelf.version))
    look()
    return shelf.subscribe(look)
  }, [shelf])
  return version
}
