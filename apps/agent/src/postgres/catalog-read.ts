// Reads a catalog, and what tells whether it is still true, over a connection of its own. Read-only; what the target
// answers is parsed before it is believed.
import { createHash } from 'node:crypto'
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { CatalogLists, RelationJson } from '@sallyport/policy/catalog-schema'
import type { Catalog } from '@sallyport/sql/catalog'
import { encodeFrontend } from '@sallyport/wire/postgres/encode'
import { activityQuery, catalogQueries, catalogSettings, identityQuery, signatureQuery } from './catalog-queries.ts'
import { Conversation } from './conversation.ts'
import type { Upstream } from './upstream.ts'

/** Objects in one list of a catalog; past it the target cannot be protected. */
const objectsMax = 500_000
/** Bytes of one list of a catalog. */
const listBytesMax = 536_870_912
/** A schema that changes under every reading. */
export const readingsMax = 3
/** json_build_object, has_schema_privilege and prokind are older; pg_current_snapshot is not. */
const serverVersionMin = 130_000

export type Row = readonly (string | null)[]

/** Rows of one answer, up to what we take. */
export class RowsOf {
  readonly all: Row[] = []
  #bytes = 0

  add(values: readonly (Uint8Array | null)[]): void {
    this.#bytes += values.reduce((sum, value) => sum + (value?.length ?? 0), 0)
    if (this.all.length >= objectsMax || this.#bytes > listBytesMax)
      throw new Error('the answer is larger than we take')
    this.all.push(values.map((value) => (value === null ? null : Buffer.from(value).toString('utf8'))))
  }
}

/** Runs one query by the simple protocol. Throws what the target says, with its SQLSTATE. */
export async function queryRows(conversation: Conversation, text: string): Promise<readonly Row[]> {
  conversation.write(encodeFrontend({ type: 'query', text }))
  const rows = new RowsOf()
  let failure: Error | undefined
  for (;;) {
    const message = await conversation.next()
    switch (message.type) {
      case 'dataRow':
        rows.add(message.values)
        break
      case 'errorResponse': {
        const field = (code: string) => message.fields.find(([name]) => name === code)?.[1] ?? ''
        failure ??= new Error(`the target said ${field('C')}: ${field('M')}`)
        break
      }
      case 'readyForQuery':
        if (failure !== undefined) throw failure
        return rows.all
      case 'rowDescription':
      case 'commandComplete':
      case 'parameterStatus':
      case 'noticeResponse':
        break
      default:
        throw new Error(`the target sent ${message.type} in answer to a query`)
    }
  }
}

/** What the target said about its state, taken together. */
export interface Mark {
  /** By the agent's clock, before the question was sent. */
  readonly askedMs: number
  /** Equal: nothing has been committed since. Null: unknown. */
  readonly activity: string | null
  /** Equal: no definition has changed. */
  readonly signature: string
}

/** A connection that reads catalogs of one database as one role. One question at a time. */
export class CatalogConnection {
  readonly #upstream: Upstream
  readonly #conversation: Conversation

  readonly #clock: Clock

  constructor(upstream: Upstream, clock: Clock) {
    this.#upstream = upstream
    this.#clock = clock
    this.#conversation = new Conversation(upstream.socket, limits.upstreamMessageBytesMax, upstream.leftover)
  }

  close(): void {
    this.#upstream.socket.destroy()
  }

  /** Reads the catalog and the mark that it belongs to. */
  async read(): Promise<{ readonly catalog: Catalog; readonly mark: Mark }> {
    // pg_get_viewdef and its like look at the newest state and not at a snapshot: equal marks before and after say that
    // all answers are about the same state.
    let before = await this.mark(undefined)
    for (let readings = 0; readings < readingsMax; readings++) {
      const catalog = await this.#lists().catch((thrown: unknown) => thrown)
      const after = await this.mark(before)
      if (after.signature === before.signature) {
        if (catalog instanceof Error) throw catalog
        return { catalog: parseCatalog(catalog), mark: after }
      }
      before = after
    }
    throw new Error('the schema changes faster than it can be read')
  }

  /** `known` saves the larger question when nothing at all was committed since. */
  async mark(known: Mark | undefined): Promise<Mark> {
    const askedMs = this.#clock.nowMs()
    const activity = single(await queryRows(this.#conversation, activityQuery))
    if (known !== undefined && activity !== null && activity === known.activity) return { ...known, askedMs }
    // Asked after the activity: whatever is committed in between changes the activity, and is looked for again.
    const signature = single(await queryRows(this.#conversation, signatureQuery))
    if (signature === null) throw new Error('the target does not say whether its schema has changed')
    return { askedMs, activity, signature }
  }

  async #lists(): Promise<unknown> {
    const [identity] = await queryRows(this.#conversation, identityQuery)
    const serverVersion = Number(identity?.[0])
    const queries = Object.entries(catalogQueries(serverVersion))
    const answers: (readonly Row[])[] = []
    for (const [, text] of queries) answers.push(await queryRows(this.#conversation, text))
    const names = queries.map(([name]) => name)
    return catalogLists(identity, names, answers, this.#upstream.parameters.get('server_encoding') ?? '')
  }
}

/** What the answers to `identityQuery` and to each of the queries say, not yet parsed. */
export function catalogLists(
  identity: Row | undefined,
  names: readonly string[],
  answers: readonly (readonly Row[])[],
  serverEncoding: string,
): unknown {
  const serverVersion = Number(identity?.[0])
  if (!(serverVersion >= serverVersionMin))
    throw new SallyportError('FEATURE_UNSUPPORTED', 'the target is older than PostgreSQL 13')
  if (identity?.[2] !== catalogSettings.search_path) throw new Error('the target does not take our search_path')
  const lists = names.map((name, at) => [name, (answers[at] ?? []).map(([json]) => JSON.parse(json ?? ''))])
  return { database: identity[1], serverVersion, serverEncoding, ...Object.fromEntries(lists) }
}

const single = (rows: readonly Row[]): string | null => rows[0]?.[0] ?? null

/** A catalog, and the target's word for the state that it was read in. */
export interface SignedCatalog {
  readonly catalog: Catalog
  readonly signature: string
}

/** The catalog with more relations, of which each row has one. */
export function withRelations(catalog: Catalog, rows: readonly Row[]): Catalog {
  const more = RelationJson.array().parse(rows.map(([json]) => JSON.parse(json ?? '')))
  const hash = createHash('sha256').update(JSON.stringify([catalog.version, more]))
  return { ...catalog, version: hash.digest('hex').slice(0, 32), relations: [...catalog.relations, ...more] }
}

/** The version is a hash of all the rest: equal catalogs have equal versions, on every agent and after every restart. */
export function parseCatalog(answer: unknown): Catalog {
  const parsed = CatalogLists.parse(answer)
  const version = createHash('sha256').update(JSON.stringify(parsed)).digest('hex').slice(0, 32)
  return { version, ...parsed }
}
