// The catalogs that this agent judges by, one for each (target, role, database), and how old each may be. A catalog that
// cannot be checked in time is not used: then nothing is judged, and nothing runs.
import { setMaxListeners } from 'node:events'
import { assert } from '@sallyport/base/assert'
import { boundBy } from '@sallyport/base/bound'
import type { Clock } from '@sallyport/base/clock'
import { withSignal } from '@sallyport/base/deadline'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { Catalog } from '@sallyport/sql/catalog'
import { catalogSettings } from './catalog-queries.ts'
import { CatalogConnection, type Mark, type SignedCatalog } from './catalog-read.ts'
import { withFormerNames } from './former-names.ts'
import type { Upstream } from './upstream.ts'

export interface CatalogKey {
  readonly target: string
  readonly role: string
  readonly database: string
}

export interface CatalogDeps {
  readonly clock: Clock
  /** Opens a connection as the key's role; `settings` go into its start-up packet. */
  readonly connect: (
    key: CatalogKey,
    settings: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ) => Promise<Upstream>
  /** Called with each new version. */
  readonly onCatalog?: (key: CatalogKey, catalog: Catalog) => void
  /** For tests; limits.catalogAgeMsMax otherwise. */
  readonly ageMsMax?: number
}

/** To check or read a catalog, connection included, in milliseconds. */
const refreshMsMax = 20_000
/** How often one caller waits for a check that began before it asked. */
const roundsMax = 5

/** One catalog, and one connection to ask about it. */
interface Held {
  readonly key: CatalogKey
  catalog: Catalog | undefined
  /** As the target said it, without names of before. */
  version: string | undefined
  mark: Mark | undefined
  /** When the question was sent that the catalog passed last. */
  checkedMs: number
  /** Counts invalidations: an answer from before one says nothing about after it. */
  generation: number
  connection: CatalogConnection | undefined
  refreshing: Promise<Catalog> | undefined
}

export class CatalogReader {
  readonly #deps: CatalogDeps
  readonly #held = new Map<string, Held>()
  readonly #closed = new AbortController()

  constructor(deps: CatalogDeps) {
    this.#deps = deps
    // Every session that waits for a catalog listens to this one.
    setMaxListeners(0, this.#closed.signal)
  }

  /** A catalog that may be used right now, if there is one; never waits. `sinceMs`: checked then or later. */
  fresh(key: CatalogKey, sinceMs = Number.NEGATIVE_INFINITY): Catalog | undefined {
    const held = this.#held.get(nameOf(key))
    return held !== undefined && this.#isFresh(held, sinceMs) ? held.catalog : undefined
  }

  /** What was read last, however old. */
  latest(key: CatalogKey): SignedCatalog | undefined {
    const held = this.#held.get(nameOf(key))
    if (held?.catalog === undefined || held.mark === undefined) return undefined
    return { catalog: held.catalog, signature: held.mark.signature }
  }

  /** A catalog that was true when asked for or later. Throws CATALOG_STALE when the target cannot be asked. */
  async catalogFor(
    key: CatalogKey,
    signal: AbortSignal = this.#closed.signal,
    sinceMs = Number.NEGATIVE_INFINITY,
  ): Promise<Catalog> {
    const held = this.#hold(key)
    for (let round = 0; round < roundsMax; round++) {
      if (held.catalog !== undefined && this.#isFresh(held, sinceMs)) return held.catalog
      if (signal.aborted || this.#closed.signal.aborted) throw stale(key, signal.reason)
      const joined = held.refreshing
      const { generation } = held
      const catalog = await withSignal(joined ?? this.#refresh(held), signal, 'CATALOG_STALE', waitEnded)
      // A check that began after we asked is good for us however long it took.
      if (joined === undefined && held.generation === generation) return catalog
    }
    throw stale(key, new Error('the schema changes too fast'))
  }

  /** What the agent itself has changed counts at once. */
  invalidate(key: CatalogKey): void {
    const held = this.#held.get(nameOf(key))
    if (held !== undefined) age(held)
  }

  /** DDL as one role changes what all roles see. */
  invalidateTarget(target: string): void {
    for (const held of this.#held.values()) if (held.key.target === target) age(held)
  }

  /** Ends all connections. Later questions are refused. */
  close(): void {
    this.#closed.abort(new Error('the agent is stopping'))
    for (const held of this.#held.values()) held.connection?.close()
    this.#held.clear()
  }

  #hold(key: CatalogKey): Held {
    const name = nameOf(key)
    const known = this.#held.get(name)
    if (known !== undefined) return known
    const made: Held = {
      key,
      catalog: undefined,
      version: undefined,
      mark: undefined,
      checkedMs: Number.NEGATIVE_INFINITY,
      generation: 0,
      connection: undefined,
      refreshing: undefined,
    }
    this.#held.set(name, made)
    return made
  }

  #isFresh({ checkedMs }: Held, sinceMs: number): boolean {
    const nowMs = this.#deps.clock.nowMs()
    const age = nowMs - checkedMs
    // A clock that was set back makes nothing fresh, and nothing stale for ever.
    const isSince = checkedMs >= sinceMs || sinceMs > nowMs
    return isSince && age >= 0 && age <= (this.#deps.ageMsMax ?? limits.catalogAgeMsMax)
  }

  /** One at a time for each catalog; everyone who asks meanwhile waits for the same answer. */
  #refresh(held: Held): Promise<Catalog> {
    const running = this.#check(held)
      .catch((thrown: unknown) => {
        held.connection?.close()
        held.connection = undefined
        throw stale(held.key, thrown)
      })
      .finally(() => {
        held.refreshing = undefined
      })
    held.refreshing = running
    return running
  }

  async #check(held: Held): Promise<Catalog> {
    const { signal, release } = boundBy([this.#closed.signal], refreshMsMax)
    try {
      return await this.#checkWithin(held, signal)
    } finally {
      release()
    }
  }

  async #checkWithin(held: Held, signal: AbortSignal): Promise<Catalog> {
    signal.throwIfAborted()
    const kept = held.connection
    if (kept !== undefined) {
      // An idle connection may have been cut by anyone on the way: that is no reason to refuse, a new one is.
      const answer = await this.#ask(held, kept, signal).catch(() => undefined)
      if (answer !== undefined) return answer
      kept.close()
      held.connection = undefined
      signal.throwIfAborted()
    }
    const made = new CatalogConnection(await this.#deps.connect(held.key, catalogSettings, signal), this.#deps.clock)
    held.connection = made
    return await this.#ask(held, made, signal)
  }

  async #ask(held: Held, connection: CatalogConnection, signal: AbortSignal): Promise<Catalog> {
    const end = () => connection.close()
    signal.addEventListener('abort', end, { once: true })
    const { generation } = held
    try {
      if (held.catalog === undefined || held.mark === undefined) await this.#read(held, connection)
      else {
        const mark = await connection.mark(held.mark)
        if (mark.signature !== held.mark.signature) await this.#read(held, connection)
        else held.mark = mark
      }
      // INVARIANT: the age counts from before the question was sent, and never from before an invalidation.
      if (held.generation === generation) held.checkedMs = held.mark?.askedMs ?? Number.NEGATIVE_INFINITY
      assert(held.catalog !== undefined, 'a catalog was read and is not there')
      return held.catalog
    } finally {
      signal.removeEventListener('abort', end)
    }
  }

  async #read(held: Held, connection: CatalogConnection): Promise<void> {
    const { catalog, mark } = await connection.read()
    held.mark = mark
    // The same version stays the same object: indexes and plans are kept by it.
    if (catalog.version === held.version) return
    held.version = catalog.version
    held.catalog = withFormerNames(held.catalog, catalog)
    this.#deps.onCatalog?.(held.key, held.catalog)
  }
}

const waitEnded = 'the wait for the schema of the target was ended'

// A session asks with the same key for every statement.
const names = new WeakMap<CatalogKey, string>()

/** JSON, so that no name can pass for another. */
function nameOf(key: CatalogKey): string {
  const known = names.get(key)
  if (known !== undefined) return known
  const name = JSON.stringify([key.target, key.role, key.database])
  names.set(key, name)
  return name
}

function age(held: Held): void {
  held.generation++
  held.checkedMs = Number.NEGATIVE_INFINITY
}

function stale(key: CatalogKey, cause: unknown): SallyportError {
  return new SallyportError('CATALOG_STALE', `the schema of "${key.target}" cannot be checked`, {
    cause,
    hint: "try again; the operator finds the reason in the agent's log",
  })
}
