// The live stream: what changed, by id. It makes the pages ask again under their own rights, and never carries content.
// Lost connections come back with a growing pause; after one, everything on the page is asked for anew.
import { LiveEvent } from '@sallyport/api/live'
import type { QueryKey } from '@tanstack/react-query'
import { createStore, type Store } from '../util/store.ts'

export type Connection = 'connecting' | 'live' | 'reconnecting' | 'offline'

/** What an EventSource does for us; a test brings its own. */
export interface Stream {
  readonly close: () => void
}
export interface StreamEvents {
  readonly hello: () => void
  readonly change: (data: string) => void
  readonly lost: () => void
}

export interface LiveDeps {
  readonly open: (events: StreamEvents) => Stream
  readonly after: (ms: number, run: () => void) => () => void
  readonly random: () => number
  readonly nowMs: () => number
  /** These questions have a new answer. */
  readonly ask: (keys: readonly QueryKey[]) => void
  /** Something may have been missed: all of them have. */
  readonly askAll: () => void
}

/** First and longest pause before the stream is opened again, milliseconds. */
export const retryMsFirst = 1_000
export const retryMsMax = 30_000
/** Lost attempts in a row after which the pill says offline. */
const failuresUntilOffline = 4
/** Milliseconds in which changes are gathered, so that a busy agent does not make the page ask a hundred times a second. */
export const gatherMs = 100
/** Milliseconds between two questions about the same list of sessions. */
export const sessionListMs = 2_000

/** Half fixed, half random: consoles that were cut off together do not come back together. */
export const retryMs = (failures: number, random: number): number =>
  Math.min(retryMsMax, retryMsFirst * 2 ** Math.min(failures, 10)) * (0.5 + random / 2)

/** The query keys that an event makes stale, by their first parts. */
export function keysOf(event: LiveEvent): readonly QueryKey[] {
  switch (event.kind) {
    case 'approval':
      return [['approvals'], ['approval', event.id], ['overview'], ['me', 'requests'], ['audit']]
    case 'grant':
      return [['grants'], ['grant', event.id], ['overview'], ['me', 'targets'], ['audit']]
    case 'session':
      return [['session', event.id], ['sessions'], ['overview']]
    case 'agent':
      return [['agents'], ['overview'], ['me', 'targets'], ['audit'], ['quarantine']]
    case 'resource':
      return [['resources'], ['overview'], ['me', 'targets'], ['grants'], ['grant'], ['audit'], ['quarantine']]
    case 'webhook':
      return [['webhooks'], ['deliveries'], ['audit']]
  }
}

export interface Live {
  readonly connection: Store<Connection>
  readonly stop: () => void
  /** Tries at once: the network is back, or a person asks for it. */
  readonly retry: () => void
}

export function startLive(deps: LiveDeps): Live {
  const connection = createStore<Connection>('connecting')
  const gather = gatherer(deps)
  let stream: Stream | null = null
  let failures = 0
  let seen = false
  let cancel = () => {}
  let stopped = false
  const connect = () => {
    cancel()
    stream?.close()
    const opened = deps.open({
      hello: () => {
        connection.set('live')
        failures = 0
        if (seen) deps.askAll()
        seen = true
      },
      change: (text) => gather.add(text),
      lost: () => {
        if (stopped || stream !== opened) return
        opened.close()
        stream = null
        connection.set(failures >= failuresUntilOffline ? 'offline' : 'reconnecting')
        // A login that has ended looks like a lost stream: "who am I" tells.
        if (failures === 1) deps.ask([['me']])
        cancel = deps.after(retryMs(failures, deps.random()), connect)
        failures += 1
      },
    })
    stream = opened
  }
  connect()
  return {
    connection,
    retry: connect,
    stop: () => {
      stopped = true
      cancel()
      gather.stop()
      stream?.close()
    },
  }
}

/** Gathers events for a moment, then asks once for each key. The first event sets the moment; later ones never put it off. */
function gatherer({ after, ask, nowMs }: LiveDeps) {
  const waiting = new Map<string, QueryKey>()
  let cancel = () => {}
  let dueMs = Number.POSITIVE_INFINITY
  let sessionsAskedMs = Number.NEGATIVE_INFINITY
  const flush = () => {
    dueMs = Number.POSITIVE_INFINITY
    const keys = [...waiting.values()]
    waiting.clear()
    if (keys.some(([first]) => first === 'sessions')) sessionsAskedMs = nowMs()
    ask(keys)
  }
  return {
    add: (text: string) => {
      const event = eventOf(text)
      if (event === null) return
      for (const key of keysOf(event)) waiting.set(JSON.stringify(key), key)
      const pause = event.kind === 'session' ? Math.max(gatherMs, sessionsAskedMs + sessionListMs - nowMs()) : gatherMs
      if (nowMs() + pause >= dueMs) return
      cancel()
      dueMs = nowMs() + pause
      cancel = after(pause, flush)
    },
    stop: () => cancel(),
  }
}

function eventOf(text: string): LiveEvent | null {
  try {
    const parsed = LiveEvent.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}

/** The browser's stream. Errors close it: the pause before the next one is ours, not the browser's. */
export function openEventSource(path: string): LiveDeps['open'] {
  return (events) => {
    const source = new EventSource(path)
    source.addEventListener('hello', () => events.hello())
    source.addEventListener('change', (message) => events.change(String(message.data)))
    source.addEventListener('error', () => {
      source.close()
      events.lost()
    })
    return source
  }
}
