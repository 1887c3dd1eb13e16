// What is done to the values of one result column, chosen once for all of its rows: by the column's mask, or by detectors
// where no mask covers it. Never lets through a value that it does not understand: that becomes NULL.
import type { Detection } from './detect/detection.ts'
import { detectorFor } from './detect/values.ts'
import { jsonMasker } from './json/mask.ts'
import type { ColumnMask, MaskPlan } from './plan.ts'
import { type KeyedHash, type Replace, replacerFor } from './replace.ts'
import { strictestMethod } from './strictest.ts'
import { textOf, utf8 } from './text.ts'

/** A result column as RowDescription has it; `format` 0 text, 1 binary. */
export interface ColumnShape {
  readonly typeOid: number
  readonly typeModifier: number
  readonly format: 0 | 1
}

/** One entry a column, null where its values pass; null where all of them do. */
export type RowMaskers = readonly (Replace | null)[] | null

/** The maskers of a result; null for columns that nothing changes. */
export function rowMaskers(
  plan: Exclude<MaskPlan, { kind: 'refuse' }>,
  shapes: readonly ColumnShape[],
  hash: KeyedHash,
): RowMaskers {
  if (plan.kind === 'plain') return null
  const { columns, detect = null } = plan
  const maskers = shapes.map((shape, index) => {
    const mask = columns[index] ?? null
    return mask === null ? detecting(detect, shape, hash) : columnMasker(mask, shape, hash)
  })
  return maskers.every((masker) => masker === null) ? null : maskers
}

function detecting(detection: Detection | null, { typeOid, format, typeModifier }: ColumnShape, hash: KeyedHash) {
  if (detection === null) return null
  const detect = detectorFor(detection, typeOid, format, hash, typeModifier)
  return detect === null ? null : (value: Uint8Array | null) => (value === null ? null : detect(value))
}

const jsonTypes: ReadonlySet<number> = new Set([114, 3802])
/** text, varchar, bpchar, name, unknown. */
const textTypes: ReadonlySet<number> = new Set([25, 1043, 1042, 19, 705])

/** Masks parts of JSON in JSON; of the text of a part (`->>`) all of it. */
export function columnMasker(
  mask: ColumnMask,
  { typeOid, format, typeModifier }: ColumnShape,
  hash: KeyedHash,
): Replace {
  if (typeof mask === 'string' || 'partial' in mask) return replacerFor(mask, typeOid, format, hash, typeModifier)
  if (jsonTypes.has(typeOid)) return jsonReplacer(mask.json, format === 1 && typeOid === 3802 ? 1 : 0, hash)
  const [first, ...more] = mask.json
  if (first === undefined || !textTypes.has(typeOid) || mask.json.some(({ path }) => path.length > 0)) return () => null
  const method = more.reduce((strictest, part) => strictestMethod(strictest, part.method), first.method)
  return replacerFor(method, typeOid, format, hash, typeModifier)
}

function jsonReplacer(
  parts: Extract<ColumnMask, { json: unknown }>['json'],
  versionBytes: 0 | 1,
  hash: KeyedHash,
): Replace {
  const mask = jsonMasker(parts, hash)
  return (value) => {
    const text = value === null ? null : textOf(value.subarray(versionBytes))
    const masked = text === null ? null : mask(text)
    if (masked === null) return null
    // jsonb in binary starts with its version, 1 (jsonb_send).
    return versionBytes === 1 ? Uint8Array.of(1, ...utf8(masked)) : utf8(masked)
  }
}
