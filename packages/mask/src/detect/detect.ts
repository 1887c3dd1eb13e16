// Content detectors, the second line behind lineage: they find what looks like an address, a number or a key in any text.
// Linear in the text, whatever it is; they return places and never values, and they prove nothing by finding nothing
// (THREATS: a value that was encoded, cut or spelled out is not found).
import { type DetectorName, detectorNames } from '../rule.ts'
import type { Chars, Finding } from './finding.ts'
import { inspect } from './inspect.ts'
import { newReading, overlap, type PieceSink, type Reading, readPieces } from './pieces.ts'

export type { Finding } from './finding.ts'

export const allDetectors: ReadonlySet<DetectorName> = new Set(detectorNames)

/** Everything that the detectors of `kinds` find in a text, in order, without overlaps. */
export function detect(text: string, kinds: ReadonlySet<DetectorName> = allDetectors): Finding[] {
  return detectIn(text, kinds)
}

/** The same over anything that has characters. */
export function detectIn(chars: Chars, kinds: ReadonlySet<DetectorName>): Finding[] {
  const found: Finding[] = []
  readPieces(
    chars,
    newReading(),
    true,
    sinkOf(chars, kinds, (finding) => found.push(finding)),
  )
  return found
}

export interface StreamFindings {
  /** Places count from the start of the stream. */
  readonly findings: readonly Finding[]
  /** Nothing before this place can become part of a later finding: it may go on. */
  readonly settled: number
}

/** A text that comes in chunks. It holds at most one window (`pieceMax` characters) and the newest chunk. */
export class DetectorStream {
  readonly #kinds: ReadonlySet<DetectorName>
  readonly #reading: Reading = newReading()
  #text = ''
  /** Place of the first character of `#text`. */
  #base = 0

  constructor(kinds: ReadonlySet<DetectorName> = allDetectors) {
    this.#kinds = kinds
  }

  /** Whatever the chunks, the findings of a stream are those of `detect` over the whole. */
  push(chunk: string): StreamFindings {
    return this.#read(chunk, false)
  }

  /** Decides what was held. The stream is over. */
  end(): StreamFindings {
    return this.#read('', true)
  }

  #read(chunk: string, isLast: boolean): StreamFindings {
    this.#text += chunk
    const findings: Finding[] = []
    const base = this.#base
    const add = ({ kind, start, end }: Finding) => findings.push({ kind, start: base + start, end: base + end })
    readPieces(this.#text, this.#reading, isLast, sinkOf(this.#text, this.#kinds, add))
    const settled = base + this.#reading.start
    // One character stays as context: whether a word begins depends on it.
    const dropped = Math.max(0, this.#reading.start - 1)
    this.#text = this.#text.slice(dropped)
    this.#base += dropped
    this.#reading.start -= dropped
    this.#reading.at -= dropped
    this.#reading.opened -= dropped
    this.#reading.words -= dropped
    return { findings, settled }
  }
}

function sinkOf(chars: Chars, kinds: ReadonlySet<DetectorName>, add: (finding: Finding) => void): PieceSink {
  return {
    text(start, end, more) {
      let next = more ? end - overlap : end
      for (const finding of inspect({ chars, start, end }, kinds)) {
        // What starts in the part that comes again may be longer than this piece shows.
        if (more && finding.start >= end - overlap) break
        add(finding)
        next = Math.max(next, finding.end)
      }
      return next
    },
    key(start, end) {
      if (kinds.has('private-key')) add({ kind: 'private-key', start, end })
    },
  }
}
