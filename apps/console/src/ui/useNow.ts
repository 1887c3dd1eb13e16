// The time, ticking: one timer a step for the whole page, so that all countdowns turn together.
import { useSyncExternalStore } from 'react'

interface Ticker {
  readonly subscribe: (listener: () => void) => () => void
  readonly get: () => number
}
const tickers = new Map<number, Ticker>()

function tickerOf(everyMs: number): Ticker {
  const known = tickers.get(everyMs)
  if (known !== undefined) return known
  const listeners = new Set<() => void>()
  let timer: ReturnType<typeof setInterval> | undefined
  let now = Date.now()
  const ticker: Ticker = {
    subscribe: (listener) => {
      listeners.add(listener)
      timer ??= setInterval(() => {
        now = Date.now()
        for (const each of listeners) each()
      }, everyMs)
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        clearInterval(timer)
        timer = undefined
      }
    },
    get: () => {
      if (timer === undefined && Date.now() - now >= everyMs) now = Date.now()
      return now
    },
  }
  tickers.set(everyMs, ticker)
  return ticker
}

/** Milliseconds since 1970, renewed every `everyMs` (one second unless told). */
export function useNow(everyMs = 1_000): number {
  const ticker = tickerOf(everyMs)
  return useSyncExternalStore(ticker.subscribe, ticker.get)
}
