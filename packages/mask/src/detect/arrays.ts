// Arrays of a result, element by element, in text and in binary format. An array in which nothing changes comes back as the
// same bytes; one that cannot be read gives null.
import { textOf, utf8 } from '../text.ts'
import type { Detect } from './values.ts'

/** `{a,"b c",NULL}`, nested and with bounds in front (manual, "Array Input and Output Syntax"). */
export function textArray(inner: Detect): Detect {
  return (value) => {
    const text = textOf(value)
    if (text === null) return null
    const start = text.startsWith('[') ? text.indexOf('=') + 1 : 0
    if (text[start] !== '{') return null
    const parts: string[] = [text.slice(0, start)]
    let isSame = true
    for (let at = start; at < text.length; ) {
      const sign = text[at] ?? ''
      if (sign === '{' || sign === '}' || sign === ',') {
        parts.push(sign)
        at += 1
        continue
      }
      const end = sign === '"' ? quotedEnd(text, at) : bareEnd(text, at)
      if (end < 0) return null
      const raw = text.slice(at, end)
      const shown = raw === 'NULL' ? raw : element(raw, inner)
      isSame &&= shown === raw
      parts.push(shown)
      at = end
    }
    return isSame ? value : utf8(parts.join(''))
  }
}

function element(raw: string, inner: Detect): string {
  const content = raw.startsWith('"') ? raw.slice(1, -1).replace(/\\([\s\S])/g, '$1') : raw
  const before = utf8(content)
  const after = inner(before)
  if (after === before) return raw
  const text = after === null ? null : textOf(after)
  return text === null ? 'NULL' : `"${text.replace(/["\\]/g, '\\$&')}"`
}

function quotedEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1
    else if (text[at] === '"') return at + 1
  }
  return -1
}

function bareEnd(text: string, start: number): number {
  let at = start
  while (at < text.length && text[at] !== ',' && text[at] !== '}' && text[at] !== '{') at += 1
  return at
}

/** Dimensions of an array (MAXDIM, c.h). */
const dimensionsMax = 6
const nullLength = -1

/** array_send: dimensions, a flag for NULLs, the type of the elements; length and bound of each dimension; the elements. */
export function binaryArray(inner: Detect): Detect {
  return (value) => {
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
    if (value.length < 12) return null
    const dimensions = view.getInt32(0)
    const head = 12 + dimensions * 8
    if (dimensions < 0 || dimensions > dimensionsMax || value.length < head) return null
    const elements: (Uint8Array | null)[] = []
    let isSame = true
    for (let at = head; at < value.length; ) {
      if (at + 4 > value.length) return null
      const length = view.getInt32(at)
      at += 4
      if (length < nullLength || at + Math.max(0, length) > value.length) return null
      const before = length === nullLength ? null : value.subarray(at, at + length)
      const after = before === null ? null : inner(before)
      isSame &&= after === before
      elements.push(after)
      at += Math.max(0, length)
    }
    return isSame ? value : written(value.subarray(0, head), elements)
  }
}

function written(head: Uint8Array, elements: readonly (Uint8Array | null)[]): Uint8Array {
  const size = elements.reduce((sum, one) => sum + 4 + (one?.length ?? 0), head.length)
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  bytes.set(head)
  if (elements.includes(null)) view.setInt32(4, 1)
  let at = head.length
  for (const one of elements) {
    view.setInt32(at, one?.length ?? nullLength)
    if (one !== null) bytes.set(one, at + 4)
    at += 4 + (one?.length ?? 0)
  }
  return bytes
}
