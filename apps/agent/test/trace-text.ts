// Reads back the lines that wire's trace.ts writes, so that a golden conversation is input and expectation at once. Only
// what the golden files use; a line that does not parse is an error of the test.
import type { BackendMessage, ColumnDescription, Format, FrontendMessage } from '@sallyport/wire/postgres/messages'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const statuses = { idle: 'I', 'in transaction': 'T', 'in failed transaction': 'E' } as const

/** Splits `Word "text" (…) 12` into words, texts and tuples. */
const parts = (line: string): string[] =>
  line.match(/\((?:[^"()]|"(?:[^"\\]|\\.)*")*\)|"(?:[^"\\]|\\.)*"(?::\S+)?|\S+/g) ?? []
const text = (part: string | undefined): string => JSON.parse(part ?? 'undefined') as string

function values(tuple: string | undefined): (Uint8Array | null)[] {
  const inner = tuple?.slice(1, -1).match(/"(?:[^"\\]|\\.)*"|null/g) ?? []
  return inner.map((one) => (one === 'null' ? null : bytesOf(text(one))))
}

const lowered = (word: string): string => word.charAt(0).toLowerCase() + word.slice(1)

export function readFrontend(line: string): FrontendMessage {
  const [word = '', ...rest] = parts(line)
  switch (word) {
    case 'Query':
      return { type: 'query', text: text(rest[0]) }
    case 'Parse':
      return { type: 'parse', name: text(rest[0]), text: text(rest[1]), parameterTypes: [] }
    case 'Bind': {
      const results = rest.indexOf('results')
      const formats = results < 0 ? [] : (rest[results + 1] ?? '').split(',')
      return {
        type: 'bind',
        portal: text(rest[0]),
        statement: text(rest[1]),
        parameterFormats: [],
        parameters: values(rest[2]),
        resultFormats: formats.map((format): Format => (format === 'binary' ? 1 : 0)),
      }
    }
    case 'Describe':
    case 'Close':
      return {
        type: word === 'Close' ? 'close' : 'describe',
        what: rest[0] === 'portal' ? 'portal' : 'statement',
        name: text(rest[1]),
      }
    case 'Execute':
      return { type: 'execute', portal: text(rest[0]), rowsMax: Number(rest[3] ?? 0) }
    case 'FunctionCall':
      return { type: 'functionCall', functionOid: Number(rest[0]), argumentFormats: [], arguments: [], resultFormat: 0 }
    case 'CopyData':
      return { type: 'copyData', bytes: bytesOf(text(rest[0])) }
    case 'CopyFail':
      return { type: 'copyFail', reason: text(rest[0]) }
    case 'Password':
      return { type: 'password', bytes: bytesOf('x\0') }
    case 'Flush':
    case 'Sync':
    case 'CopyDone':
    case 'Terminate':
      return { type: lowered(word) as 'sync' }
    default:
      throw new Error(`no client message: ${line}`)
  }
}

/** What a target may say in the fields that a trace only names: a value that must not get out. */
export const secretField = 'Key (ssn)=(123-45-6789) already exists.'

function fieldsOf([severity = '', sqlstate = '', message, , others = '']: readonly string[]): [string, string][] {
  const named = [...others].map((code): [string, string] => [code, secretField])
  return [['S', severity], ['V', severity], ['C', sqlstate], ['M', text(message)], ...named]
}

function column(part: string): ColumnDescription {
  const match = /^("(?:[^"\\]|\\.)*"):(\d+)(:binary)?(?:@(\d+)\.(\d+))?$/.exec(part)
  if (match === null) throw new Error(`no column: ${part}`)
  const [, name, type, binary, table = '0', attribute = '0'] = match
  return {
    name: text(name),
    tableOid: Number(table),
    attributeNumber: Number(attribute),
    typeOid: Number(type),
    typeSize: -1,
    typeModifier: -1,
    format: binary === undefined ? 0 : 1,
  }
}

export function readBackend(line: string): BackendMessage {
  const [word = '', ...rest] = parts(line)
  switch (word) {
    case 'DataRow':
      return { type: 'dataRow', values: values(rest[0]) }
    case 'CommandComplete':
      return { type: 'commandComplete', tag: text(rest[0]) }
    case 'ReadyForQuery':
      return { type: 'readyForQuery', status: statuses[rest.join(' ') as keyof typeof statuses] }
    case 'ErrorResponse':
    case 'NoticeResponse':
      return { type: lowered(word) as 'errorResponse', fields: fieldsOf(rest) }
    case 'RowDescription':
      return { type: 'rowDescription', columns: rest.map(column) }
    case 'ParameterDescription':
      return { type: 'parameterDescription', parameterTypes: [] }
    case 'ParameterStatus':
      return { type: 'parameterStatus', name: text(rest[0]), value: text(rest[1]) }
    case 'NotificationResponse':
      return { type: 'notificationResponse', processId: 1, channel: text(rest[0]), payload: text(rest[1]) }
    case 'CopyInResponse':
    case 'CopyOutResponse':
    case 'CopyBothResponse':
      return { type: lowered(word) as 'copyInResponse', format: 0, columnFormats: [] }
    case 'CopyData':
      return { type: 'copyData', bytes: bytesOf(text(rest[0])) }
    case 'BindComplete':
    case 'CloseComplete':
    case 'CopyDone':
    case 'EmptyQueryResponse':
    case 'NoData':
    case 'ParseComplete':
    case 'PortalSuspended':
      return { type: lowered(word) as 'noData' }
    default:
      throw new Error(`no target message: ${line}`)
  }
}
