// The messages of the PostgreSQL protocol 3.0 and 3.2 as closed unions, one per direction
// (PostgreSQL manual, "Frontend/Backend Protocol", "Message Formats"). Types only: decode.ts and encode.ts do the work.

/** Text or binary, as Bind and the row descriptions name them. */
export type Format = 0 | 1

/** What a client sends after start-up. */
export type FrontendMessage =
  | { readonly type: 'query'; readonly text: string }
  | { readonly type: 'parse'; readonly name: string; readonly text: string; readonly parameterTypes: readonly number[] }
  | {
      readonly type: 'bind'
      readonly portal: string
      readonly statement: string
      /** None, one for all, or one each. */
      readonly parameterFormats: readonly Format[]
      readonly parameters: readonly (Uint8Array | null)[]
      /** None, one for all, or one each. */
      readonly resultFormats: readonly Format[]
    }
  | { readonly type: 'describe'; readonly what: 'statement' | 'portal'; readonly name: string }
  | { readonly type: 'execute'; readonly portal: string; readonly rowsMax: number }
  | { readonly type: 'close'; readonly what: 'statement' | 'portal'; readonly name: string }
  | { readonly type: 'flush' }
  | { readonly type: 'sync' }
  | {
      readonly type: 'functionCall'
      readonly functionOid: number
      readonly argumentFormats: readonly Format[]
      readonly arguments: readonly (Uint8Array | null)[]
      readonly resultFormat: Format
    }
  | { readonly type: 'copyData'; readonly bytes: Uint8Array }
  | { readonly type: 'copyDone' }
  | { readonly type: 'copyFail'; readonly reason: string }
  /** 'p': password, SASL initial response or SASL response; the phase tells which. */
  | { readonly type: 'password'; readonly bytes: Uint8Array }
  | { readonly type: 'terminate' }

/** What a client sends first, without a type byte. */
export type StartupPacket =
  | { readonly type: 'sslRequest' }
  | { readonly type: 'gssEncRequest' }
  | { readonly type: 'cancelRequest'; readonly processId: number; readonly key: Uint8Array }
  | {
      readonly type: 'startup'
      readonly major: number
      readonly minor: number
      /** In order, duplicates kept: the server's rule for them is not ours to guess. */
      readonly parameters: readonly (readonly [string, string])[]
    }

export interface ColumnDescription {
  readonly name: string
  /** 0 when the column is no plain column of a relation. */
  readonly tableOid: number
  readonly attributeNumber: number
  readonly typeOid: number
  readonly typeSize: number
  readonly typeModifier: number
  readonly format: Format
}

/** Fields of ErrorResponse and NoticeResponse by their one-letter code, in order of arrival. */
export type NoticeFields = readonly (readonly [string, string])[]

export type TransactionStatus = 'I' | 'T' | 'E'

export type Authentication =
  | { readonly kind: 'ok' }
  | { readonly kind: 'cleartext' }
  | { readonly kind: 'md5'; readonly salt: Uint8Array }
  | { readonly kind: 'sasl'; readonly mechanisms: readonly string[] }
  | { readonly kind: 'saslContinue'; readonly bytes: Uint8Array }
  | { readonly kind: 'saslFinal'; readonly bytes: Uint8Array }
  /** GSS, SSPI, Kerberos, SCM: named so that it can be refused with its number. */
  | { readonly kind: 'unsupported'; readonly code: number }

/** What a server sends. */
export type BackendMessage =
  | { readonly type: 'authentication'; readonly authentication: Authentication }
  | { readonly type: 'backendKeyData'; readonly processId: number; readonly key: Uint8Array }
  | { readonly type: 'bindComplete' }
  | { readonly type: 'closeComplete' }
  | { readonly type: 'commandComplete'; readonly tag: string }
  | { readonly type: 'copyData'; readonly bytes: Uint8Array }
  | { readonly type: 'copyDone' }
  | {
      readonly type: 'copyInResponse' | 'copyOutResponse' | 'copyBothResponse'
      readonly format: Format
      readonly columnFormats: readonly Format[]
    }
  | { readonly type: 'dataRow'; readonly values: readonly (Uint8Array | null)[] }
  | { readonly type: 'emptyQueryResponse' }
  | { readonly type: 'errorResponse'; readonly fields: NoticeFields }
  | { readonly type: 'functionCallResponse'; readonly value: Uint8Array | null }
  | { readonly type: 'negotiateProtocolVersion'; readonly minor: number; readonly unknownOptions: readonly string[] }
  | { readonly type: 'noData' }
  | { readonly type: 'noticeResponse'; readonly fields: NoticeFields }
  | {
      readonly type: 'notificationResponse'
      readonly processId: number
      readonly channel: string
      readonly payload: string
    }
  | { readonly type: 'parameterDescription'; readonly parameterTypes: readonly number[] }
  | { readonly type: 'parameterStatus'; readonly name: string; readonly value: string }
  | { readonly type: 'parseComplete' }
  | { readonly type: 'portalSuspended' }
  | { readonly type: 'readyForQuery'; readonly status: TransactionStatus }
  | { readonly type: 'rowDescription'; readonly columns: readonly ColumnDescription[] }
