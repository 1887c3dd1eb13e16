// Masks parts of a JSON value, by their paths in it. What is left is JSON, and tells nothing of a part but what its method
// declares: also its kind – text, number, list – is hidden.
import type { KeyedHash } from '../replace.ts'
import { maskText } from '../replace-text.ts'
import type { MaskMethod } from '../rule.ts'
import { compareMethods } from '../strictest.ts'
import { textOf, utf8 } from '../text.ts'
import type { JsonPath } from './path.ts'
import { contentOf, type Rewriter, rewriteJson } from './rewrite.ts'

/** A part of a value; an empty path is the value itself. */
export interface JsonPart {
  readonly path: JsonPath
  readonly method: MaskMethod
}

/** The document with its parts masked; null where it is no JSON. */
export function jsonMasker(parts: readonly JsonPart[], hash: KeyedHash): (text: string) => string | null {
  const { root, rewriter } = partsRewriter(parts, hash)
  return (text) => rewriteJson(text, root, rewriter)
}

/** What hides the parts, for whoever rewrites a document; it leaves everything else. */
export function partsRewriter(
  parts: readonly JsonPart[],
  hash: KeyedHash,
): { readonly root: Place; readonly rewriter: Rewriter<Place | null> } {
  const root = treeOf(parts)
  const masks = new Map<Place, (raw: string) => string>()
  const rewriter: Rewriter<Place | null> = {
    member: (place, key) => place?.members.get(key) ?? null,
    whole(place) {
      if (place?.method == null) return null
      const known = masks.get(place)
      if (known !== undefined) return known
      const made = partMask(place.method, hash)
      masks.set(place, made)
      return made
    },
    scalar: () => null,
    name: () => null,
  }
  return { root, rewriter }
}

/** Where in a document something stands, as far as masks tell places apart. */
export interface Place {
  method: MaskMethod | null
  readonly members: Map<string, Place>
}

/** Two masks of one part: the stricter one. A part of a masked part is masked with it. */
function treeOf(parts: readonly JsonPart[]): Place {
  const root: Place = { method: null, members: new Map() }
  for (const { path, method } of parts) {
    let place = root
    for (const key of path) {
      const next = place.members.get(key) ?? { method: null, members: new Map() }
      place.members.set(key, next)
      place = next
    }
    if (place.method === null || compareMethods(method, place.method) < 0) place.method = method
  }
  return root
}

const hidden = '"[redacted]"'

/** JSON null stays: nullness is released, as that of a column is. */
function partMask(method: MaskMethod, hash: KeyedHash): (raw: string) => string {
  if (method === 'null') return () => 'null'
  const mask = maskText({ method, format: 0, hash })
  return (raw) => {
    if (raw === 'null') return raw
    // Under one key equal values have equal pseudonyms, whatever they are; other methods keep a part of texts and numbers.
    if (method === 'redact' || (method !== 'hash' && /^[[{tf]/.test(raw))) return hidden
    const content = raw.startsWith('"') ? contentOf(raw) : raw
    const masked = content === null ? null : mask(utf8(content))
    const text = masked === null ? null : textOf(masked)
    return text === null ? hidden : JSON.stringify(text)
  }
}
