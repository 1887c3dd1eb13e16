// Detectors over what leaves beside rows: errors and notices, payloads of NOTIFY, rows of COPY. Findings are hidden in place;
// it decides nothing, and proves nothing about what it passes.
import { rowMaskers } from '@sallyport/mask/column'
import { type Detection, hideEach } from '@sallyport/mask/detect/detection'
import { hideIn, hideInRow } from '@sallyport/mask/detect/hide'
import type { KeyedHash } from '@sallyport/mask/replace'
import { textOf, utf8 } from '@sallyport/mask/text'
import type { BackendMessage, NoticeFields } from '@sallyport/wire/postgres/messages'
import type { JudgedStatement } from '../session/gate.ts'
import type { Running } from './state.ts'

export function detectedText(text: string, detection: Detection | null, hash: KeyedHash): string {
  return detection === null ? text : hideIn(text, hideEach(detection, hash), detection.kinds).text
}

/** Fields that quote values: message, detail, hint, internal query, context (manual, "Error and Notice Message Fields"). */
const quoting = new Set(['M', 'D', 'H', 'q', 'W'])

export const detectedFields = (fields: NoticeFields, detection: Detection | null, hash: KeyedHash): NoticeFields =>
  detection === null
    ? fields
    : fields.map(([name, text]) => [name, quoting.has(name) ? detectedText(text, detection, hash) : text])

/** COPY carries text of whole rows: the gate lets it through only where no column of it is hidden. */
export const hidesColumns = (plan: JudgedStatement['plan']): boolean =>
  plan.kind === 'mask' && plan.columns.some((mask) => mask !== null)

const text = 25

/** What an escape of COPY, or of JSON in it, hides from detectors: they look for where words begin. */
function withoutEscaped(bytes: Uint8Array, detection: Detection, hash: KeyedHash): Uint8Array {
  if (!bytes.includes(backslash)) return bytes
  const row = textOf(bytes)
  if (row === null) return bytes
  const hidden = hideInRow(row, hideEach(detection, hash), detection.kinds)
  return hidden === row ? bytes : utf8(hidden)
}
const backslash = 0x5c

/** A row of COPY in text or CSV format. What stands in the place of a finding holds neither delimiter nor quote. */
export function detectedCopy(
  message: Extract<BackendMessage, { type: 'copyData' }>,
  running: Running,
  hash: KeyedHash,
): Extract<BackendMessage, { type: 'copyData' }> {
  const { plan } = running.judged
  if (plan.kind === 'plain' || plan.detect === undefined) return message
  const plain = { typeOid: text, typeModifier: -1, format: 0 } as const
  running.masking ??= { columns: [], maskers: rowMaskers(plan, [plain], hash), masked: [0] }
  const bytes = withoutEscaped(running.masking.maskers?.[0]?.(message.bytes) ?? message.bytes, plan.detect, hash)
  if (bytes === message.bytes) return message
  running.maskedValues += 1
  return { ...message, bytes }
}
