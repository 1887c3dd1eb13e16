// The one error class for what the world does wrong, its stable codes, and what each surface answers with.
// A code is never reused; a new one does not compile until every surface has an answer and docs/errors.md has a heading.

/** One answer of a code on each surface. `exit` is the CLI's exit code, `grpc` the numeric status of gRPC. */
interface Surfaces {
  readonly sqlstate: string
  readonly http: number
  readonly grpc: number
  readonly exit: number
}

// SQLSTATE: PostgreSQL appendix A; class SPH is ours. HTTP: RFC 9110. gRPC: status codes of grpc/grpc.
// Exit codes: 1 error, 2 usage, 3 not found, 4 login needed, 5 denied by policy, 6 approval pending or timed out,
// 7 unreachable or unhealthy, 8 tests or verification failed.
export const errorCodes = {
  // identity
  TOKEN_MISSING: { sqlstate: '28000', http: 401, grpc: 16, exit: 4 },
  TOKEN_INVALID: { sqlstate: '28P01', http: 401, grpc: 16, exit: 4 },
  TOKEN_EXPIRED: { sqlstate: '28P01', http: 401, grpc: 16, exit: 4 },
  TOKEN_ISSUER_UNKNOWN: { sqlstate: '28P01', http: 401, grpc: 16, exit: 4 },
  TOKEN_AUDIENCE_WRONG: { sqlstate: '28P01', http: 401, grpc: 16, exit: 4 },
  TOKEN_TYPE_WRONG: { sqlstate: '28P01', http: 401, grpc: 16, exit: 4 },
  TOKEN_ALGORITHM_WRONG: { sqlstate: '28P01', http: 401, grpc: 16, exit: 4 },
  TOKEN_REPLAYED: { sqlstate: '28P01', http: 401, grpc: 16, exit: 4 },
  TOKEN_TOO_LARGE: { sqlstate: '28P01', http: 401, grpc: 16, exit: 4 },
  TOKEN_KEY_UNKNOWN: { sqlstate: '28P01', http: 401, grpc: 16, exit: 4 },
  TOKEN_SIGNATURE_WRONG: { sqlstate: '28P01', http: 401, grpc: 16, exit: 4 },
  TOKEN_NOT_YET_VALID: { sqlstate: '28P01', http: 401, grpc: 16, exit: 4 },
  TOKEN_LIFE_TOO_LONG: { sqlstate: '28P01', http: 401, grpc: 16, exit: 4 },
  TOKEN_CLAIM_MISSING: { sqlstate: '28P01', http: 401, grpc: 16, exit: 4 },
  TOKEN_CLAIM_WRONG: { sqlstate: '28P01', http: 401, grpc: 16, exit: 4 },
  TOKEN_GROUPS_OMITTED: { sqlstate: '28P01', http: 401, grpc: 16, exit: 4 },
  TOKEN_ACTOR_WRONG: { sqlstate: '28P01', http: 401, grpc: 16, exit: 4 },
  TOKEN_REVOKED: { sqlstate: '28P01', http: 401, grpc: 16, exit: 4 },
  TICKET_INVALID: { sqlstate: '28P01', http: 401, grpc: 16, exit: 4 },
  CERTIFICATE_INVALID: { sqlstate: '28000', http: 401, grpc: 16, exit: 4 },
  TLS_REQUIRED: { sqlstate: '28000', http: 426, grpc: 16, exit: 7 },
  LOGIN_REQUIRED: { sqlstate: '28000', http: 401, grpc: 16, exit: 4 },
  LOGIN_FAILED: { sqlstate: '28000', http: 401, grpc: 16, exit: 4 },
  CSRF_MISMATCH: { sqlstate: '28000', http: 403, grpc: 7, exit: 1 },
  ROLE_MISSING: { sqlstate: '42501', http: 403, grpc: 7, exit: 5 },
  UPSTREAM_ROLE_FORBIDDEN: { sqlstate: '28000', http: 403, grpc: 7, exit: 5 },
  INITIATOR_REQUIRED: { sqlstate: '28000', http: 403, grpc: 7, exit: 5 },
  INITIATOR_INVALID: { sqlstate: '28000', http: 401, grpc: 16, exit: 4 },
  INITIATOR_EXPIRED: { sqlstate: '28000', http: 401, grpc: 16, exit: 4 },
  INITIATOR_TYPE_WRONG: { sqlstate: '28000', http: 401, grpc: 16, exit: 4 },
  INITIATOR_ALGORITHM_WRONG: { sqlstate: '28000', http: 401, grpc: 16, exit: 4 },
  INITIATOR_AUDIENCE_WRONG: { sqlstate: '28000', http: 401, grpc: 16, exit: 4 },
  INITIATOR_REPLAYED: { sqlstate: '28000', http: 401, grpc: 16, exit: 4 },
  INITIATOR_COPIED: { sqlstate: '28000', http: 403, grpc: 7, exit: 5 },
  INITIATOR_CONFLICT: { sqlstate: '28000', http: 403, grpc: 7, exit: 5 },
  INITIATOR_PLACE: { sqlstate: '22023', http: 400, grpc: 3, exit: 2 },
  ACTOR_FORBIDDEN: { sqlstate: '28000', http: 403, grpc: 7, exit: 5 },
  // what is asked for
  TARGET_UNKNOWN: { sqlstate: '3D000', http: 404, grpc: 5, exit: 3 },
  NOT_FOUND: { sqlstate: '42704', http: 404, grpc: 5, exit: 3 },
  REQUEST_INVALID: { sqlstate: '22023', http: 400, grpc: 3, exit: 2 },
  REQUEST_TOO_LARGE: { sqlstate: '54000', http: 413, grpc: 8, exit: 2 },
  CONFLICT: { sqlstate: '55000', http: 409, grpc: 10, exit: 1 },
  TOO_MANY_REQUESTS: { sqlstate: '53400', http: 429, grpc: 8, exit: 7 },
  // documents
  YAML_INVALID: { sqlstate: '22023', http: 400, grpc: 3, exit: 2 },
  DOCUMENT_INVALID: { sqlstate: '22023', http: 422, grpc: 3, exit: 2 },
  CEL_INVALID: { sqlstate: '22023', http: 422, grpc: 3, exit: 2 },
  FLOOR_INVALID: { sqlstate: '22023', http: 422, grpc: 3, exit: 2 },
  // decision
  POLICY_MISSING: { sqlstate: '42501', http: 403, grpc: 7, exit: 5 },
  POLICY_DENIED: { sqlstate: '42501', http: 403, grpc: 7, exit: 5 },
  POLICY_UNCOVERED: { sqlstate: '42501', http: 403, grpc: 7, exit: 5 },
  POLICY_ERROR: { sqlstate: '42501', http: 403, grpc: 7, exit: 5 },
  MASK_UNPROVABLE: { sqlstate: '42501', http: 403, grpc: 7, exit: 5 },
  STATEMENT_UNKNOWN: { sqlstate: '42501', http: 403, grpc: 7, exit: 5 },
  RELATION_MISSING: { sqlstate: '42P01', http: 404, grpc: 5, exit: 2 },
  COLUMN_MISSING: { sqlstate: '42703', http: 404, grpc: 5, exit: 2 },
  FUNCTION_MISSING: { sqlstate: '42883', http: 404, grpc: 5, exit: 2 },
  TYPE_MISSING: { sqlstate: '42704', http: 404, grpc: 5, exit: 2 },
  PREPARED_MISSING: { sqlstate: '26000', http: 404, grpc: 5, exit: 2 },
  CURSOR_MISSING: { sqlstate: '34000', http: 404, grpc: 5, exit: 2 },
  COLUMN_AMBIGUOUS: { sqlstate: '42702', http: 400, grpc: 3, exit: 2 },
  STATEMENT_SYNTAX: { sqlstate: '42601', http: 400, grpc: 3, exit: 2 },
  STATEMENT_FAILED: { sqlstate: 'XX000', http: 422, grpc: 9, exit: 1 },
  STATEMENT_CANCELLED: { sqlstate: '57014', http: 409, grpc: 1, exit: 1 },
  STATEMENT_TOO_LONG: { sqlstate: '54000', http: 413, grpc: 3, exit: 2 },
  SETTING_FORBIDDEN: { sqlstate: '42501', http: 403, grpc: 7, exit: 5 },
  FEATURE_UNSUPPORTED: { sqlstate: '0A000', http: 501, grpc: 12, exit: 1 },
  CATALOG_STALE: { sqlstate: '57P03', http: 503, grpc: 14, exit: 7 },
  LIMIT_REACHED: { sqlstate: '53400', http: 429, grpc: 8, exit: 5 },
  LIMIT_UNPROVABLE: { sqlstate: '42501', http: 403, grpc: 7, exit: 5 },
  SCHEMA_MISMATCH: { sqlstate: '22023', http: 400, grpc: 3, exit: 2 },
  BODY_UNREADABLE: { sqlstate: '22023', http: 415, grpc: 3, exit: 2 },
  OUTWARD_SECRET: { sqlstate: '42501', http: 403, grpc: 7, exit: 5 },
  TOOL_QUARANTINED: { sqlstate: '42501', http: 403, grpc: 7, exit: 5 },
  WRITE_BACK: { sqlstate: '42501', http: 403, grpc: 7, exit: 5 },
  TESTS_FAILED: { sqlstate: 'XX000', http: 422, grpc: 9, exit: 8 },
  HOLD_EXPIRED: { sqlstate: 'SPH01', http: 403, grpc: 7, exit: 6 },
  HOLD_PENDING: { sqlstate: 'SPH02', http: 403, grpc: 7, exit: 6 },
  HOLD_DENIED: { sqlstate: 'SPH03', http: 403, grpc: 7, exit: 5 },
  HOLD_UNSIGNED: { sqlstate: '42501', http: 403, grpc: 7, exit: 5 },
  HOLD_UNAVAILABLE: { sqlstate: '57P03', http: 503, grpc: 14, exit: 7 },
  VERDICT_FORBIDDEN: { sqlstate: '42501', http: 403, grpc: 7, exit: 5 },
  WEBHOOK_FORBIDDEN: { sqlstate: '22023', http: 422, grpc: 3, exit: 2 },
  // the data path
  PROTOCOL_VIOLATION: { sqlstate: '08P01', http: 400, grpc: 3, exit: 1 },
  CONNECTION_LIMIT: { sqlstate: '53300', http: 429, grpc: 8, exit: 7 },
  UPSTREAM_UNREACHABLE: { sqlstate: '08006', http: 502, grpc: 14, exit: 7 },
  ANSWER_REFUSED: { sqlstate: '08P01', http: 502, grpc: 9, exit: 5 },
  METHOD_UNSUPPORTED: { sqlstate: '0A000', http: 405, grpc: 12, exit: 2 },
  UPSTREAM_REFUSED: { sqlstate: '08004', http: 502, grpc: 14, exit: 7 },
  CREDENTIAL_UNAVAILABLE: { sqlstate: '08004', http: 502, grpc: 14, exit: 7 },
  IDLE_IN_TRANSACTION: { sqlstate: '25P03', http: 408, grpc: 10, exit: 7 },
  CLIENT_VANISHED: { sqlstate: '08006', http: 408, grpc: 1, exit: 1 },
  SESSION_ENDED: { sqlstate: '57P01', http: 503, grpc: 14, exit: 7 },
  // snapshot, link, enrolment
  SNAPSHOT_MISSING: { sqlstate: '57P03', http: 503, grpc: 14, exit: 7 },
  SNAPSHOT_EXPIRED: { sqlstate: '57P03', http: 503, grpc: 14, exit: 7 },
  SNAPSHOT_SIGNATURE: { sqlstate: '57P03', http: 503, grpc: 9, exit: 8 },
  SNAPSHOT_ROLLBACK: { sqlstate: '57P03', http: 503, grpc: 9, exit: 8 },
  AGENT_OUTDATED: { sqlstate: '57P03', http: 409, grpc: 9, exit: 7 },
  AGENT_NOT_ENROLLED: { sqlstate: '57P03', http: 403, grpc: 7, exit: 7 },
  AGENT_REVOKED: { sqlstate: '57P03', http: 403, grpc: 7, exit: 7 },
  JOIN_TOKEN_INVALID: { sqlstate: '28000', http: 403, grpc: 7, exit: 4 },
  JOIN_TOKEN_USED: { sqlstate: '28000', http: 409, grpc: 6, exit: 4 },
  JOIN_TOKEN_EXPIRED: { sqlstate: '28000', http: 403, grpc: 7, exit: 4 },
  CA_MISMATCH: { sqlstate: '08001', http: 502, grpc: 14, exit: 7 },
  CONTROL_PLANE_UNREACHABLE: { sqlstate: '57P03', http: 503, grpc: 14, exit: 7 },
  // records
  SPOOL_FULL: { sqlstate: '53100', http: 503, grpc: 8, exit: 7 },
  SPOOL_UNWRITABLE: { sqlstate: '58030', http: 503, grpc: 14, exit: 7 },
  CHAIN_BROKEN: { sqlstate: 'XX001', http: 409, grpc: 9, exit: 8 },
  // process
  CONFIG_INVALID: { sqlstate: 'F0000', http: 500, grpc: 9, exit: 2 },
  STORE_UNREACHABLE: { sqlstate: '08006', http: 503, grpc: 14, exit: 7 },
  PORT_TAKEN: { sqlstate: 'F0000', http: 500, grpc: 9, exit: 7 },
  NO_PERMISSION: { sqlstate: 'F0000', http: 500, grpc: 9, exit: 7 },
  NO_SPACE: { sqlstate: '53100', http: 507, grpc: 8, exit: 7 },
  INTERNAL: { sqlstate: 'XX000', http: 500, grpc: 13, exit: 1 },
} as const satisfies Record<string, Surfaces>

export type SallyportErrorCode = keyof typeof errorCodes

/** What each surface answers with for a code. */
export const surfacesOf = (code: SallyportErrorCode): Surfaces => errorCodes[code]

export const isErrorCode = (text: string): text is SallyportErrorCode => Object.hasOwn(errorCodes, text)

/** The page that explains a code. */
export const errorDocsUrl = (code: SallyportErrorCode): string =>
  `https://sallyport.dev/docs/errors#${code.toLowerCase()}`

/** `hint` is the next step for the person at the client; `cause` is for the operator's log and is never sent out. */
export interface ErrorDetails {
  readonly cause?: unknown
  readonly hint?: string
}

/** What the world did wrong. The message is lowercase, quotes names, and holds no value and no secret. */
export class SallyportError extends Error {
  override name = 'SallyportError'
  readonly code: SallyportErrorCode
  readonly hint: string | undefined
  constructor(code: SallyportErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.hint = details.hint
  }
}

/** Turns anything thrown into a SallyportError; what is not one becomes INTERNAL with a neutral message. */
export function asSallyportError(thrown: unknown): SallyportError {
  if (thrown instanceof SallyportError) return thrown
  return new SallyportError('INTERNAL', 'an internal error happened; the operator finds it in the log', {
    cause: thrown,
  })
}
