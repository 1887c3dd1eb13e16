// From frames to messages of the PostgreSQL protocol. Total: any body gives a message or a ProtocolError, and every byte
// of it is accounted for (THREATS ). Values are views of the frame's body.
import { limits } from '@sallyport/base/limits'
import { ByteReader } from '../bytes/reader.ts'
import { ProtocolError } from '../protocol-error.ts'
import {
  readAuthentication,
  readCancelKey,
  readColumns,
  readCopyFormats,
  readFormat,
  readFormats,
  readFormattedValues,
  readNegotiation,
  readNoticeFields,
  readOids,
  readStatus,
  readValue,
  readValues,
  readWhat,
} from './decode-fields.ts'
import type { Frame } from './frames.ts'
import type { BackendMessage, FrontendMessage, StartupPacket } from './messages.ts'
import { backendBytes, frontendBytes, requestCodes } from './names.ts'

const frontendNames = namesOf(frontendBytes)
const backendNames = namesOf(backendBytes)

/** What a client sent after start-up. */
export function decodeFrontend(frame: Frame): FrontendMessage {
  const name = frontendNames.get(frame.typeByte)
  if (name === undefined) throw unknownType(frame)
  const reader = new ByteReader(frame.body, name)
  const message = readFrontend(name, reader)
  reader.end()
  return message
}

/** What a server sent. */
export function decodeBackend(frame: Frame): BackendMessage {
  const name = backendNames.get(frame.typeByte)
  if (name === undefined) throw unknownType(frame)
  const reader = new ByteReader(frame.body, name)
  const message = readBackend(name, reader)
  reader.end()
  return message
}

/** The body of a packet of the start-up phase, without its length. */
export function decodeStartup(body: Buffer): StartupPacket {
  const reader = new ByteReader(body, 'start-up packet')
  const packet = readStartup(reader)
  reader.end()
  return packet
}

/**
 * The hot path of decodeBackend for DataRow, its body being `bytes` from `start` to `end`: fills `spans` with place and length of
 * each value inside `bytes`, length -1 for NULL, and returns how many there are. `spans` holds two numbers a column; a row with more
 * columns is an error.
 */
export function dataRowSpans(bytes: Buffer, start: number, end: number, spans: Int32Array): number {
  if (end - start < 2) throw new ProtocolError('dataRow is shorter than its fields')
  const count = bytes.readUInt16BE(start)
  if (count * 2 > spans.length)
    throw new ProtocolError(`dataRow has ${count} columns; ${spans.length / 2} are described`)
  let at = start + 2
  for (let column = 0; column < count; column++) {
    if (end - at < 4) throw new ProtocolError('dataRow is shorter than its fields')
    const length = bytes.readInt32BE(at)
    at += 4
    if (length < -1 || length > end - at) throw new ProtocolError('dataRow is shorter than its fields')
    spans[column * 2] = at
    spans[column * 2 + 1] = length
    if (length > 0) at += length
  }
  if (at !== end) throw new ProtocolError('dataRow is longer than its fields')
  return count
}

/**
 * The same for a DataRow that goes on as it is: the bytes of its values, its body being `bytes` from `start` to `end`; -1 where it
 * has another number of columns. `columns` -1: any number.
 */
export function dataRowValueBytes(bytes: Buffer, start: number, end: number, columns: number): number {
  if (end - start < 2) throw new ProtocolError('dataRow is shorter than its fields')
  const count = bytes.readUInt16BE(start)
  if (count > limits.columnsMax) throw new ProtocolError(`dataRow counts ${count} items; at most ${limits.columnsMax}`)
  let at = start + 2
  let sum = 0
  for (let column = 0; column < count; column++) {
    if (end - at < 4) throw new ProtocolError('dataRow is shorter than its fields')
    const length = bytes.readInt32BE(at)
    at += 4
    if (length < -1 || length > end - at) throw new ProtocolError('dataRow is shorter than its fields')
    if (length <= 0) continue
    at += length
    sum += length
  }
  if (at !== end) throw new ProtocolError('dataRow is longer than its fields')
  return columns >= 0 && columns !== count ? -1 : sum
}

/** A 'p' message as a cleartext password. */
export function decodePassword(bytes: Uint8Array): string {
  const reader = new ByteReader(view(bytes), 'password')
  const text = reader.text()
  reader.end()
  return text
}

/** A 'p' message as SASLInitialResponse. A response of null is none at all, which is not an empty one. */
export function decodeSaslInitial(bytes: Uint8Array): { mechanism: string; response: Buffer | null } {
  const reader = new ByteReader(view(bytes), 'SASL initial response')
  const mechanism = reader.text()
  const response = readValue(reader)
  reader.end()
  return { mechanism, response }
}

const view = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

function readFrontend(name: FrontendMessage['type'], reader: ByteReader): FrontendMessage {
  switch (name) {
    case 'query':
      return { type: name, text: reader.text() }
    case 'parse':
      return { type: name, name: reader.text(), text: reader.text(), parameterTypes: readOids(reader) }
    case 'bind':
      return readBind(reader)
    case 'describe':
    case 'close':
      return { type: name, what: readWhat(reader), name: reader.text() }
    case 'execute':
      return { type: name, portal: reader.text(), rowsMax: reader.int32() }
    case 'flush':
    case 'sync':
    case 'copyDone':
    case 'terminate':
      return { type: name }
    case 'functionCall': {
      const functionOid = reader.uint32()
      const { formats, values } = readFormattedValues(reader)
      return {
        type: name,
        functionOid,
        argumentFormats: formats,
        arguments: values,
        resultFormat: readFormat(reader),
      }
    }
    case 'copyData':
    case 'password':
      return { type: name, bytes: reader.rest() }
    case 'copyFail':
      return { type: name, reason: reader.text() }
  }
}

function readBind(reader: ByteReader): FrontendMessage {
  const portal = reader.text()
  const statement = reader.text()
  const { formats, values } = readFormattedValues(reader)
  return {
    type: 'bind',
    portal,
    statement,
    parameterFormats: formats,
    parameters: values,
    resultFormats: readFormats(reader),
  }
}

function readBackend(name: BackendMessage['type'], reader: ByteReader): BackendMessage {
  switch (name) {
    case 'dataRow':
      return { type: name, values: readValues(reader, limits.columnsMax) }
    case 'authentication':
      return { type: name, authentication: readAuthentication(reader) }
    case 'backendKeyData':
      return { type: name, processId: reader.int32(), key: readCancelKey(reader) }
    case 'bindComplete':
    case 'closeComplete':
    case 'copyDone':
    case 'emptyQueryResponse':
    case 'noData':
    case 'parseComplete':
    case 'portalSuspended':
      return { type: name }
    case 'commandComplete':
      return { type: name, tag: reader.text() }
    case 'copyData':
      return { type: name, bytes: reader.rest() }
    case 'copyInResponse':
    case 'copyOutResponse':
    case 'copyBothResponse':
      return { type: name, ...readCopyFormats(reader) }
    case 'errorResponse':
    case 'noticeResponse':
      return { type: name, fields: readNoticeFields(reader) }
    case 'functionCallResponse':
      return { type: name, value: readValue(reader) }
    case 'negotiateProtocolVersion':
      return { type: name, ...readNegotiation(reader) }
    case 'notificationResponse':
      return { type: name, processId: reader.int32(), channel: reader.text(), payload: reader.text() }
    case 'parameterDescription':
      return { type: name, parameterTypes: readOids(reader) }
    case 'parameterStatus':
      return { type: name, name: reader.text(), value: reader.text() }
    case 'readyForQuery':
      return { type: name, status: readStatus(reader) }
    case 'rowDescription':
      return { type: name, columns: readColumns(reader) }
  }
}

function readStartup(reader: ByteReader): StartupPacket {
  const code = reader.uint32()
  switch (code) {
    case requestCodes.ssl:
      return { type: 'sslRequest' }
    case requestCodes.gssEnc:
      return { type: 'gssEncRequest' }
    case requestCodes.cancel:
      return { type: 'cancelRequest', processId: reader.int32(), key: readCancelKey(reader) }
  }
  const [major, minor] = [code >>> 16, code & 0xffff]
  if (major !== 3) {
    // Only protocol 3 has this layout; the version alone is enough to refuse the rest.
    reader.rest()
    return { type: 'startup', major, minor, parameters: [] }
  }
  const parameters: [string, string][] = []
  for (;;) {
    const name = reader.text()
    if (name === '') return { type: 'startup', major, minor, parameters }
    parameters.push([name, reader.text()])
  }
}

function unknownType(frame: Frame): ProtocolError {
  return new ProtocolError(`message type 0x${frame.typeByte.toString(16).padStart(2, '0')} is unknown`)
}

function namesOf<Name extends string>(bytes: Readonly<Record<Name, number>>): ReadonlyMap<number, Name> {
  const names = new Map<number, Name>()
  for (const name in bytes) names.set(bytes[name], name)
  return names
}
