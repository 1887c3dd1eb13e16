// Looks at a sample of a target with the agent's own connection and counts what detectors find, for `sallyport scan`.
// INVARIANT: values stay in this file. What leaves it are names and counts, and failures without the target's words.
import { setImmediate } from 'node:timers/promises'
import { boundBy } from '@sallyport/base/bound'
import type { Clock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import { detect } from '@sallyport/mask/detect/detect'
import type { DetectorName } from '@sallyport/mask/rule'
import { labelOfName, type ScanColumn, type ScanReport } from '@sallyport/mask/scan'
import type { Catalog, CatalogColumn, CatalogRelation } from '@sallyport/sql/catalog'
import { catalogSettings } from './catalog-queries.ts'
import { CatalogConnection, queryRows } from './catalog-read.ts'
import { Conversation } from './conversation.ts'
import type { Upstream } from './upstream.ts'

export interface ScanDeps {
  readonly target: string
  readonly role: string
  readonly clock: Clock
  /** As `role`; `settings` go into the start-up packet. */
  readonly connect: (settings: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<Upstream>
}

/** For one relation, in milliseconds. */
const relationMsMax = 5_000
/** Columns that are read at once. */
const columnsMax = 16
/** Between two pauses, in characters: sessions of the same process go on meanwhile. */
const charsPerTurn = 200_000

/** Reads up to `rows` rows of each relation. Throws when the target cannot be reached, or its catalog not be read. */
export async function scanTarget(deps: ScanDeps, rows: number, signal: AbortSignal): Promise<ScanReport> {
  const { signal: deadline, release } = boundBy([signal], limits.scanMsMax)
  try {
    return await scanWithin(deps, rows, signal, deadline)
  } finally {
    release()
  }
}

/** What was looked at before the deadline counts; the caller's own signal ends it without a report. */
async function scanWithin(
  deps: ScanDeps,
  rows: number,
  signal: AbortSignal,
  deadline: AbortSignal,
): Promise<ScanReport> {
  const catalog = await catalogOf(deps, deadline)
  return await using(deps, sampleSettings, deadline, async (upstream) => {
    const conversation = new Conversation(upstream.socket, limits.upstreamMessageBytesMax, upstream.leftover)
    const readable = relationsOf(catalog)
    const relations = readable.slice(0, limits.scanRelationsMax)
    const rights = await rightsOf(conversation, relations)
    const tally = newTally()
    let looked = 0
    for (const relation of relations) {
      if (deadline.aborted) break
      await scanRelation(conversation, relation, rights, rows, tally)
      looked += 1
    }
    signal.throwIfAborted()
    const { columns, unread, found } = tally
    const isCut = looked < readable.length
    const { target, role } = deps
    return { v: 1, target, role, catalogVersion: catalog.version, relations: looked, columns, unread, isCut, found }
  })
}

const sampleSettings = {
  ...catalogSettings,
  application_name: 'sallyport scan',
  default_transaction_read_only: 'on',
  statement_timeout: String(relationMsMax),
  lock_timeout: '1000',
}

const catalogOf = async (deps: ScanDeps, signal: AbortSignal): Promise<Catalog> =>
  await using(deps, catalogSettings, signal, async (upstream) => {
    return (await new CatalogConnection(upstream, deps.clock).read()).catalog
  })

/** A connection that ends with the signal, and in any case. */
async function using<T>(
  deps: ScanDeps,
  settings: Readonly<Record<string, string>>,
  signal: AbortSignal,
  use: (upstream: Upstream) => Promise<T>,
): Promise<T> {
  const upstream = await deps.connect(settings, signal)
  const end = () => upstream.socket.destroy()
  signal.addEventListener('abort', end, { once: true })
  try {
    return await use(upstream)
  } finally {
    signal.removeEventListener('abort', end)
    end()
  }
}

/** Tables and what is stored like them. Views are not read: they show columns of tables, and run code. */
function relationsOf(catalog: Catalog): CatalogRelation[] {
  const partitioned = new Set(catalog.relations.filter(({ kind }) => kind === 'partitioned').map(({ oid }) => oid))
  return catalog.relations.filter(
    ({ kind, temporary, parents }) =>
      (kind === 'table' || kind === 'partitioned' || kind === 'materialized') &&
      !temporary &&
      // Rows of partitions are read through their parent.
      !parents.some((parent) => partitioned.has(parent)),
  )
}

// Type OIDs of pg_type.dat whose values are texts, or numbers that may be those of cards: text, varchar, bpchar, name,
// json, jsonb, xml, int8, numeric, and arrays of text and varchar.
const scannedTypes = new Set([25, 1043, 1042, 19, 114, 3802, 142, 20, 1700, 1009, 1015])
/** The first OID that initdb does not give out (FirstNormalObjectId): domains and types of extensions, such as citext. */
const firstNormalOid = 16_384

const isScanned = ({ typeOid, generated }: CatalogColumn): boolean =>
  // A virtual column is computed when it is read, by code of the target.
  generated !== 'virtual' && (scannedTypes.has(typeOid) || typeOid >= firstNormalOid)

/** What the role may read. */
interface Rights {
  /** `relation.column`, by number. */
  readonly columns: ReadonlySet<string>
  /** Rows as the target's statistics have them; below 0 unknown. */
  readonly rows: ReadonlyMap<number, number>
}

async function rightsOf(conversation: Conversation, relations: readonly CatalogRelation[]): Promise<Rights> {
  const oids = relations.map(({ oid }) => oid).join(',')
  const found = await queryRows(
    conversation,
    `SELECT a.attrelid::pg_catalog.text, a.attnum::pg_catalog.text, c.reltuples::pg_catalog.int8::pg_catalog.text
       FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) a.attrelid
      WHERE a.attrelid OPERATOR(pg_catalog.=) ANY ('{${oids}}'::pg_catalog.oid[])
        AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
        AND pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT')
        AND pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE')`,
  )
  return {
    columns: new Set(found.map(([relation, number]) => `${relation}.${number}`)),
    rows: new Map(found.map(([relation, , rows]) => [Number(relation), Number(rows)])),
  }
}

interface Tally {
  columns: number
  readonly unread: { schema: string; relation: string }[]
  readonly found: ScanColumn[]
}

const newTally = (): Tally => ({ columns: 0, unread: [], found: [] })

async function scanRelation(
  conversation: Conversation,
  relation: CatalogRelation,
  rights: Rights,
  rows: number,
  tally: Tally,
): Promise<void> {
  const readable = relation.columns.filter(({ number }) => rights.columns.has(`${relation.oid}.${number}`))
  const isUnread = readable.length < relation.columns.length
  const columns = readable.filter(isScanned)
  try {
    for (let from = 0; from < columns.length; from += columnsMax) {
      const some = columns.slice(from, from + columnsMax)
      const sample = await queryRows(
        conversation,
        sampleQuery(relation, some, rights.rows.get(relation.oid) ?? -1, rows),
      )
      tally.columns += some.length
      tally.found.push(...(await countSample(relation, some, sample)).filter(isTelling))
    }
    if (isUnread) tally.unread.push({ schema: relation.schema, relation: relation.name })
  } catch {
    // The target's words may quote a value. That the relation was not read says enough.
    tally.unread.push({ schema: relation.schema, relation: relation.name })
  }
}

/** Blocks are drawn from a relation that has many times the rows that are wanted; a smaller one is read from its start. */
const drawnFrom = 20

function sampleQuery(
  relation: CatalogRelation,
  columns: readonly CatalogColumn[],
  known: number,
  rows: number,
): string {
  const list = columns
    .map(({ name }) => `pg_catalog.left(${quoted(name)}::pg_catalog.text, ${limits.scanValueCharsMax})`)
    .join(', ')
  const percent = Math.min(100, (rows * 4 * 100) / Math.max(1, known))
  const drawn = known > rows * drawnFrom ? ` TABLESAMPLE SYSTEM (${percent.toFixed(6)})` : ''
  return `SELECT ${list} FROM ${quoted(relation.schema)}.${quoted(relation.name)}${drawn} LIMIT ${rows}`
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

async function countSample(
  relation: CatalogRelation,
  columns: readonly CatalogColumn[],
  sample: readonly (readonly (string | null)[])[],
): Promise<ScanColumn[]> {
  const counted: ScanColumn[] = []
  let chars = 0
  for (const [index, column] of columns.entries()) {
    const hits: Partial<Record<DetectorName, number>> = {}
    let values = 0
    for (const row of sample) {
      const value = row[index] ?? null
      if (value === null) continue
      values += 1
      for (const kind of new Set(detect(value).map((finding) => finding.kind))) hits[kind] = (hits[kind] ?? 0) + 1
      chars += value.length
      if (chars < charsPerTurn) continue
      chars = 0
      await setImmediate()
    }
    counted.push({ schema: relation.schema, relation: relation.name, column: column.name, values, hits })
  }
  return counted
}

const isTelling = ({ column, hits }: ScanColumn): boolean =>
  Object.keys(hits).length > 0 || labelOfName(column) !== null
