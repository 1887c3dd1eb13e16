// Protocol messages as lines of text and back, for golden conversations: `Bind "p" "s" [1] -> b`, `DataRow "a" null`.
// Only what the golden files use; a line that does not parse is an error of the test.
import type { BackendMessage, ColumnDescription, Format, FrontendMessage } from '@sallyport/wire/postgres/messages'

const quote = (text: string): string => JSON.stringify(text)
const utf8 = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const values = (all: readonly (Uint8Array | null)[]): string =>
  all.map((value) => (value === null ? 'null' : quote(utf8(value)))).join(' ')

export function showFrontend(message: FrontendMessage): string {
  switch (message.type) {
    case 'query':
      return `Query ${quote(message.text)}`
    case 'parse':
      return `Parse ${quote(message.name)} ${quote(message.text)}`
    case 'bind':
      return ['Bind', quote(message.portal), quote(message.statement), values(message.parameters)]
        .concat(message.resultFormats.some((format) => format === 1) ? [`-> ${message.resultFormats.join('')}`] : [])
        .filter((part) => part !== '')
        .join(' ')
    case 'describe':
    case 'close':
      return `${message.type === 'close' ? 'Close' : 'Describe'} ${message.what} ${quote(message.name)}`
    case 'execute':
      return `Execute ${quote(message.portal)}${message.rowsMax === 0 ? '' : ` ${message.rowsMax}`}`
    case 'functionCall':
      return `FunctionCall ${message.functionOid}`
    case 'copyData':
      return `CopyData ${quote(utf8(message.bytes))}`
    case 'copyFail':
      return `CopyFail ${quote(message.reason)}`
    default:
      return message.type[0]!.toUpperCase() + message.type.slice(1)
  }
}

export function showBackend(message: BackendMessage): string {
  switch (message.type) {
    case 'dataRow':
      return `DataRow ${values(message.values)}`
    case 'commandComplete':
      return `CommandComplete ${quote(message.tag)}`
    case 'readyForQuery':
      return `ReadyForQuery ${message.status}`
    case 'errorResponse':
    case 'noticeResponse': {
      const kept = message.fields.filter(([code]) => 'CMDVP'.includes(code))
      return `${message.type === 'errorResponse' ? 'Error' : 'Notice'} ${kept.map(([c, t]) => `${c}=${quote(t)}`).join(' ')}`
    }
    case 'rowDescription':
      return `RowDescription ${message.columns.map((c) => `${c.name}:${c.tableOid}.${c.attributeNumber}:${c.typeOid}${c.format === 1 ? ':b' : ''}`).join(' ')}`
    case 'parameterStatus':
      return `ParameterStatus ${message.name}=${quote(message.value)}`
    case 'parameterDescription':
      return `ParameterDescription ${message.parameterTypes.join(' ')}`.trim()
    case 'notificationResponse':
      return `NotificationResponse ${message.channel} ${quote(message.payload)}`
    case 'copyData':
      return `CopyData ${quote(utf8(message.bytes))}`
    default:
      return message.type[0]!.toUpperCase() + message.type.slice(1)
  }
}

/** Splits `Word "text" null 12` into its parts; texts are JSON strings. */
function parts(line: string): string[] {
  return line.match(/[A-Za-z]=?"(?:[^"\\]|\\.)*"|"(?:[^"\\]|\\.)*"|\S+/g) ?? []
}
const text = (part: string | undefined): string => JSON.parse(part ?? 'undefined') as string
const optional = (part: string): Uint8Array | null => (part === 'null' ? null : bytesOf(text(part)))

export function readFrontend(line: string): FrontendMessage {
  const [word, ...rest] = parts(line)
  switch (word) {
    case 'Query':
      return { type: 'query', text: text(rest[0]) }
    case 'Parse':
      return { type: 'parse', name: text(rest[0]), text: text(rest[1]), parameterTypes: [] }
    case 'Bind': {
      const arrow = rest.indexOf('->')
      const shown = arrow < 0 ? rest : rest.slice(0, arrow)
      const formats = arrow < 0 ? '' : (rest[arrow + 1] ?? '')
      return {
        type: 'bind',
        portal: text(shown[0]),
        statement: text(shown[1]),
        parameterFormats: [],
        parameters: shown.slice(2).map(optional),
        resultFormats: [...formats].map((format): Format => (format === '1' ? 1 : 0)),
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
      return { type: 'execute', portal: text(rest[0]), rowsMax: Number(rest[1] ?? 0) }
    case 'FunctionCall':
      return {
        type: 'functionCall',
        functionOid: Number(rest[0]),
        argumentFormats: [],
        arguments: [],
        resultFormat: 0,
      }
    case 'CopyData':
      return { type: 'copyData', bytes: bytesOf(text(rest[0])) }
    case 'CopyFail':
      return { type: 'copyFail', reason: text(rest[0]) }
    case 'Password':
      return { type: 'password', bytes: bytesOf('x\0') }
    case 'Flush':
      return { type: 'flush' }
    case 'Sync':
      return { type: 'sync' }
    case 'CopyDone':
      return { type: 'copyDone' }
    case 'Terminate':
      return { type: 'terminate' }
    default:
      throw new Error(`no client message: ${line}`)
  }
}

function fieldsOf(rest: readonly string[]): [string, string][] {
  const given = rest.map((part): [string, string] => [
    part.slice(0, part.indexOf('=')),
    text(part.slice(part.indexOf('=') + 1)),
  ])
  return given.some(([code]) => code === 'V') ? given : [['S', 'ERROR'], ['V', 'ERROR'], ...given]
}

function column(part: string): ColumnDescription {
  const [name = '', place = '', type = '', format] = part.split(':')
  const [tableOid, attributeNumber] = place.split('.').map(Number)
  return {
    name,
    tableOid: tableOid ?? 0,
    attributeNumber: attributeNumber ?? 0,
    typeOid: Number(type),
    typeSize: -1,
    typeModifier: -1,
    format: format === 'b' ? 1 : 0,
  }
}

const bare = {
  BindComplete: 'bindComplete',
  CloseComplete: 'closeComplete',
  CopyDone: 'copyDone',
  EmptyQueryResponse: 'emptyQueryResponse',
  NoData: 'noData',
  ParseComplete: 'parseComplete',
  PortalSuspended: 'portalSuspended',
} as const

export function readBackend(line: string): BackendMessage {
  const [word = '', ...rest] = parts(line)
  if (word in bare) return { type: bare[word as keyof typeof bare] }
  switch (word) {
    case 'DataRow':
      return { type: 'dataRow', values: rest.map(optional) }
    case 'CommandComplete':
      return { type: 'commandComplete', tag: text(rest[0]) }
    case 'ReadyForQuery':
      return { type: 'readyForQuery', status: rest[0] as 'I' | 'T' | 'E' }
    case 'Error':
      return { type: 'errorResponse', fields: fieldsOf(rest) }
    case 'Notice':
      return { type: 'noticeResponse', fields: fieldsOf(rest) }
    case 'RowDescription':
      return { type: 'rowDescription', columns: rest.map(column) }
    case 'ParameterDescription':
      return { type: 'parameterDescription', parameterTypes: rest.map(Number) }
    case 'ParameterStatus': {
      const [name = ''] = rest[0]?.split('=') ?? []
      return { type: 'parameterStatus', name, value: text(line.slice(line.indexOf('=') + 1)) }
    }
    case 'NotificationResponse':
      return { type: 'notificationResponse', processId: 1, channel: rest[0] ?? '', payload: text(rest[1]) }
    case 'CopyInResponse':
    case 'CopyOutResponse':
    case 'CopyBothResponse':
      return {
        type: (word[0]!.toLowerCase() + word.slice(1)) as 'copyInResponse',
        format: 0,
        columnFormats: [],
      }
    case 'CopyData':
      return { type: 'copyData', bytes: bytesOf(text(rest[0])) }
    default:
      throw new Error(`no target message: ${line}`)
  }
}
