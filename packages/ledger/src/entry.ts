// Entries: what a record is made of (DESIGN §6). Types only; canonical.ts gives their bytes, chain.ts their hashes.
// INVARIANT: no entry holds an unmasked protected value, a token or a credential.

interface EntryShared {
  /** Version of this format. */
  readonly v: 1
  /** Session id, 32 hex digits. */
  readonly session: string
  /** From 0, without gaps, per session. */
  readonly seq: number
  /** Wall clock at the agent, milliseconds since 1970. */
  readonly atMs: number
  /** Monotonic clock at the agent, microseconds since the session opened. */
  readonly monoUs: number
}

/** A principal as entries show it. */
export interface EntryPrincipal {
  readonly kind: 'user' | 'workload'
  readonly issuer: string
  readonly subject: string
  readonly display: string
  readonly groups: readonly string[]
  readonly assurance: 'verified' | 'claimed'
}

/** For whom one statement is, and through whom, where that is not the chain of its session. */
export interface EntryChain {
  readonly initiator: EntryPrincipal
  readonly actors: readonly EntryPrincipal[]
  /** `jti` of the token that says so; empty for a claim. Never the token. */
  readonly tokenId: string
}

export interface EntryRule {
  readonly policy: string
  readonly version: number
  readonly rule: string
}

/** A rule in shadow mode that would have changed the decision, or a limit that would have stopped the statement. */
export interface EntryShadow extends EntryRule {
  readonly effect: 'allow' | 'deny' | 'hold' | 'limit'
}

/** A statement that a message of MCP carries for a database, which its server asks: what an argument declared as SQL does. */
export interface EntrySql {
  /** The database, as a target. */
  readonly target: string
  readonly upstreamRole: string
  readonly verb: string
  readonly fingerprint: string
  readonly effects: readonly {
    readonly operation: string
    readonly object: string
    readonly via: 'direct' | 'derived'
  }[]
  /** Of the database's policies; null where none decided. */
  readonly rule: EntryRule | null
}

/** Of which distributed trace a statement is (W3C Trace Context), so that what one call led to elsewhere can be found. */
export interface EntryTrace {
  /** 32 hex digits. */
  readonly trace: string
  /** Whose part of the trace asked, 16 hex digits; empty where the trace begins here. */
  readonly parent: string
  /** The gateway's own part, 16 hex digits, which the target was told as its parent; empty where it was told of none. */
  readonly span: string
}

export type StatementProtocol = 'simple' | 'extended' | 'http' | 'mcp'

export type EntryBody =
  | {
      readonly kind: 'session-opened'
      readonly agent: string
      readonly agentName: string
      readonly target: string
      readonly protocol: 'postgres' | 'http'
      readonly upstreamRole: string
      readonly database: string
      readonly initiator: EntryPrincipal
      readonly actors: readonly EntryPrincipal[]
      readonly clientAddress: string
      readonly applicationName: string
      readonly tls: boolean
      readonly authentication: string
      /** Token ids (`jti`) that were shown, never tokens. */
      readonly tokenIds: readonly string[]
      readonly snapshotVersion: number
      /** What the connection string has set, as the SET that it was judged as. Absent: nothing that is judged. */
      readonly settings?: readonly string[]
    }
  | {
      /** Written before anything of the statement goes to the target. */
      readonly kind: 'intent'
      readonly statement: number
      /** How it came: a Query message, an Execute of a prepared statement, a request of HTTP, or a message of MCP. */
      readonly protocol: StatementProtocol
      /** Text as recorded: literals that meet protected columns replaced by `‹type:hash›`. */
      readonly text: string
      readonly textTruncated: boolean
      readonly fingerprint: string
      readonly verb: string
      readonly effects: readonly {
        readonly operation: string
        readonly object: string
        readonly via: 'direct' | 'derived'
      }[]
      /** Parameters as recorded: text, null for NULL, `‹binary n bytes›`, or `‹type:hash›`. */
      readonly parameters: readonly (string | null)[]
      /** `approved`: a person approved this one run; the `hold-ended` entry before it names the request. */
      readonly decision: 'allow' | 'approved'
      readonly rule: EntryRule
      /** Masks in force: `policy/rule`, and how many result columns they hide. */
      readonly masks: readonly string[]
      readonly maskedColumns: number
      /** It could not be proven what the statement shows; policies let it through with detectors. Absent: it was proven. */
      readonly relaxed?: true
      /** Absent where there is none. */
      readonly shadow?: readonly EntryShadow[]
      /** Absent where it is the session's own. */
      readonly chain?: EntryChain
      /** Absent where it carries none. */
      readonly sql?: readonly EntrySql[]
      /** Absent where its caller said of none. */
      readonly trace?: EntryTrace
    }
  | {
      /** A statement that was not let through. Nothing of it reached the target. */
      readonly kind: 'denied'
      readonly statement: number
      readonly protocol: StatementProtocol
      readonly text: string
      readonly textTruncated: boolean
      readonly fingerprint: string
      readonly verb: string
      readonly effects: readonly {
        readonly operation: string
        readonly object: string
        readonly via: 'direct' | 'derived'
      }[]
      readonly parameters: readonly (string | null)[]
      readonly code: string
      readonly message: string
      readonly rule: EntryRule | null
      /** Absent where there is none. */
      readonly shadow?: readonly EntryShadow[]
      /** Absent where it is the session's own. */
      readonly chain?: EntryChain
      /** Absent where it carries none. */
      readonly sql?: readonly EntrySql[]
      /** Absent where its caller said of none. */
      readonly trace?: EntryTrace
    }
  | {
      /** A statement that waits for a person. Nothing of it has reached the target. The text of several statements is one. */
      readonly kind: 'held'
      readonly statement: number
      readonly protocol: StatementProtocol
      readonly text: string
      readonly textTruncated: boolean
      readonly fingerprint: string
      readonly verb: string
      readonly effects: readonly {
        readonly operation: string
        readonly object: string
        readonly via: 'direct' | 'derived'
      }[]
      readonly parameters: readonly (string | null)[]
      readonly rule: EntryRule
      /** Id of the request at the control plane. */
      readonly request: string
      /** 64 hex digits; see hold.ts. */
      readonly statementDigest: string
      readonly evidenceDigest: string
      readonly expiresAtMs: number
      /** The caller waits in its connection. */
      readonly waits: boolean
      /** Absent where there is none. */
      readonly shadow?: readonly EntryShadow[]
      /** Absent where it is the session's own. */
      readonly chain?: EntryChain
      /** Absent where it carries none. */
      readonly sql?: readonly EntrySql[]
      /** Absent where its caller said of none. */
      readonly trace?: EntryTrace
    }
  | {
      /** What came of a `held` statement. After `approved` its intent follows under the same number; else it never runs. */
      readonly kind: 'hold-ended'
      readonly statement: number
      readonly request: string
      /**
       * `pending`: the caller's wait is over, the request goes on. `cancelled`: the caller gave up or vanished.
       * `lost`: approved, but another execution used the approval, or the control plane was away.
       */
      readonly result: 'approved' | 'denied' | 'expired' | 'pending' | 'cancelled' | 'lost'
      /** Who decided, as shown to the caller. */
      readonly by: readonly string[]
      readonly reason: string
      /** What the verdicts are bound to; empty when there is none. */
      readonly approvalDigest: string
    }
  | {
      readonly kind: 'outcome'
      readonly statement: number
      readonly result: 'done' | 'failed' | 'cancelled' | 'unknown'
      /** CommandComplete's tag, for example `SELECT 3`; `LIMIT policy/name` where a limit ended the result. */
      readonly tag: string
      readonly sqlstate: string
      readonly rows: number
      readonly bytes: number
      readonly maskedValues: number
      readonly durationUs: number
      /** Limits in shadow mode that would have ended the result. Absent where there is none. */
      readonly shadow?: readonly EntryShadow[]
    }
  | {
      readonly kind: 'session-closed'
      readonly reason: string
      readonly statements: number
    }
export type Entry = EntryShared & EntryBody

/** What is signed for a batch: the chain up to `seq`, and the agent's own chain of heads. */
export interface Head {
  readonly v: 1
  readonly session: string
  /** Sequence of the last entry that this head covers. */
  readonly seq: number
  /** Hash of that entry, 64 hex digits. */
  readonly hash: string
  readonly agent: string
  /** SHA-256 of the record public key (SPKI, DER), hex. */
  readonly key: string
  /** Counter per agent, from 1, without gaps. */
  readonly counter: number
  /** Hash of the agent's previous head, 64 hex digits; zeros for the first. */
  readonly previous: string
  readonly atMs: number
  /** True when the session is over and `seq` is its last entry. */
  readonly closed: boolean
}
