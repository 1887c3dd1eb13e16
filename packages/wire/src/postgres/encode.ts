// From messages of the PostgreSQL protocol to bytes: the exact inverse of decode.ts. Everything that reaches a target or
// a client is written here, afresh (THREATS ).
import { unreachable } from '@sallyport/base/assert'
import { ByteWriter } from '../bytes/writer.ts'
import type { BackendMessage, ColumnDescription, Format, FrontendMessage, StartupPacket } from './messages.ts'
import { authenticationCodes, backendBytes, frontendBytes, requestCodes } from './names.ts'

export const encodeFrontend = (message: FrontendMessage): Buffer => written((writer) => writeFrontend(writer, message))
export const encodeBackend = (message: BackendMessage): Buffer => written((writer) => writeBackend(writer, message))

/** A packet of the start-up phase, with its length. */
export function encodeStartup(packet: StartupPacket): Buffer {
  return written((writer) => writeStartup(writer.begin(), packet).finish())
}

/** Appends a message, for several in one write. */
export function writeFrontend(writer: ByteWriter, message: FrontendMessage): ByteWriter {
  return writeFrontendBody(writer.begin(frontendBytes[message.type]), message).finish()
}

/** Appends a message, for several in one write. */
export function writeBackend(writer: ByteWriter, message: BackendMessage): ByteWriter {
  return writeBackendBody(writer.begin(backendBytes[message.type]), message).finish()
}

/** Body of a 'p' message that carries a cleartext password. */
export const passwordBytes = (password: string): Buffer => written((writer) => writer.text(password))

/** Body of a 'p' message that opens a SASL exchange. */
export function saslInitialBytes(mechanism: string, response: Uint8Array | null): Buffer {
  return written((writer) => writer.text(mechanism).value(response))
}

const written = (write: (writer: ByteWriter) => ByteWriter): Buffer => write(new ByteWriter()).take()

function writeFrontendBody(writer: ByteWriter, message: FrontendMessage): ByteWriter {
  switch (message.type) {
    case 'query':
      return writer.text(message.text)
    case 'parse':
      return writeOids(writer.text(message.name).text(message.text), message.parameterTypes)
    case 'bind':
      writer.text(message.portal).text(message.statement)
      writeFormats(writer, message.parameterFormats)
      writeValues(writer, message.parameters)
      return writeFormats(writer, message.resultFormats)
    case 'describe':
    case 'close':
      return writer.uint8(message.what === 'statement' ? 0x53 : 0x50).text(message.name)
    case 'execute':
      return writer.text(message.portal).int32(message.rowsMax)
    case 'flush':
    case 'sync':
    case 'copyDone':
    case 'terminate':
      return writer
    case 'functionCall':
      writer.uint32(message.functionOid)
      writeFormats(writer, message.argumentFormats)
      writeValues(writer, message.arguments)
      return writer.int16(message.resultFormat)
    case 'copyData':
    case 'password':
      return writer.bytes(message.bytes)
    case 'copyFail':
      return writer.text(message.reason)
    default:
      return unreachable(message)
  }
}

function writeBackendBody(writer: ByteWriter, message: BackendMessage): ByteWriter {
  switch (message.type) {
    case 'dataRow':
      return writeValues(writer, message.values)
    case 'authentication':
      return writeAuthentication(writer, message.authentication)
    case 'backendKeyData':
      return writer.int32(message.processId).bytes(message.key)
    case 'bindComplete':
    case 'closeComplete':
    case 'copyDone':
    case 'emptyQueryResponse':
    case 'noData':
    case 'parseComplete':
    case 'portalSuspended':
      return writer
    case 'commandComplete':
      return writer.text(message.tag)
    case 'copyData':
      return writer.bytes(message.bytes)
    case 'copyInResponse':
    case 'copyOutResponse':
    case 'copyBothResponse':
      return writeFormats(writer.uint8(message.format), message.columnFormats)
    case 'errorResponse':
    case 'noticeResponse':
      return writeNoticeFields(writer, message.fields)
    case 'functionCallResponse':
      return writer.value(message.value)
    case 'negotiateProtocolVersion':
      // The whole version, as servers send it and libpq reads it (see decode-fields.ts).
      writer.uint32(0x30000 + message.minor).uint32(message.unknownOptions.length)
      for (const option of message.unknownOptions) writer.text(option)
      return writer
    case 'notificationResponse':
      return writer.int32(message.processId).text(message.channel).text(message.payload)
    case 'parameterDescription':
      return writeOids(writer, message.parameterTypes)
    case 'parameterStatus':
      return writer.text(message.name).text(message.value)
    case 'readyForQuery':
      return writer.uint8(message.status.charCodeAt(0))
    case 'rowDescription':
      writer.count(message.columns.length)
      for (const column of message.columns) writeColumn(writer, column)
      return writer
    default:
      return unreachable(message)
  }
}

type Asked = Extract<BackendMessage, { type: 'authentication' }>['authentication']

function writeAuthentication(writer: ByteWriter, asked: Asked): ByteWriter {
  if (asked.kind === 'unsupported') return writer.int32(asked.code)
  writer.int32(authenticationCodes[asked.kind])
  switch (asked.kind) {
    case 'ok':
    case 'cleartext':
      return writer
    case 'md5':
      return writer.bytes(asked.salt)
    case 'sasl':
      for (const mechanism of asked.mechanisms) writer.text(mechanism)
      return writer.uint8(0)
    case 'saslContinue':
    case 'saslFinal':
      return writer.bytes(asked.bytes)
    default:
      return unreachable(asked)
  }
}

function writeStartup(writer: ByteWriter, packet: StartupPacket): ByteWriter {
  switch (packet.type) {
    case 'sslRequest':
      return writer.uint32(requestCodes.ssl)
    case 'gssEncRequest':
      return writer.uint32(requestCodes.gssEnc)
    case 'cancelRequest':
      return writer.uint32(requestCodes.cancel).int32(packet.processId).bytes(packet.key)
    case 'startup':
      writer.uint32(packet.major * 0x10000 + packet.minor)
      for (const [name, value] of packet.parameters) writer.text(name).text(value)
      return writer.uint8(0)
    default:
      return unreachable(packet)
  }
}

function writeFormats(writer: ByteWriter, formats: readonly Format[]): ByteWriter {
  writer.count(formats.length)
  for (const format of formats) writer.int16(format)
  return writer
}

function writeValues(writer: ByteWriter, values: readonly (Uint8Array | null)[]): ByteWriter {
  writer.count(values.length)
  for (const value of values) writer.value(value)
  return writer
}

function writeOids(writer: ByteWriter, oids: readonly number[]): ByteWriter {
  writer.count(oids.length)
  for (const oid of oids) writer.uint32(oid)
  return writer
}

function writeNoticeFields(writer: ByteWriter, fields: readonly (readonly [string, string])[]): ByteWriter {
  for (const [code, text] of fields) writer.uint8(code.charCodeAt(0)).text(text)
  return writer.uint8(0)
}

function writeColumn(writer: ByteWriter, column: ColumnDescription): ByteWriter {
  writer.text(column.name).uint32(column.tableOid).int16(column.attributeNumber)
  return writer.uint32(column.typeOid).int16(column.typeSize).int32(column.typeModifier).int16(column.format)
}
