// The search inside a session, as the player uses it: waits for a pause in typing, walks in slices, gives up when asked anew.
import { useEffect, useMemo, useState } from 'react'
import { type FindQuery, findRows, isEmptyFind, parseFind } from './find.ts'
import type { IndexView } from './queries.ts'

/** Milliseconds of quiet after which the words count. */
const quietMs = 80

export interface Find {
  /** One byte a row; null without a search. */
  readonly found: Uint8Array | null
  /** What is wrong with the words. */
  readonly problem: string | null
  /** Words that look into texts, so that it matters which are loaded. */
  readonly looksIntoTexts: boolean
}

const pause = () => new Promise<void>((resolve) => setTimeout(resolve))

export function useFind(view: IndexView, text: string, texts: ReadonlyMap<number, string>, textsVersion: number): Find {
  const parsed = useMemo(() => parseFind(text), [text])
  const query: FindQuery | null = parsed.ok && !isEmptyFind(parsed.query) ? parsed.query : null
  const looksIntoTexts = query !== null && query.words.length > 0
  const [found, setFound] = useState<Uint8Array | null>(null)
  const version = looksIntoTexts ? textsVersion : 0
  // biome-ignore lint/correctness/useExhaustiveDependencies: new texts and new rows are looked through again
  useEffect(() => {
    if (query === null) {
      setFound(null)
      return
    }
    const giveUp = new AbortController()
    const timer = setTimeout(() => {
      const pace = { nowMs: () => performance.now(), pause, signal: giveUp.signal }
      performance.mark('find-start')
      void findRows(view.columns, view.length, query, (seq) => texts.get(seq), pace).then((rows) => {
        if (rows === null) return
        performance.measure('find', 'find-start')
        setFound(rows)
      })
    }, quietMs)
    return () => {
      clearTimeout(timer)
      giveUp.abort()
    }
  }, [query, view, version])
  return { found: query === null ? null : found, problem: parsed.ok ? null : parsed.problem, looksIntoTexts }
}
