// The catalogs that sessions judge by: one reader for each target as its document is now, shared by the sessions of it,
// with the credential injected anew for every connection. A reader that nobody uses is closed.
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { Catalog } from '@sallyport/sql/catalog'
import { boundToRole, resolveLogin } from '../secrets/broker.ts'
import type { CatalogPlace, CatalogSource } from '../session/catalog-source.ts'
import type { SessionDeps } from '../session/deps.ts'
import { type CatalogKey, CatalogReader } from './catalog.ts'
import type { SignedCatalog } from './catalog-read.ts'
import { connectUpstream } from './upstream.ts'

/** The catalog that all sessions of a role judge by. */
export type SharedCatalog = Omit<CatalogSource, 'own'> & {
  /** What was read last, however old. */
  latest(): SignedCatalog | undefined
}

export interface CatalogPool {
  /** The catalog of the admitted role, until `release`. */
  borrow(place: CatalogPlace): SharedCatalog & { release(): void }
  /** The catalog as it is now. Rejects where the target does not tell it. */
  now(place: CatalogPlace): Promise<Catalog>
  /** Objects of the target were changed through this agent: what was read before no longer counts, anywhere once it settles. */
  changed(target: string): undefined | Promise<void>
  close(): void
}

interface Shared {
  readonly target: string
  readonly reader: CatalogReader
  users: number
  idle: NodeJS.Timeout | undefined
}

type PoolDeps = Pick<SessionDeps, 'environment' | 'random' | 'clock' | 'onCatalog'>

export function openCatalogs(deps: PoolDeps): CatalogPool {
  const all = new Map<string, Shared>()
  const sharedOf = (key: string, place: CatalogPlace): Shared => {
    const known = all.get(key)
    if (known !== undefined) return known
    const made = {
      target: place.target.document.metadata.name,
      reader: readerOf(place, deps),
      users: 0,
      idle: undefined,
    }
    all.set(key, made)
    return made
  }
  const close = (key: string, shared: Shared): void => {
    clearTimeout(shared.idle)
    shared.reader.close()
    if (all.get(key) === shared) all.delete(key)
  }
  const borrow: CatalogPool['borrow'] = (place) => {
    // Another address or credential is another target to read from, under the same name.
    const key = keyOf(place.target.document)
    const shared = sharedOf(key, place)
    shared.users += 1
    clearTimeout(shared.idle)
    return {
      ...sourceOf(shared.reader, place, deps.clock.nowMs()),
      release() {
        shared.users -= 1
        if (shared.users > 0) return
        shared.idle = setTimeout(() => close(key, shared), limits.catalogIdleMsMax)
        shared.idle.unref()
      },
    }
  }
  return {
    borrow,
    async now(place) {
      const source = borrow(place)
      try {
        return source.fresh() ?? (await source.read())
      } finally {
        source.release()
      }
    },
    changed(target) {
      for (const shared of all.values()) if (shared.target === target) shared.reader.invalidateTarget(target)
      return undefined
    },
    close() {
      for (const [key, shared] of all) close(key, shared)
    },
  }
}

// The same document for all sessions under one snapshot.
const keys = new WeakMap<object, string>()

function keyOf(document: object): string {
  const known = keys.get(document)
  if (known !== undefined) return known
  const key = JSON.stringify(document)
  keys.set(document, key)
  return key
}

/** A session judges by nothing that was last looked at before it began: what was changed before somebody connects is seen. */
function sourceOf(reader: CatalogReader, place: CatalogPlace, sinceMs: number): SharedCatalog {
  const { metadata, spec } = place.target.document
  const key: CatalogKey = { target: metadata.name, role: place.upstreamRole, database: spec.database }
  return {
    fresh: () => reader.fresh(key, sinceMs),
    read: () => reader.catalogFor(key, undefined, sinceMs),
    renewed() {
      reader.invalidate(key)
      return reader.catalogFor(key, undefined, sinceMs)
    },
    latest: () => reader.latest(key),
  }
}

function readerOf(place: CatalogPlace, deps: PoolDeps): CatalogReader {
  const { host, port, tls, roles } = place.target.document.spec
  return new CatalogReader({
    clock: deps.clock,
    async connect({ role, database }, settings, signal) {
      const reference = roles.find(({ name }) => name === role)?.password
      if (reference === undefined)
        throw new SallyportError('CREDENTIAL_UNAVAILABLE', `role "${role}" is not in the target document`)
      const bound = boundToRole(place.target.document, role)
      const { user, password } = await resolveLogin(reference, deps.environment, bound)
      const { random } = deps
      return await connectUpstream({
        host,
        port,
        tls,
        user,
        password,
        database,
        parameters: settings,
        signal,
        random,
      })
    },
    onCatalog: ({ target, role }, catalog) => deps.onCatalog(target, role, catalog),
  })
}
