// Pieces that several messages share: formats, values, notice fields, columns, cancel keys. Total, like decode.ts.
import { limits } from '@sallyport/base/limits'
import type { ByteReader } from '../bytes/reader.ts'
import type { Authentication, ColumnDescription, Format, NoticeFields, TransactionStatus } from './messages.ts'
import { authenticationCodes, cancelKeyBytesMax, cancelKeyBytesMin } from './names.ts'

export function readFormat(reader: ByteReader): Format {
  return asFormat(reader, reader.uint16())
}

function asFormat(reader: ByteReader, value: number): Format {
  if (value === 0 || value === 1) return value
  return reader.fail(`has the format ${value}; 0 is text and 1 is binary`)
}

/** A count and that many formats. */
export function readFormats(reader: ByteReader): Format[] {
  const count = reader.count(2, limits.parametersMax)
  const formats: Format[] = []
  for (let at = 0; at < count; at++) formats.push(readFormat(reader))
  return formats
}

/** Formats come as none, one for all, or one each (manual, "Bind"). */
export function readFormattedValues(reader: ByteReader): { formats: Format[]; values: (Buffer | null)[] } {
  const formats = readFormats(reader)
  const values = readValues(reader, limits.parametersMax)
  if (formats.length > 1 && formats.length !== values.length)
    reader.fail(`has ${formats.length} formats for ${values.length} values`)
  return { formats, values }
}

/** A count and that many values, each with its length; -1 is NULL. */
export function readValues(reader: ByteReader, countMax: number): (Buffer | null)[] {
  const count = reader.count(4, countMax)
  const values: (Buffer | null)[] = []
  for (let at = 0; at < count; at++) values.push(readValue(reader))
  return values
}

export function readValue(reader: ByteReader): Buffer | null {
  const length = reader.int32()
  if (length === -1) return null
  if (length < 0) reader.fail('has a value of negative length')
  return reader.bytes(length)
}

export function readOids(reader: ByteReader): number[] {
  const count = reader.count(4, limits.parametersMax)
  const oids: number[] = []
  for (let at = 0; at < count; at++) oids.push(reader.uint32())
  return oids
}

export function readWhat(reader: ByteReader): 'statement' | 'portal' {
  switch (reader.uint8()) {
    case 0x53:
      return 'statement'
    case 0x50:
      return 'portal'
    default:
      return reader.fail('names neither a statement nor a portal')
  }
}

export function readCancelKey(reader: ByteReader): Buffer {
  const length = reader.remaining
  if (length < cancelKeyBytesMin || length > cancelKeyBytesMax)
    reader.fail(`has a key of ${length} bytes; from ${cancelKeyBytesMin} to ${cancelKeyBytesMax} are possible`)
  return reader.rest()
}

export function readNoticeFields(reader: ByteReader): NoticeFields {
  const fields: [string, string][] = []
  for (;;) {
    const code = reader.uint8()
    if (code === 0) return fields
    if (code < 0x21 || code > 0x7e) reader.fail('has a field whose code is no letter')
    fields.push([String.fromCharCode(code), reader.text()])
  }
}

const columnBytesMin = 19

export function readColumns(reader: ByteReader): ColumnDescription[] {
  const count = reader.count(columnBytesMin, limits.columnsMax)
  const columns: ColumnDescription[] = []
  for (let at = 0; at < count; at++)
    columns.push({
      name: reader.text(),
      tableOid: reader.uint32(),
      attributeNumber: reader.int16(),
      typeOid: reader.uint32(),
      typeSize: reader.int16(),
      typeModifier: reader.int32(),
      format: readFormat(reader),
    })
  return columns
}

export function readStatus(reader: ByteReader): TransactionStatus {
  switch (reader.uint8()) {
    case 0x49:
      return 'I'
    case 0x54:
      return 'T'
    case 0x45:
      return 'E'
    default:
      return reader.fail('has a transaction status that does not exist')
  }
}

export function readCopyFormats(reader: ByteReader): { format: Format; columnFormats: Format[] } {
  const format = asFormat(reader, reader.uint8())
  return { format, columnFormats: readFormats(reader) }
}

/** Mechanism names up to an empty one. */
function readMechanisms(reader: ByteReader): string[] {
  const mechanisms: string[] = []
  for (;;) {
    const name = reader.text()
    if (name === '') return mechanisms
    mechanisms.push(name)
  }
}

export function readAuthentication(reader: ByteReader): Authentication {
  const code = reader.int32()
  switch (code) {
    case authenticationCodes.ok:
      return { kind: 'ok' }
    case authenticationCodes.cleartext:
      return { kind: 'cleartext' }
    case authenticationCodes.md5:
      return { kind: 'md5', salt: reader.bytes(4) }
    case authenticationCodes.sasl:
      return { kind: 'sasl', mechanisms: readMechanisms(reader) }
    case authenticationCodes.saslContinue:
      return { kind: 'saslContinue', bytes: reader.rest() }
    case authenticationCodes.saslFinal:
      return { kind: 'saslFinal', bytes: reader.rest() }
    default:
      // Whatever these carry is of no use to us: they are refused by number.
      reader.rest()
      return { kind: 'unsupported', code }
  }
}

/**
 * The minor version that a server offers. The manual calls the number "minor"; servers send the whole version
 * (backend_startup.c, SendNegotiateProtocolVersion), and libpq reads it so. Both are taken.
 */
export function readNegotiation(reader: ByteReader): { minor: number; unknownOptions: string[] } {
  const version = reader.uint32()
  const major = version >>> 16
  if (major !== 3 && major !== 0) reader.fail(`offers protocol ${major}`)
  const count = reader.uint32()
  if (count > reader.remaining) reader.fail('counts more items than it holds')
  const unknownOptions: string[] = []
  for (let at = 0; at < count; at++) unknownOptions.push(reader.text())
  return { minor: version & 0xffff, unknownOptions }
}
