// The catalogs that the gate judges by, as it needs them: everybody's, and what one session alone sees.
import type { Catalog } from '@sallyport/sql/catalog'
import type { Admitted } from './admit.ts'
import type { SessionNames } from './analysis.ts'

/** Which catalog: that of a database as one of its roles sees it. */
export type CatalogPlace = Pick<Admitted, 'target' | 'upstreamRole'>

/** The catalog as the gate needs it: at most limits.catalogAgeMsMax old, or read anew. */
export interface CatalogSource {
  /** Undefined when it is too old. */
  fresh(): Catalog | undefined
  read(): Promise<Catalog>
  /** As it is now or later, however fresh the one at hand is. */
  renewed(): Promise<Catalog>
  readonly own: OwnCatalogSource
}

/** What the session's own connection sees, temporary objects and those of its open transaction included. */
export interface OwnCatalogSource {
  /** Read since the session changed objects last, and not too old. */
  fresh(wanted: WantedCatalog): Catalog | undefined
  /** The same, however old. */
  latest(wanted: WantedCatalog): Catalog | undefined
  /** Asks the target on the session's own connection, of which nothing else is due meanwhile. */
  read(wanted: WantedCatalog, place: ReadingPlace): Promise<Catalog>
}

export type WantedCatalog = Pick<SessionNames, 'catalog' | 'objectsVersion'>

/** Where in the protocol the session's own connection is asked. */
export interface ReadingPlace {
  /** Inside a transaction block, which the question must leave as it was. */
  readonly block: boolean
  /** Messages of the extended protocol are waiting for their Sync, which must not come before the client sends it. */
  readonly unsynced: boolean
}
