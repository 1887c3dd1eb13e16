// A scan as the page uses it: asking, looking, and the documents of the proposals that a person accepts.
import type { Resource } from '@sallyport/api/resources'
import { ExpectedVersion } from '@sallyport/api/resources'
import { Scan, ScanStarted } from '@sallyport/api/scans'
import { LabelDocument } from '@sallyport/policy/document'
import { labelDocuments } from '@sallyport/policy/labels'
import { queryOptions } from '@tanstack/react-query'
import { change, get } from '../api/client.ts'

export type ScanResult = NonNullable<Scan['result']>
export type FoundColumn = ScanResult['columnsFound'][number]

/** Between two looks at a scan that runs, in milliseconds. */
const lookMs = 1_000

export const scanQuery = (id: string) =>
  queryOptions({
    queryKey: ['scan', id],
    queryFn: ({ signal }) => get(`/api/v1/scans/${encodeURIComponent(id)}`, Scan, {}, signal),
    refetchInterval: ({ state }) => (state.data?.state === 'running' ? lookMs : false),
  })

export const startScan = (target: string, rows: number): Promise<{ readonly id: string }> =>
  change('POST', `/api/v1/targets/${encodeURIComponent(target)}/scans`, { rows }, ScanStarted)

/** Names a column among those of one scan. */
export const keyOf = ({ schema, relation, column }: Pick<FoundColumn, 'schema' | 'relation' | 'column'>): string =>
  JSON.stringify([schema, relation, column])

/** A proposal that is not covered already: what there is to accept. */
export const isOpen = ({ label, labelled }: FoundColumn): boolean => label !== null && !labelled.includes(label)

export interface Accepted {
  /** Each label that changes, as a whole. */
  readonly documents: readonly LabelDocument[]
  /** How many columns get a label by that. */
  readonly columns: number
  /** The versions that they were made from. */
  readonly expect: readonly ExpectedVersion[]
}

/**
 * What has to be applied for the accepted columns, on top of the labels of now. A stored label that this console cannot read
 * is none of its business, unless it would be replaced: then nothing can be accepted, and null is the answer.
 */
export function acceptedOf(
  result: Pick<ScanResult, 'columnsFound'>,
  target: string,
  stored: readonly Pick<Resource, 'name' | 'version' | 'document'>[],
  accepted: ReadonlySet<string>,
): Accepted | null {
  const labels = stored.flatMap(({ document }) => LabelDocument.safeParse(document).data ?? [])
  const proposals = result.columnsFound.flatMap((column) =>
    column.label !== null && accepted.has(keyOf(column)) ? [{ label: column.label, column }] : [],
  )
  const documents = labelDocuments(labels, target, proposals)
  const known = new Set(labels.map(({ metadata }) => metadata.name))
  const versions = new Map(stored.map(({ name, version }) => [name, version]))
  if (documents.some(({ metadata: { name } }) => versions.has(name) && !known.has(name))) return null
  const expect = documents.map(({ metadata: { name } }) =>
    ExpectedVersion.parse({ kind: 'Label', name, version: versions.get(name) ?? 0 }),
  )
  return { documents, columns: proposals.length, expect }
}

/** `email in 41 of 41 values`; empty where only the name told. */
export const evidenceText = ({ hits, values }: Pick<FoundColumn, 'hits' | 'values'>): string =>
  Object.entries(hits)
    .sort(([, left], [, right]) => right - left)
    .map(([kind, hit]) => `${kind} in ${hit} of ${values}`)
    .join(', ')
