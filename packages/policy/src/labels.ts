// From what a scan proposes to Label documents that can be applied: what is there stays, what is covered already is not
// written twice. A document is given whole, because applying one replaces it.
import type { ScanProposal } from '@sallyport/mask/scan'
import { apiVersion, type LabelDocument } from './document.ts'
import { matchesParts, splitParts, unquoted } from './match.ts'

type Column = Pick<ScanProposal['column'], 'schema' | 'relation' | 'column'>
type LabelledColumns = LabelDocument['spec']['columns'][number]

/** The names of labels that cover this column of the target already. */
export function labelsOf(labels: readonly LabelDocument[], target: string, column: Column): string[] {
  return labels
    .filter(({ spec }) => spec.columns.some((entry) => covers(entry, target, column)))
    .map(({ metadata }) => metadata.name)
}

function covers(entry: LabelledColumns, target: string, { schema, relation, column }: Column): boolean {
  if (entry.targets !== undefined && !entry.targets.includes(target)) return false
  return entry.pattern === '**' || matchesParts(splitParts(entry.pattern).map(unquoted), [schema, relation, column])
}

/** The documents that have to change for every proposal to hold, by name. */
export function labelDocuments(
  labels: readonly LabelDocument[],
  target: string,
  proposals: readonly Pick<ScanProposal, 'label' | 'column'>[],
): LabelDocument[] {
  const wanted = new Map<string, LabelledColumns[]>()
  for (const { label, column } of proposals) {
    if (labelsOf(labels, target, column).includes(label)) continue
    wanted.set(label, [...(wanted.get(label) ?? []), { pattern: patternOf(column), targets: [target] }])
  }
  return [...wanted]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([label, columns]) => {
      const known = labels.find(({ metadata }) => metadata.name === label)
      const metadata = known?.metadata ?? { name: label, description: `Proposed by a scan of "${target}"` }
      const spec = { ...known?.spec, columns: [...(known?.spec.columns ?? []), ...columns] }
      return { apiVersion, kind: 'Label', metadata, spec }
    })
}

/** A pattern that matches this column. A name with a quote in it matches by a star in its place, which may match more. */
export const patternOf = ({ schema, relation, column }: Column): string =>
  [schema, relation, column].map(partOf).join('.')

function partOf(name: string): string {
  const plain = name.replaceAll('"', '*')
  return plain.includes('.') || plain !== plain.trim() ? `"${plain}"` : plain
}
