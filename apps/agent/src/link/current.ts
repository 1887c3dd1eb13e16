// What the agent knows right now, parsed and compiled once a snapshot. The seam between link/ and session/.
import type { Trust } from '@sallyport/identity/trust'
import type { CompiledPolicies } from '@sallyport/policy/decide'
import type { FloorDocument, LabelDocument, TargetDocument } from '@sallyport/policy/document'
import type { ReviewerKeys } from './reviewers.ts'

export interface AgentTarget<D extends TargetDocument = TargetDocument> {
  readonly document: D
  readonly version: number
  /** With the floor's rules and masks in it. */
  readonly policies: CompiledPolicies
}

export interface CurrentSnapshot extends Trust {
  readonly installation: string
  readonly agentId: string
  readonly version: number
  readonly notAfterMs: number
  readonly targets: ReadonlyMap<string, AgentTarget>
  /** By exact issuer; already narrowed by the floor. */
  readonly issuers: Trust['issuers']
  readonly labels: readonly LabelDocument[]
  readonly consoleUrl: string
  /** Of the floor; null where it names none. */
  readonly reviewers: ReviewerKeys | null
}

/** The current snapshot, or why there is none: throws SNAPSHOT_MISSING or SNAPSHOT_EXPIRED. */
export interface Snapshots {
  current(): CurrentSnapshot
  /** Called after each change; returns how to stop. */
  onChange(listener: (snapshot: CurrentSnapshot) => void): () => void
}
export type { FloorDocument }
