// Which documents belong into an agent's snapshot: pure. Policies are matched by the same function as at the agent; of
// labels rather one too many goes in, because a mask that is left out would loosen.
import { capabilitiesNeeded } from '@sallyport/policy/capabilities'
import type { LabelDocument, TargetDocument } from '@sallyport/policy/document'
import { matchesTarget } from '@sallyport/policy/match'
import type { StoredDocument } from './store.ts'

export interface Selected {
  readonly targets: readonly StoredDocument[]
  readonly policies: readonly StoredDocument[]
  readonly labels: readonly StoredDocument[]
  readonly groups: readonly StoredDocument[]
  readonly issuers: readonly StoredDocument[]
  /** Targets of this agent that it is not given, and what it would have to understand. */
  readonly withheld: readonly { readonly target: string; readonly needs: readonly string[] }[]
}

/**
 * Everything that an agent of this name needs, and no target of another. A target that this agent would not understand, or one of
 * whose policies it would not, is withheld: a policy that was left out instead could have denied something.
 */
export function selectFor(
  agentName: string,
  documents: readonly StoredDocument[],
  capabilities: readonly string[],
): Selected {
  const own = documents.filter(({ document }) => document.kind === 'Target' && document.spec.agents.includes(agentName))
  const needs = new Map(own.map((stored) => [stored, missingFor(stored, documents, capabilities)]))
  const targets = own.filter((stored) => needs.get(stored)?.length === 0)
  const withheld = [...needs].flatMap(([{ name }, missing]) =>
    missing.length === 0 ? [] : [{ target: name, needs: missing }],
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
    withheld,
  }
}

/** What an agent would have to understand to serve this target, and does not. */
export function missingFor(
  { document: target }: Pick<StoredDocument, 'document'>,
  documents: readonly Pick<StoredDocument, 'document'>[],
  capabilities: readonly string[],
): readonly string[] {
  if (target.kind !== 'Target') return []
  const concerned = documents.flatMap(({ document }) => (concerns(document, target) ? [document] : []))
  const needed = [target, ...concerned].flatMap(capabilitiesNeeded)
  return [...new Set(needed)].filter((name) => !capabilities.includes(name))
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
