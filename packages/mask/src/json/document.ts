// Masks a whole JSON document: parts by their paths, and what detectors find in everything else. One reading of the text does
// both, so that they can never disagree about what it says (THREATS ).
import { limits } from '@sallyport/base/limits'
import { type Detection, hideEach } from '../detect/detection.ts'
import { jsonHiding } from '../detect/values.ts'
import type { KeyedHash } from '../replace.ts'
import { redacted } from '../replace-text.ts'
import { type JsonPart, type Place, partsRewriter } from './mask.ts'
import { type Rewriter, startRewriting } from './rewrite.ts'

export interface MaskedDocument {
  readonly text: string
  /** Values that were hidden: parts, and texts or numbers that held a finding. */
  readonly values: number
}

export interface DocumentMasker {
  /** The document masked, or null where it is no JSON: then nobody can tell what it shows. */
  mask(text: string): MaskedDocument | null
  /** The same in several turns. */
  start(text: string): Masking
}

export interface Masking {
  /** Goes on for about so many characters; undefined: there is more. */
  step(characters: number): MaskedDocument | null | undefined
}

export function documentMasker(
  parts: readonly JsonPart[],
  detection: Detection | null,
  hash: KeyedHash,
): DocumentMasker {
  const { root, rewriter } = partsRewriter(parts, hash)
  const hiding = detection === null ? null : jsonHiding({ hide: hideEach(detection, hash), kinds: detection.kinds })
  const start = (text: string): Masking => {
    let values = 0
    const counted = (by: string | null): string | null => {
      if (by !== null) values += 1
      return by
    }
    const both: Rewriter<Place | null> = {
      member: rewriter.member,
      whole(place) {
        const by = rewriter.whole(place)
        return by === null ? null : (raw) => (raw === 'null' ? by(raw) : (counted(by(raw)) ?? raw))
      },
      scalar: (raw) => counted(hiding === null ? null : isLong(raw) ? hidden : hiding.scalar(raw)),
      name: (raw) => counted(hiding === null ? null : isLong(raw) ? hidden : hiding.name(raw)),
    }
    const rewriting = startRewriting(text, root, both)
    return {
      step(characters) {
        const masked = rewriting.step(characters)
        return typeof masked === 'string' ? { text: masked, values } : masked
      },
    }
  }
  return { start, mask: (text) => start(text).step(Number.POSITIVE_INFINITY) ?? null }
}

/** Detectors take their time for a text, and all of it at once. */
const isLong = (raw: string): boolean => raw.length > limits.httpMaskedTextCharsMax
const hidden = JSON.stringify(redacted)
