// Table: type bytes and numbers of the PostgreSQL protocol (manual, "Message Formats"), and how long each message may be.
import { limits } from '@sallyport/base/limits'
import type { BackendMessage, FrontendMessage } from './messages.ts'

export const frontendBytes = {
  bind: 0x42, // B
  close: 0x43, // C
  copyData: 0x64, // d
  copyDone: 0x63, // c
  copyFail: 0x66, // f
  describe: 0x44, // D
  execute: 0x45, // E
  flush: 0x48, // H
  functionCall: 0x46, // F
  parse: 0x50, // P
  password: 0x70, // p
  query: 0x51, // Q
  sync: 0x53, // S
  terminate: 0x58, // X
} as const satisfies Record<FrontendMessage['type'], number>

export const backendBytes = {
  authentication: 0x52, // R
  backendKeyData: 0x4b, // K
  bindComplete: 0x32, // 2
  closeComplete: 0x33, // 3
  commandComplete: 0x43, // C
  copyBothResponse: 0x57, // W
  copyData: 0x64, // d
  copyDone: 0x63, // c
  copyInResponse: 0x47, // G
  copyOutResponse: 0x48, // H
  dataRow: 0x44, // D
  emptyQueryResponse: 0x49, // I
  errorResponse: 0x45, // E
  functionCallResponse: 0x56, // V
  negotiateProtocolVersion: 0x76, // v
  noData: 0x6e, // n
  noticeResponse: 0x4e, // N
  notificationResponse: 0x41, // A
  parameterDescription: 0x74, // t
  parameterStatus: 0x53, // S
  parseComplete: 0x31, // 1
  portalSuspended: 0x73, // s
  readyForQuery: 0x5a, // Z
  rowDescription: 0x54, // T
} as const satisfies Record<BackendMessage['type'], number>

/** First number of an AuthenticationRequest. */
export const authenticationCodes = { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 } as const

/** What stands where a StartupMessage has its version: 1234 in the upper half, so that it is no version. */
export const requestCodes = { cancel: 80_877_102, ssl: 80_877_103, gssEnc: 80_877_104 } as const

/** PQ_SMALL_MESSAGE_LIMIT of the server's tcop/postgres.c; the length field counts itself. */
export const frontendSmallBytesMax = 10_000
/** libpq takes at most 30000 bytes of a type that it does not know to be long (fe-protocol3.c, VALID_LONG_MESSAGE_TYPE). */
export const backendSmallBytesMax = 30_000
/** A token with its NUL, or inside a SASL response with its header. */
export const passwordBytesMax = limits.tokenBytesMax + 1_024

/** Cancel keys: four bytes in protocol 3.0, up to 256 in 3.2. */
export const cancelKeyBytesMin = 4
export const cancelKeyBytesMax = 256

const frontendLong: ReadonlySet<number> = new Set([
  frontendBytes.bind,
  frontendBytes.copyData,
  frontendBytes.functionCall,
  frontendBytes.parse,
  frontendBytes.query,
])
const backendLong: ReadonlySet<number> = new Set([
  backendBytes.copyData,
  backendBytes.dataRow,
  backendBytes.errorResponse,
  backendBytes.functionCallResponse,
  backendBytes.noticeResponse,
  backendBytes.notificationResponse,
  backendBytes.parameterDescription,
  backendBytes.rowDescription,
])
const frontendKnown: ReadonlySet<number> = new Set(Object.values(frontendBytes))
const backendKnown: ReadonlySet<number> = new Set(Object.values(backendBytes))

/** How long a message may be by its type byte; undefined for a type that does not exist. */
export type CapOf = (typeByte: number) => number | undefined

/** Caps for what a client sends (THREATS ). */
export const frontendCaps =
  (longBytesMax: number = limits.clientMessageBytesMax): CapOf =>
  (typeByte) => {
    if (!frontendKnown.has(typeByte)) return undefined
    if (typeByte === frontendBytes.password) return passwordBytesMax
    return frontendLong.has(typeByte) ? longBytesMax : frontendSmallBytesMax
  }

/** Caps for what a server sends. */
export const backendCaps =
  (longBytesMax: number = limits.upstreamMessageBytesMax): CapOf =>
  (typeByte) => {
    if (!backendKnown.has(typeByte)) return undefined
    return backendLong.has(typeByte) ? longBytesMax : backendSmallBytesMax
  }
