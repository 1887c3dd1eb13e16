// Messages as one line of text each: golden files, debug output and documentation at once (STYLE §5). Passwords never
// appear; values appear only where the caller says so.
import { unreachable } from '@sallyport/base/assert'
import type {
  Authentication,
  BackendMessage,
  ColumnDescription,
  Format,
  FrontendMessage,
  NoticeFields,
  StartupPacket,
  TransactionStatus,
} from './messages.ts'

/** `C>` comes from the client, `>S` goes to the target, `<S` comes from it, `<C` goes to the client, `--` is ours. */
export type Direction = 'C>' | '>S' | '<S' | '<C' | '--'

export interface TraceOptions {
  /** `hidden` shows how long a value is: parameters, rows, COPY, notifications, texts of errors. */
  readonly values: 'shown' | 'hidden'
}

export const traceLine = (direction: Direction, text: string): string => `${direction} ${text}`

/** SQL texts are shown in either case: they are what a trace is about. */
export function traceFrontend(message: FrontendMessage, options: TraceOptions): string {
  switch (message.type) {
    case 'query':
      return `Query ${quoted(message.text)}`
    case 'parse':
      return words('Parse', quoted(message.name), quoted(message.text), listed('types', message.parameterTypes))
    case 'bind':
      return words(
        'Bind',
        quoted(message.portal),
        quoted(message.statement),
        formats('as', message.parameterFormats),
        tuple(message.parameters, options),
        formats('results', message.resultFormats),
      )
    case 'describe':
      return `Describe ${message.what} ${quoted(message.name)}`
    case 'close':
      return `Close ${message.what} ${quoted(message.name)}`
    case 'execute':
      return words('Execute', quoted(message.portal), message.rowsMax > 0 ? `at most ${message.rowsMax} rows` : '')
    case 'flush':
      return 'Flush'
    case 'sync':
      return 'Sync'
    case 'functionCall':
      return words('FunctionCall', String(message.functionOid), tuple(message.arguments, options))
    case 'copyData':
      return `CopyData ${value(message.bytes, options)}`
    case 'copyDone':
      return 'CopyDone'
    case 'copyFail':
      return `CopyFail ${text(message.reason, options)}`
    case 'password':
      return `Password <${message.bytes.length} bytes>`
    case 'terminate':
      return 'Terminate'
    default:
      return unreachable(message)
  }
}

export function traceBackend(message: BackendMessage, options: TraceOptions): string {
  switch (message.type) {
    case 'authentication':
      return `Authentication ${authentication(message.authentication)}`
    case 'backendKeyData':
      return `BackendKeyData ${message.processId} <${message.key.length} bytes>`
    case 'commandComplete':
      return `CommandComplete ${quoted(message.tag)}`
    case 'copyData':
      return `CopyData ${value(message.bytes, options)}`
    case 'copyInResponse':
    case 'copyOutResponse':
    case 'copyBothResponse':
      return words(capitalised(message.type), formatNames[message.format], formats('columns', message.columnFormats))
    case 'dataRow':
      return `DataRow ${tuple(message.values, options)}`
    case 'errorResponse':
      return `ErrorResponse ${notice(message.fields, options)}`
    case 'noticeResponse':
      return `NoticeResponse ${notice(message.fields, options)}`
    case 'functionCallResponse':
      return `FunctionCallResponse ${value(message.value, options)}`
    case 'negotiateProtocolVersion':
      return words('NegotiateProtocolVersion', `3.${message.minor}`, ...message.unknownOptions.map(quoted))
    case 'notificationResponse':
      return `NotificationResponse ${quoted(message.channel)} ${text(message.payload, options)} from ${message.processId}`
    case 'parameterDescription':
      return words('ParameterDescription', listed('types', message.parameterTypes))
    case 'parameterStatus':
      return `ParameterStatus ${quoted(message.name)} ${quoted(message.value)}`
    case 'readyForQuery':
      return `ReadyForQuery ${statusNames[message.status]}`
    case 'rowDescription':
      return words('RowDescription', ...message.columns.map(column))
    case 'bindComplete':
    case 'closeComplete':
    case 'copyDone':
    case 'emptyQueryResponse':
    case 'noData':
    case 'parseComplete':
    case 'portalSuspended':
      return capitalised(message.type)
    default:
      return unreachable(message)
  }
}

export function traceStartup(packet: StartupPacket): string {
  switch (packet.type) {
    case 'sslRequest':
      return 'SSLRequest'
    case 'gssEncRequest':
      return 'GSSENCRequest'
    case 'cancelRequest':
      return `CancelRequest ${packet.processId} <${packet.key.length} bytes>`
    case 'startup': {
      const parameters = packet.parameters.map(([name, setting]) => `${name}=${quoted(setting)}`)
      return words('StartupMessage', `${packet.major}.${packet.minor}`, ...parameters)
    }
    default:
      return unreachable(packet)
  }
}

const statusNames: Readonly<Record<TransactionStatus, string>> = {
  I: 'idle',
  T: 'in transaction',
  E: 'in failed transaction',
}
const formatNames: Readonly<Record<Format, string>> = { 0: 'text', 1: 'binary' }

const words = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join(' ')
const capitalised = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)
const listed = (name: string, numbers: readonly number[]): string =>
  numbers.length === 0 ? '' : `${name} ${numbers.join(',')}`
const formats = (name: string, all: readonly Format[]): string =>
  all.length === 0 ? '' : `${name} ${all.map((format) => formatNames[format]).join(',')}`

// Control and formatting characters could redraw the terminal of whoever reads the trace (THREATS ).
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu
const escaped = (character: string): string => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
const quoted = (shown: string): string => JSON.stringify(shown).replace(unprintable, escaped)

/** A name as it stands where it is one; whatever else a peer puts there is quoted. */
const bareword = (name: string): string => (/^[A-Za-z0-9-]*$/.test(name) ? name : quoted(name))

const text = (shown: string, options: TraceOptions): string =>
  options.values === 'shown' ? quoted(shown) : `<${Buffer.byteLength(shown)} bytes>`

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function value(bytes: Uint8Array | null, options: TraceOptions): string {
  if (bytes === null) return 'null'
  if (options.values === 'hidden') return `<${bytes.length} bytes>`
  try {
    const shown = utf8.decode(bytes)
    if (!shown.includes('\0')) return quoted(shown)
  } catch {
    // Not text: shown as PostgreSQL shows bytea.
  }
  return `\\x${Buffer.from(bytes).toString('hex')}`
}

const tuple = (values: readonly (Uint8Array | null)[], options: TraceOptions): string =>
  `(${values.map((one) => value(one, options)).join(', ')})`

function column(described: ColumnDescription): string {
  const origin = described.tableOid === 0 ? '' : `@${described.tableOid}.${described.attributeNumber}`
  return `${quoted(described.name)}:${described.typeOid}${described.format === 1 ? ':binary' : ''}${origin}`
}

/** Severity, SQLSTATE and message; the other fields may quote anything and are named only. */
function notice(fields: NoticeFields, options: TraceOptions): string {
  const field = (code: string) => fields.find(([name]) => name === code)?.[1]
  const others = fields.map(([code]) => code).filter((code) => !'SVCM'.includes(code))
  return words(
    bareword(field('V') ?? field('S') ?? ''),
    bareword(field('C') ?? ''),
    text(field('M') ?? '', options),
    others.length === 0 ? '' : `and ${others.join('')}`,
  )
}

function authentication(asked: Authentication): string {
  switch (asked.kind) {
    case 'sasl':
      return words('sasl', ...asked.mechanisms.map(bareword))
    case 'unsupported':
      return `unsupported ${asked.code}`
    default:
      return asked.kind
  }
}
