// Documents in the store: the current ones and every version that ever was. Queries only, no decisions.

import { assert } from '@sallyport/base/assert'
import { Document, type DocumentKind } from '@sallyport/policy/document'
import type { Db, Tx } from '../db.ts'
import type { Prisma } from '../gen/prisma/client.ts'

/** A current document with its version. */
export interface StoredDocument {
  readonly kind: DocumentKind
  readonly name: string
  readonly version: number
  readonly document: Document
  readonly updatedAt: Date
  readonly updatedBy: string
}

interface Row {
  readonly kind: string
  readonly name: string
  readonly version: number
  readonly document: unknown
  readonly updatedAt: Date
  readonly updatedBy: string
}

/** What we wrote we can read; a document that no longer parses stops the read, it is never skipped (a deny rule may be in it). */
function readRow(row: Row): StoredDocument {
  const parsed = Document.safeParse(row.document)
  assert(parsed.success, `the stored document ${row.kind}/${row.name} does not parse`)
  return { ...row, kind: parsed.data.kind, document: parsed.data }
}

/** Current documents of these kinds (all kinds when absent), in order of kind and name. */
export async function readDocuments(db: Db | Tx, kinds?: readonly DocumentKind[]): Promise<StoredDocument[]> {
  const rows = await db.resource.findMany({
    ...(kinds === undefined ? {} : { where: { kind: { in: [...kinds] } } }),
    orderBy: [{ kind: 'asc' }, { name: 'asc' }],
  })
  return rows.map(readRow)
}

export async function readDocument(db: Db | Tx, kind: DocumentKind, name: string): Promise<StoredDocument | null> {
  const row = await db.resource.findUnique({ where: { kind_name: { kind, name } } })
  return row === null ? null : readRow(row)
}

/** One page of current documents of a kind after a name. */
export async function pageDocuments(
  db: Db,
  kind: DocumentKind,
  after: string,
  limit: number,
): Promise<StoredDocument[]> {
  const rows = await db.resource.findMany({
    where: { kind, name: { gt: after } },
    orderBy: { name: 'asc' },
    take: limit,
  })
  return rows.map(readRow)
}

/** Versions below `before`, newest first. */
export async function pageVersions(db: Db, kind: DocumentKind, name: string, before: number, limit: number) {
  return await db.resourceVersion.findMany({
    where: { kind, name, version: { lt: before } },
    orderBy: { version: 'desc' },
    take: limit,
  })
}

/** Last version that ever was of each of these names, 0 when none: a name that comes back goes on counting. */
export async function lastVersion(tx: Tx, kind: DocumentKind, name: string): Promise<number> {
  const row = await tx.resourceVersion.findFirst({
    where: { kind, name },
    orderBy: { version: 'desc' },
    select: { version: true },
  })
  return row?.version ?? 0
}

export interface NewVersion {
  readonly kind: DocumentKind
  readonly name: string
  readonly version: number
  readonly document: Document
  readonly at: Date
  readonly by: string
}

/** A document was parsed from JSON; of the schemas of bodies in it the type cannot say that they are. */
const jsonOf = (document: Document): Prisma.InputJsonObject => JSON.parse(JSON.stringify(document))

/** Appends a version and makes it the current one. A racing writer of the same version fails on the primary key. */
export async function writeVersion(tx: Tx, next: NewVersion): Promise<void> {
  const { kind, name, version, at, by } = next
  const document = jsonOf(next.document)
  await tx.resourceVersion.create({ data: { kind, name, version, document, deleted: false, at, by } })
  await tx.resource.upsert({
    where: { kind_name: { kind, name } },
    create: { kind, name, version, document, updatedAt: at, updatedBy: by },
    update: { version, document, updatedAt: at, updatedBy: by },
  })
}

/** Appends a deletion as a version and takes the document out of the current ones. */
export async function writeDeletion(tx: Tx, last: NewVersion): Promise<void> {
  const { kind, name, version, at, by } = last
  const document = jsonOf(last.document)
  await tx.resourceVersion.create({ data: { kind, name, version, document, deleted: true, at, by } })
  await tx.resource.delete({ where: { kind_name: { kind, name } } })
}

/** The catalog that an agent sent for a target as one upstream role sees it: gzip of JSON. */
export async function readCatalogRow(db: Db, target: string, upstreamRole: string) {
  return await db.catalog.findUnique({ where: { target_upstreamRole: { target, upstreamRole } } })
}

/** True when some document was ever applied. */
export async function hasHistory(db: Db): Promise<boolean> {
  return (await db.resourceVersion.findFirst({ select: { kind: true } })) !== null
}
