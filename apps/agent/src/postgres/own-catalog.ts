// The catalog as one session sees it: with the objects that its open transaction has changed, and its temporary ones. It is
// read over the session's own connection, between the client's messages, and leaves nothing behind: no setting, no lock, no
// prepared statement, no transaction.
//
//   in a block         SAVEPOINT, settings, questions, ROLLBACK TO, RELEASE
//   outside of one     BEGIN READ ONLY, settings, questions, ROLLBACK
//
// INVARIANT: the client's unnamed statement and its portals survive, because every question has a name of its own.
import { assert } from '@sallyport/base/assert'
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { Catalog } from '@sallyport/sql/catalog'
import type { FrontendMessage } from '@sallyport/wire/postgres/messages'
import type { OwnCatalogSource, ReadingPlace, WantedCatalog } from '../session/catalog-source.ts'
import { catalogQueries, catalogSettings, identityQuery, signatureQuery, temporaryQuery } from './catalog-queries.ts'
import { catalogLists, parseCatalog, type Row, RowsOf, readingsMax, withRelations } from './catalog-read.ts'
import type { SharedCatalog } from './catalogs.ts'
import { withFormerNames } from './former-names.ts'
import type { LentConnection } from './lent.ts'
import { fieldOf } from './refuse.ts'

const askName = '_sallyport_catalog'

/** What the questions need, until the savepoint or transaction around them ends. Lock waits and time-outs are our own. */
const settings = `SELECT ${Object.entries(catalogSettings)
  .filter(([name]) => name !== 'application_name' && name !== 'default_transaction_read_only')
  .map(([name, value]) => `pg_catalog.set_config('${name}', '${value}', true)`)
  .join(', ')}, pg_catalog.current_setting('transaction_isolation')`

/** Temporary relations, as the session's own connection sees them, and a catalog that has them. */
interface Known {
  readonly version: number
  readonly temporary: readonly Row[]
  /** What everybody sees, with the temporary ones; made anew with every shared catalog. */
  merged: { readonly shared: Catalog; readonly catalog: Catalog } | null
  /** Read over the session's own connection, while a transaction with changes was open. */
  readonly whole: Whole | null
}
interface Whole {
  readonly askedMs: number
  readonly signature: string
  readonly catalog: Catalog
}

export interface OwnCatalogDeps {
  readonly lent: LentConnection
  readonly clock: Clock
  readonly serverVersion: number
  readonly serverEncoding: string
  readonly shared: SharedCatalog
}

export function createOwnCatalog(deps: OwnCatalogDeps): OwnCatalogSource {
  let known: Known | null = null
  const latest = ({ catalog, objectsVersion }: WantedCatalog): Catalog | undefined => {
    if (known?.version !== objectsVersion) return undefined
    return catalog === 'own' ? known.whole?.catalog : withTemporary(known, deps.shared.latest()?.catalog)
  }
  const fresh = (wanted: WantedCatalog): Catalog | undefined => {
    if (known?.version !== wanted.objectsVersion) return undefined
    if (wanted.catalog !== 'own') return withTemporary(known, deps.shared.fresh())
    const age = known.whole === null ? Number.POSITIVE_INFINITY : deps.clock.nowMs() - known.whole.askedMs
    return age >= 0 && age <= limits.catalogAgeMsMax ? known.whole?.catalog : undefined
  }
  return {
    fresh,
    latest,
    async read(wanted, place) {
      const asker = new Asker(deps.lent, place)
      const { objectsVersion: version } = wanted
      const read = () => (wanted.catalog === 'own' ? readOwn(deps, asker, known) : readTemporary(asker))
      known = { ...(await deps.lent.borrow(limits.ownCatalogMsMax, read)), version, merged: null }
      if (wanted.catalog !== 'own') await deps.shared.read()
      const found = fresh(wanted) ?? latest(wanted)
      assert(found !== undefined, 'a catalog was read and is not there')
      return found
    },
  }
}

function withTemporary(known: Known, shared: Catalog | undefined): Catalog | undefined {
  if (shared === undefined || known.temporary.length === 0) return shared
  if (known.merged?.shared !== shared) known.merged = { shared, catalog: withRelations(shared, known.temporary) }
  return known.merged.catalog
}

type Read = Pick<Known, 'temporary' | 'whole'>

/** Also under a snapshot that is kept: what this transaction has not changed is as it was when it began. */
async function readTemporary(asker: Asker): Promise<Read> {
  const [temporary = []] = (await asker.ask([temporaryQuery])).answers
  return { temporary, whole: null }
}

async function readOwn(deps: OwnCatalogDeps, asker: Asker, before: Known | null): Promise<Read> {
  const askedMs = deps.clock.nowMs()
  const { answers, isolation } = await asker.ask([temporaryQuery, signatureQuery])
  // Under a snapshot that is kept, changes made elsewhere would not show, and yet count.
  if (isolation !== 'read committed') throw keptSnapshot()
  const [temporary = [], marked] = answers
  const signature = single(marked)
  const isSame = JSON.stringify(before?.temporary) === JSON.stringify(temporary)
  if (before?.whole?.signature === signature && isSame) return { temporary, whole: { ...before.whole, askedMs } }
  // Only temporary objects were changed: the rest is what everybody sees.
  const shared = deps.shared.latest()
  if (shared?.signature !== signature) return { temporary, whole: await readWhole(deps, asker) }
  return { temporary, whole: { askedMs, signature, catalog: withRelations(shared.catalog, temporary) } }
}

/** As catalog-read.ts does it: equal signatures before and after say that all answers are about the same state. */
async function readWhole(deps: OwnCatalogDeps, asker: Asker): Promise<Whole> {
  const queries = catalogQueries(deps.serverVersion, true)
  for (let readings = 0; readings < readingsMax; readings++) {
    const askedMs = deps.clock.nowMs()
    const { answers } = await asker.ask([signatureQuery, identityQuery, ...Object.values(queries), signatureQuery])
    const signature = single(answers[0])
    if (signature !== single(answers.at(-1))) continue
    const lists = catalogLists(answers[1]?.[0], Object.keys(queries), answers.slice(2), deps.serverEncoding)
    return { signature, askedMs, catalog: withFormerNames(deps.shared.latest()?.catalog, parseCatalog(lists)) }
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

  /** The rows of each, and the isolation they were read in. Throws what the target says, once it is ready again. */
  async ask(texts: readonly string[]): Promise<{ answers: readonly (readonly Row[])[]; isolation: string }> {
    const { open, close } = around(this.#place)
    const all = await this.#run([open, settings, ...texts, ...close]).catch(async (thrown: unknown) => {
      // In a block the client's transaction has failed, as for any error. Outside of one the transaction was ours.
      if (thrown instanceof TargetSaid && !this.#place.block) await this.#run(close)
      throw thrown
    })
    return { answers: all.slice(2, -close.length), isolation: all[1]?.[0]?.at(-1) ?? '' }
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
