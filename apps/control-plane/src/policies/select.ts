// Which documents belong into an agent's snapshot: pure. Policies are matched by the same function as at the agent; of
// labels rather one too many goes in, because a mask that is left out would loosen.
import type { LabelDocument, TargetDocument } from '@sallyport/policy/document'
import { matchesTarget } from '@sallyport/policy/match'
import type { StoredDocument } from './store.ts'

export interface Selected {
  readonly targets: readonly StoredDocument[]
  readonly policies: readonly StoredDocument[]
  readonly labels: readonly StoredDocument[]
  readonly groups: readonly StoredDocument[]
  readonly issuers: readonly StoredDocument[]
}

/** Everything that an agent of this name needs, and no target of another. */
export function selectFor(agentName: string, documents: readonly StoredDocument[]): Selected {
  const targets = documents.filter(
    ({ document }) => document.kind === 'Target' && document.spec.agents.includes(agentName),
  )
  const served = targets.flatMap(({ document }) => (document.kind === 'Target' ? [document] : []))
  const isNeeded = ({ document }: StoredDocument): boolean => served.some((target) => concerns(document, target))
  const ofKind = (kind: StoredDocument['kind']) => documents.filter((stored) => stored.kind === kind)
  return {
    targets,
    policies: ofKind('Policy').filter(isNeeded),
    labels: ofKind('Label').filter(isNeeded),
    groups: ofKind('Group'),
    issuers: ofKind('TrustedIssuer'),
  }
}

function concerns(document: StoredDocument['document'], target: TargetDocument): boolean {
  if (document.kind === 'Policy') return matchesTarget(document.spec.targets, target)
  if (document.kind === 'Label') return labelConcerns(document, target)
  return false
}

function labelConcerns(label: LabelDocument, target: TargetDocument): boolean {
  return [...label.spec.columns, ...(label.spec.fields ?? [])].some(
    ({ targets }) =>
      targets === undefined || targets.some((name) => name === target.metadata.name || name.includes('*')),
  )
}
