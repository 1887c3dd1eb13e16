// Held statements: what a retry is recognised by, what a reviewer is shown, and what a verdict is bound to (DESIGN §5).
// Types and digests only; the agent makes the evidence, the control plane keeps it, the console shows it.
import { type Sha256, toHex, utf8 } from './bytes.ts'
import { canonicalText } from './canonical.ts'
import type { EntryPrincipal, EntryRule } from './entry.ts'

/** A bound parameter as it was sent. */
export interface HeldParameter {
  /** OID of its type; 0 when the client left it to the target. */
  readonly type: number
  readonly format: 'text' | 'binary'
  /** Null for NULL; bytes in hex. */
  readonly value: string | null
}

/** Everything that makes two executions the same one: any difference is another request (THREATS ). */
export interface HeldStatement {
  readonly v: 1
  /** What goes to the target. */
  readonly text: string
  readonly parameters: readonly HeldParameter[]
  readonly resultFormats: readonly string[]
  readonly target: string
  readonly database: string
  readonly upstreamRole: string
  readonly searchPath: readonly string[]
  /** Pinned settings, `name=value`, sorted. */
  readonly settings: readonly string[]
  /** `issuer subject` of the initiator, then of each actor. */
  readonly chain: readonly string[]
  /** Of the target's effective rules. */
  readonly policyDigest: string
  /** Of the catalog that the statement was judged under: a view or function that changed meanwhile is another statement. */
  readonly catalogVersion: string
}

/** A piece of the statement with its colour, by the lexer of the parser that judged it. UTF-16 offsets into the text. */
export interface HeldSpan {
  readonly start: number
  readonly end: number
  readonly kind: 'keyword' | 'name' | 'string' | 'number' | 'operator' | 'comment' | 'parameter'
}

export type HeldEstimate =
  | {
      readonly kind: 'rows'
      readonly rows: number
      /** Rows of the changed or read relation by the target's statistics; null when it has none. */
      readonly ofRows: number | null
      /** Name of the plan's scan, for example `Seq Scan on orders`. */
      readonly scan: string
      readonly atMs: number
    }
  | { readonly kind: 'unavailable'; readonly reason: string }

/** One statement of a held text. */
export interface HeldPart {
  readonly verb: string
  readonly effects: readonly {
    readonly operation: string
    readonly object: string
    readonly via: 'direct' | 'derived'
  }[]
  /** False: an UPDATE or DELETE without WHERE. */
  readonly filtered: boolean
  readonly functions: readonly string[]
  /** Result columns that are masked for the caller. */
  readonly maskedColumns: number
}

/** What the reviewer decides on, made by the agent. Its canonical bytes are hashed, sent, kept and shown. */
export interface HeldEvidence {
  readonly v: 1
  readonly statementDigest: string
  readonly agent: string
  readonly agentName: string
  readonly session: string
  readonly statement: number
  readonly target: string
  readonly targetLabels: Readonly<Record<string, string>>
  readonly database: string
  readonly upstreamRole: string
  /** Schemas in which the target looks up the names of the text, in their order. */
  readonly searchPath: readonly string[]
  readonly initiator: EntryPrincipal
  readonly actors: readonly EntryPrincipal[]
  readonly clientAddress: string
  readonly applicationName: string
  readonly protocol: 'simple' | 'extended' | 'http' | 'mcp'
  readonly text: string
  readonly spans: readonly HeldSpan[]
  /** As people read them: text, null for NULL, or `‹binary n bytes›` where no text form is known. */
  readonly parameters: readonly (string | null)[]
  readonly fingerprint: string
  readonly parts: readonly HeldPart[]
  readonly rule: EntryRule
  /** The rule's message. */
  readonly message: string
  readonly quorum: readonly { readonly group: string; readonly count: number }[]
  readonly reason: 'optional' | 'required'
  readonly expiresInMs: number
  readonly estimate: HeldEstimate
  /** Keys of the agent's floor that have to sign an approval, and how many of them; absent where it has none. */
  readonly signers?: HeldSigners
}

export interface HeldSigners {
  readonly count: number
  /** `ed25519:` and the raw key, base64url. */
  readonly keys: readonly { readonly name: string; readonly key: string }[]
}

/** What one verdict is about; a changed request, expiry, quorum or evidence is another one. */
export interface ApprovalSubject {
  readonly v: 1
  readonly request: string
  readonly statementDigest: string
  readonly evidenceDigest: string
  readonly expiresAtMs: number
  readonly quorum: readonly { readonly group: string; readonly count: number }[]
}

// The first line separates the domains: no digest of one kind can be one of another (THREATS ).
const digest = (sha256: Sha256, domain: string, value: unknown): string =>
  toHex(sha256(utf8(`${domain}\n${canonicalText(value)}`)))

/** SHA-256 in hex; attaches a retry to its request. */
export const statementDigest = (sha256: Sha256, statement: HeldStatement): string =>
  digest(sha256, 'sallyport hold statement v1', statement)

/** SHA-256 in hex of the canonical bytes that are sent to the control plane. */
export const evidenceDigest = (sha256: Sha256, evidence: HeldEvidence): string =>
  digest(sha256, 'sallyport hold evidence v1', evidence)

/** The same of the bytes themselves. */
export const evidenceDigestOfBytes = (sha256: Sha256, evidence: Uint8Array): string => {
  const domain = utf8('sallyport hold evidence v1\n')
  const bytes = new Uint8Array(domain.length + evidence.length)
  bytes.set(domain)
  bytes.set(evidence, domain.length)
  return toHex(sha256(bytes))
}

/** SHA-256 in hex; what reviewers decide. Agent and control plane compute it each for itself. */
export const approvalDigest = (sha256: Sha256, subject: ApprovalSubject): string =>
  digest(sha256, 'sallyport hold approval v1', subject)

/** What a reviewer's own key signs, where a floor asks for it: this run of exactly this request, as `approvalDigest` binds it. */
export const approvalMessage = (digestOfApproval: string): Uint8Array =>
  utf8(`sallyport hold approval signature v1\n${digestOfApproval}`)
