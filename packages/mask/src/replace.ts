// Puts a masked value in the place of a real one, valid in the column's type and format; NULL where none exists.
import type { MaskMethod } from './rule.ts'

/** Keyed hash, passed in: HMAC-SHA-256 of the bytes under the installation's mask key, 32 bytes. */
export type KeyedHash = (value: Uint8Array) => Uint8Array

/** The masked form of one value, or null for SQL NULL. `typeOid` as RowDescription has it; `format` 0 text, 1 binary. */
export function replaceValue(
  method: MaskMethod,
  value: Uint8Array | null,
  typeOid: number,
  format: 0 | 1,
  hash: KeyedHash,
): Uint8Array | null {
  void [method, value, typeOid, format, hash]
  throw new Error('written by the mask room')
}
