// Tells every replica what changed, by id: in this process at once, in others over Redis or PostgreSQL. A hint says only
// where to look; whoever hears one reads the store under its own rights, so a forged, lost or doubled hint decides nothing
// (THREATS ). Publish after the commit.
import type { FastifyBaseLogger } from 'fastify'

export const hintKinds = ['approval', 'grant', 'session', 'agent', 'resource', 'webhook', 'kill', 'scan'] as const
export type HintKind = (typeof hintKinds)[number]

export interface Hint {
  readonly kind: HintKind
  readonly id: string
}

export interface Listener {
  /** `here`: published by this process. */
  heard(hint: Hint, from: 'here' | 'elsewhere'): void
  /** Hints of other replicas may have been lost: look at everything. */
  gap(): void
}

/** One way to other replicas. */
export interface Carrier {
  readonly name: string
  isUp(): boolean
  /** Rejects when the message was not taken. */
  send(message: string): Promise<void>
  stop(): Promise<void>
}

/** What a carrier is given. */
export interface CarrierEvents {
  received(message: string): void
  /** It listens, for the first time or again. */
  up(): void
  down(cause: unknown): void
}

export interface Bus {
  /** Never throws and never waits: what is lost on the way is found by the slow polls. */
  publish(hint: Hint): void
  listen(listener: Listener): () => void
  stop(): Promise<void>
}

export interface BusDeps {
  readonly log: Pick<FastifyBaseLogger, 'info' | 'warn' | 'error'>
  readonly randomBytes: (size: number) => Buffer
}

/** Resolves after the first try to listen, whatever came of it. */
export type OpenCarrier = (events: CarrierEvents) => Promise<Carrier>

/** Messages that no carrier has taken yet; past it hints are left to the polls. */
const sendingMax = 10_000
/** Characters of an id. */
const idCharsMax = 200
const message = /^([0-9a-f]{16}) ([a-z]+) ([\x21-\x7e]{1,200})$/

/** `carriers` in order of preference: all of them listen, the first one that is up sends. */
export async function openBus(deps: BusDeps, carriers: readonly OpenCarrier[]): Promise<Bus> {
  const origin = deps.randomBytes(8).toString('hex')
  const listeners = new Set<Listener>()
  const tell = (say: (listener: Listener) => void): void => {
    for (const listener of listeners) {
      try {
        say(listener)
      } catch (err) {
        deps.log.error({ event: 'hint-failed', err })
      }
    }
  }
  const received = (text: string): void => {
    const [, from, kind, id] = message.exec(text) ?? []
    const known = hintKinds.find((one) => one === kind)
    if (from === origin || known === undefined || id === undefined) return
    tell((listener) => listener.heard({ kind: known, id }, 'elsewhere'))
  }
  const gap = () => tell((listener) => listener.gap())
  const stopping = new AbortController()
  const opened = await Promise.all(carriers.map((open) => openOne(deps, open, received, gap, stopping.signal)))
  let sending = 0
  const carry = async (text: string): Promise<void> => {
    for (const carrier of opened) {
      if (!carrier.isUp()) continue
      const isTaken = await carrier.send(text).then(
        () => true,
        () => false,
      )
      if (isTaken) return
    }
  }
  return {
    publish(hint) {
      tell((listener) => listener.heard(hint, 'here'))
      if (opened.length === 0 || sending >= sendingMax || hint.id.length > idCharsMax) return
      sending++
      void carry(`${origin} ${hint.kind} ${hint.id}`).finally(() => {
        sending--
      })
    },
    listen(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async stop() {
      listeners.clear()
      stopping.abort()
      await Promise.all(opened.map((carrier) => carrier.stop()))
    },
  }
}

/** Says once that a carrier is gone and once that it is back; after an outage hints may be missing. */
async function openOne(
  deps: BusDeps,
  open: OpenCarrier,
  received: (text: string) => void,
  gap: () => void,
  stopping: AbortSignal,
): Promise<Carrier> {
  let outage = false
  let name = 'carrier'
  const carrier = await open({
    received,
    up() {
      if (!outage) return
      outage = false
      deps.log.info({ event: 'hints-back', carrier: name })
      gap()
    },
    down(err) {
      if (outage || stopping.aborted) return
      outage = true
      deps.log.warn({ event: 'hints-down', carrier: name, err })
    },
  })
  name = carrier.name
  return carrier
}
