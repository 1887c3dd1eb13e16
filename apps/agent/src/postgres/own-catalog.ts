// The catalog as one session sees it: with the objects that its open transaction has changed, and its temporary ones. It is
// read over the session's own connection, between the client's messages, and leaves nothing behind: no setting, no lock, no
// prepared statement, no transaction.
//
//   in a block         SAVEPOINT, settings, questions, ROLLBACK TO, RELEASE
//   outside of one     BEGIN READ ONLY, settings, questions, ROLLBACK
//
// INVARIANT: the client's unnamed statement and its portals survive, because every question has a name of its own.
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { Catalog } from '@sallyport/sql/catalog'
import type { FrontendMessage } from '@sallyport/wire/postgres/messages'
import type { OwnCatalogSource, ReadingPlace } from '../session/catalog-source.ts'
import { catalogQueries, catalogSettings, identityQuery, signatureQuery, temporaryQuery } from './catalog-queries.ts'
import {
  catalogLists,
  parseCatalog,
  type Row,
  RowsOf,
  readingsMax,
  type SignedCatalog,
  withRelations,
} from './catalog-read.ts'
import type { LentConnection } from './lent.ts'
import { fieldOf } from './refuse.ts'

const askName = '_sallyport_catalog'
/** To read a catalog over a session's own connection, in milliseconds; past it the session is lost. */
export const ownReadMsMax = 30_000

/** What the questions need, until the savepoint or transaction around them ends. Lock waits and time-outs are our own. */
const settings = `SELECT ${Object.entries(catalogSettings)
  .filter(([name]) => name !== 'application_name' && name !== 'default_transaction_read_only')
  .map(([name, value]) => `pg_catalog.set_config('${name}', '${value}', true)`)
  .join(', ')}, pg_catalog.current_setting('transaction_isolation')`

interface Known {
  readonly version: number
  readonly askedMs: number
  readonly signature: string
  readonly catalog: Catalog
}

export interface OwnCatalogDeps {
  readonly lent: LentConnection
  readonly clock: Clock
  readonly serverVersion: number
  readonly serverEncoding: string
  /** The catalog of all sessions, however old, and the signature that it belongs to. */
  readonly shared: () => SignedCatalog | undefined
}

export function createOwnCatalog(deps: OwnCatalogDeps): OwnCatalogSource {
  let known: Known | null = null
  const latest = (version: number) => (known?.version === version ? known.catalog : undefined)
  return {
    fresh(version) {
      const age = known === null ? Number.POSITIVE_INFINITY : deps.clock.nowMs() - known.askedMs
      return age >= 0 && age <= limits.catalogAgeMsMax ? latest(version) : undefined
    },
    latest,
    async read(version, place) {
      const before = known?.version === version ? known : null
      const read = await deps.lent.borrow(ownReadMsMax, () => readOwn(deps, new Asker(deps.lent, place), before))
      known = { ...read, version }
      return read.catalog
    },
  }
}

/** Most sessions have temporary objects and nothing else of their own: then the rest is what everybody sees. */
async function readOwn(deps: OwnCatalogDeps, asker: Asker, before: Known | null): Promise<Omit<Known, 'version'>> {
  const askedMs = deps.clock.nowMs()
  const [temporary = [], marked] = await asker.ask([temporaryQuery, signatureQuery])
  const signature = single(marked)
  if (before !== null && before.signature === signature) return { ...before, askedMs }
  const shared = deps.shared()
  if (shared?.signature !== signature) return await readWhole(deps, asker)
  return { askedMs, signature, catalog: withRelations(shared.catalog, temporary) }
}

/** As catalog-read.ts does it: equal signatures before and after say that all answers are about the same state. */
async function readWhole(deps: OwnCatalogDeps, asker: Asker): Promise<Omit<Known, 'version'>> {
  const queries = catalogQueries(deps.serverVersion, true)
  for (let readings = 0; readings < readingsMax; readings++) {
    const askedMs = deps.clock.nowMs()
    const answers = await asker.ask([signatureQuery, identityQuery, ...Object.values(queries), signatureQuery])
    const signature = single(answers[0])
    if (signature !== single(answers.at(-1))) continue
    const lists = catalogLists(answers[1]?.[0], Object.keys(queries), answers.slice(2), deps.serverEncoding)
    return { signature, askedMs, catalog: parseCatalog(lists) }
  }
  throw new Error('the schema changes faster than it can be read')
}

function single(rows: readonly Row[] | undefined): string {
  const value = rows?.[0]?.[0]
  if (value == null) throw new Error('the target does not say whether its schema has changed')
  return value
}

const keptSnapshot = (): SallyportError =>
  new SallyportError('CATALOG_STALE', 'objects were changed in a transaction that does not see what others commit', {
    hint: 'change objects under READ COMMITTED, which is the default',
  })

/**
 * Asks several questions at once by the extended protocol, each under a name of ours, in a savepoint or transaction of
 * their own, with one Sync or Flush behind them.
 */
class Asker {
  readonly #lent: LentConnection
  readonly #place: ReadingPlace

  constructor(lent: LentConnection, place: ReadingPlace) {
    this.#lent = lent
    this.#place = place
  }

  /** The rows of each. Throws what the target says, once it is ready again. */
  async ask(texts: readonly string[]): Promise<readonly (readonly Row[])[]> {
    const { open, close } = around(this.#place)
    const answers = await this.#run([open, settings, ...texts, ...close]).catch(async (thrown: unknown) => {
      // In a block the client's transaction has failed, as for any error. Outside of one the transaction was ours.
      if (thrown instanceof TargetSaid && !this.#place.block) await this.#run(close)
      throw thrown
    })
    // Under a snapshot that is kept, changes made elsewhere would not show, and yet count.
    if (answers[1]?.[0]?.at(-1) !== 'read committed') throw keptSnapshot()
    return answers.slice(2, -close.length)
  }

  async #run(texts: readonly string[]): Promise<readonly (readonly Row[])[]> {
    this.#lent.send([...texts.flatMap(question), { type: this.#place.unsynced ? 'flush' : 'sync' }])
    const answers: (readonly Row[])[] = []
    try {
      for (let at = 0; at < texts.length; at++) answers.push(await this.#answer())
    } catch (thrown) {
      await this.#recover(thrown)
      throw thrown
    }
    if (!this.#place.unsynced) await this.#ready()
    return answers
  }

  async #answer(): Promise<readonly Row[]> {
    const rows = new RowsOf()
    for (let closesDue = 2; closesDue > 0; ) {
      const message = await this.#lent.next()
      switch (message.type) {
        case 'parseComplete':
        case 'bindComplete':
        case 'commandComplete':
          break
        case 'dataRow':
          rows.add(message.values)
          break
        case 'closeComplete':
          closesDue -= 1
          break
        case 'errorResponse':
          throw new TargetSaid(`the target said ${fieldOf(message.fields, 'C')}: ${fieldOf(message.fields, 'M')}`)
        default:
          throw new Error(`the target sent ${message.type} in answer to a question of the agent`)
      }
    }
    return rows.all
  }

  /** After its error the target drops everything until Sync. Whatever else went wrong, nobody knows what is due. */
  async #recover(thrown: unknown): Promise<void> {
    if (thrown instanceof TargetSaid) {
      if (this.#place.unsynced) this.#lent.send([{ type: 'sync' }])
      await this.#ready()
      // The statement that failed may still be there, under our name.
      this.#lent.send([{ type: 'close', what: 'statement', name: askName }, { type: 'sync' }])
      const closed = await this.#lent.next()
      if (closed.type === 'closeComplete') return await this.#ready()
    }
    this.#lent.lost(thrown instanceof Error ? thrown : new Error('a question of the agent failed'))
  }

  async #ready(): Promise<void> {
    const message = await this.#lent.next()
    if (message.type === 'readyForQuery') return
    const error = new Error(`the target sent ${message.type} where it had to be ready`)
    this.#lent.lost(error)
    throw error
  }
}

/** The target's own words; the connection is in order. */
class TargetSaid extends Error {}

const around = ({ block }: ReadingPlace): { readonly open: string; readonly close: readonly string[] } =>
  block
    ? { open: `SAVEPOINT ${askName}`, close: [`ROLLBACK TO SAVEPOINT ${askName}`, `RELEASE SAVEPOINT ${askName}`] }
    : { open: 'BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY', close: ['ROLLBACK'] }

const question = (text: string): readonly FrontendMessage[] => [
  { type: 'parse', name: askName, text, parameterTypes: [] },
  { type: 'bind', portal: askName, statement: askName, parameterFormats: [], parameters: [], resultFormats: [] },
  { type: 'execute', portal: askName, rowsMax: 0 },
  { type: 'close', what: 'portal', name: askName },
  { type: 'close', what: 'statement', name: askName },
]
