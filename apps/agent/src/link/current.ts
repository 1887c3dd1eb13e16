// What the agent knows right now, parsed and compiled once a snapshot. The seam between link/ and session/.
import type { CompiledPolicies } from '@sallyport/policy/decide'
import type {
  FloorDocument,
  GroupDocument,
  LabelDocument,
  TargetDocument,
  TrustedIssuerDocument,
} from '@sallyport/policy/document'

export interface AgentTarget<D extends TargetDocument = TargetDocument> {
  readonly document: D
  readonly version: number
  /** With the floor's rules and masks in it. */
  readonly policies: CompiledPolicies
}

export interface SnapshotIssuer {
  readonly document: TrustedIssuerDocument
  /** JWK set, public keys only. */
  readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] }
}

export interface CurrentSnapshot {
  readonly installation: string
  readonly agentId: string
  readonly version: number
  readonly notAfterMs: number
  readonly targets: ReadonlyMap<string, AgentTarget>
  /** By exact issuer; already narrowed by the floor. */
  readonly issuers: ReadonlyMap<string, SnapshotIssuer>
  readonly groups: readonly GroupDocument[]
  readonly labels: readonly LabelDocument[]
  readonly revocations: readonly {
    readonly jti: string
    readonly issuer: string
    readonly subject: string
    readonly beforeMs: number
  }[]
  /** What `aud` of a token for this installation must contain. */
  readonly audience: string
  readonly consoleUrl: string
}

/** The current snapshot, or why there is none: throws SNAPSHOT_MISSING or SNAPSHOT_EXPIRED. */
export interface Snapshots {
  current(): CurrentSnapshot
  /** Called after each change; returns how to stop. */
  onChange(listener: (snapshot: CurrentSnapshot) => void): () => void
}
export type { FloorDocument }
