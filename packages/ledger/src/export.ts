// Lines of an exported record (docs/recording-format.md): header, heads, entries, end, one canonical JSON object a line.
// Entries and heads are carried as strings that hold their exact canonical text, so the file verifies byte by byte.
import { concat, fromBase64, fromHex, type Parsed, type Sha256, toBase64, toHex, utf8 } from './bytes.ts'
import { type Canonical, canonicalText, decodeUtf8, parseCanonicalText } from './canonical.ts'

export const exportFormat = 'sallyport-export'
export const exportVersion = 1
/** One line, in characters. An entry's quotes and backslashes are escaped once more in its line. */
export const exportLineCharsMax = 4_194_304

export interface ExportAgent {
  readonly id: string
  readonly name: string
  /** SPKI, DER. */
  readonly recordKey: Uint8Array
  /** SHA-256 of `recordKey`, hex. */
  readonly fingerprint: string
}

/** What the file claims to hold: one session, or every session with a part in a span of time, `toMs` exclusive. */
export type ExportScope =
  | { readonly kind: 'session'; readonly session: string }
  | { readonly kind: 'range'; readonly fromMs: number; readonly toMs: number }

export interface ExportHeader {
  readonly installation: string
  readonly exportedAtMs: number
  readonly scope: ExportScope
  readonly agents: readonly ExportAgent[]
}

export type ExportLine =
  | { readonly kind: 'header'; readonly header: ExportHeader }
  | { readonly kind: 'head'; readonly bytes: Uint8Array; readonly signature: Uint8Array }
  | { readonly kind: 'entry'; readonly bytes: Uint8Array; readonly hash: Uint8Array }
  | {
      readonly kind: 'end'
      readonly sessions: number
      readonly entries: number
      readonly heads: number
      readonly digest: string
    }

export function headerLine(header: ExportHeader): string {
  return canonicalText({
    format: exportFormat,
    version: exportVersion,
    installation: header.installation,
    exportedAtMs: header.exportedAtMs,
    scope: header.scope,
    agents: header.agents.map(({ id, name, fingerprint, recordKey }) => ({
      id,
      name,
      fingerprint,
      recordKey: toBase64(recordKey),
    })),
  })
}

/** `text`: the head's canonical bytes, decoded. */
export const headLine = (text: string, signature: Uint8Array): string =>
  canonicalText({ head: text, signature: toBase64(signature) })

/** `text`: the entry's canonical bytes, decoded; `hash`: of the chain up to it, hex. */
export const entryLine = (text: string, hash: string): string => canonicalText({ entry: text, hash })

export const endLine = (counts: { sessions: number; entries: number; heads: number }, digest: string): string =>
  canonicalText({ end: true, ...counts, digest })

/** Text of stored bytes. What is not UTF-8 shows as replacement characters, and then does not verify: as it should. */
export const textOf = (bytes: Uint8Array): string => decodeUtf8(bytes) ?? new TextDecoder().decode(bytes)

/** Digest over all lines so far, against accidents: SHA-256(digest ‖ SHA-256(line)), from 32 zero bytes. */
export function lineDigest(sha256: Sha256): { add(line: string): void; hex(): string } {
  let digest: Uint8Array = new Uint8Array(32)
  return {
    add(line) {
      digest = sha256(concat(digest, sha256(utf8(line))))
    },
    hex: () => toHex(digest),
  }
}

/** The line that this text is, without its newline. Total: never throws. */
export function parseExportLine(text: string): Parsed<ExportLine> {
  if (text.length > exportLineCharsMax) return refused(`the line is longer than ${exportLineCharsMax} characters`)
  const parsed = parseCanonicalText(text)
  if (!parsed.ok) return parsed
  const fields = fieldsOf(parsed.value)
  const names = [...fields.keys()].join(' ')
  // Canonical JSON sorts its names, so each kind of line has exactly one list of them.
  switch (names) {
    case 'head signature':
      return headOf(fields)
    case 'entry hash':
      return entryOf(fields)
    case 'digest end entries heads sessions':
      return endOf(fields)
    case 'agents exportedAtMs format installation scope version':
      return headerOf(fields)
    default:
      return refused('the line is of no known kind')
  }
}

type Fields = ReadonlyMap<string, Canonical>

const refused = (reason: string): { ok: false; reason: string } => ({ ok: false, reason })

function fieldsOf(value: Canonical): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Map()
  return new Map<string, Canonical>(Object.entries(value))
}

const text = (fields: Fields, name: string): string | undefined => {
  const value = fields.get(name)
  return typeof value === 'string' ? value : undefined
}

const count = (fields: Fields, name: string): number | undefined => {
  const value = fields.get(name)
  return typeof value === 'number' && value >= 0 ? value : undefined
}

const bytesOf = (fields: Fields, name: string): Uint8Array | undefined => fromBase64(text(fields, name) ?? '*')

const hashOf = (fields: Fields, name: string): string | undefined => {
  const hash = text(fields, name) ?? ''
  return fromHex(hash)?.length === 32 ? hash : undefined
}

function headOf(fields: Fields): Parsed<ExportLine> {
  const head = text(fields, 'head')
  const signature = bytesOf(fields, 'signature')
  if (head === undefined || signature === undefined) return refused('the head line has a field of the wrong type')
  return { ok: true, value: { kind: 'head', bytes: utf8(head), signature } }
}

function entryOf(fields: Fields): Parsed<ExportLine> {
  const entry = text(fields, 'entry')
  const hash = fromHex(text(fields, 'hash') ?? '')
  if (entry === undefined || hash?.length !== 32) return refused('the entry line has a field of the wrong type')
  return { ok: true, value: { kind: 'entry', bytes: utf8(entry), hash } }
}

function endOf(fields: Fields): Parsed<ExportLine> {
  const sessions = count(fields, 'sessions')
  const entries = count(fields, 'entries')
  const heads = count(fields, 'heads')
  const digest = hashOf(fields, 'digest')
  const isWhole = fields.get('end') === true && sessions !== undefined && entries !== undefined
  if (!isWhole || heads === undefined || digest === undefined)
    return refused('the end line has a field of the wrong type')
  return { ok: true, value: { kind: 'end', sessions, entries, heads, digest } }
}

function headerOf(fields: Fields): Parsed<ExportLine> {
  if (fields.get('format') !== exportFormat) return refused('the file is not a Sallyport export')
  if (fields.get('version') !== exportVersion)
    return refused('the export is of a version that this program does not know')
  const installation = text(fields, 'installation')
  const exportedAtMs = count(fields, 'exportedAtMs')
  const scope = scopeOf(fieldsOf(fields.get('scope') ?? null))
  const agents = agentsOf(fields.get('agents') ?? null)
  if (installation === undefined || exportedAtMs === undefined || scope === undefined || agents === undefined)
    return refused('the header has a field of the wrong type')
  return { ok: true, value: { kind: 'header', header: { installation, exportedAtMs, scope, agents } } }
}

function scopeOf(fields: Fields): ExportScope | undefined {
  const kind = fields.get('kind')
  const session = text(fields, 'session')
  if (kind === 'session' && fields.size === 2 && session !== undefined) return { kind, session }
  const fromMs = count(fields, 'fromMs')
  const toMs = count(fields, 'toMs')
  if (kind === 'range' && fields.size === 3 && fromMs !== undefined && toMs !== undefined) return { kind, fromMs, toMs }
  return undefined
}

function agentsOf(value: Canonical): ExportAgent[] | undefined {
  if (!Array.isArray(value)) return undefined
  const agents: ExportAgent[] = []
  for (const item of value) {
    const fields = fieldsOf(item)
    const id = text(fields, 'id')
    const name = text(fields, 'name')
    const recordKey = bytesOf(fields, 'recordKey')
    const fingerprint = hashOf(fields, 'fingerprint')
    if (fields.size !== 4 || id === undefined || name === undefined) return undefined
    if (recordKey === undefined || fingerprint === undefined) return undefined
    agents.push({ id, name, recordKey, fingerprint })
  }
  return agents
}
