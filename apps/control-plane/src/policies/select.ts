// Which documents belong into an agent's snapshot: pure. When in doubt a document goes in: the agent's own compiler
// decides what applies to a target, and a deny rule that is left out would loosen it.
import type { LabelDocument, PolicyDocument, TargetDocument } from '@sallyport/policy/document'
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
  if (document.kind === 'Policy') return policyConcerns(document, target)
  if (document.kind === 'Label') return labelConcerns(document, target)
  return false
}

/** Keys of a selector are ANDed, entries of a list ORed (DESIGN §4). */
function policyConcerns(policy: PolicyDocument, target: TargetDocument): boolean {
  const { names, labels } = policy.spec.targets
  const own = target.metadata.labels ?? {}
  return (
    (names === undefined || names.includes(target.metadata.name)) &&
    Object.entries(labels ?? {}).every(([key, value]) => Object.hasOwn(own, key) && own[key] === value)
  )
}

function labelConcerns(label: LabelDocument, target: TargetDocument): boolean {
  return label.spec.columns.some(
    ({ targets }) =>
      targets === undefined || targets.some((name) => name === target.metadata.name || name.includes('*')),
  )
}
