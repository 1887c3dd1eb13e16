// Lines of a body that comes in pieces, for bodies that hold a JSON text a line and for server-sent events. Any split of the
// bytes gives the same lines; a line is never kept past a length.
import { ProtocolError } from '../protocol-error.ts'

export interface Lines {
  /** Whole lines, without their ends. Throws ProtocolError for one that is longer than may be. */
  push(chunk: Uint8Array): readonly Uint8Array[]
  /** What stands after the last end of a line; empty where nothing does. */
  end(): Uint8Array
}

const lf = 0x0a
const cr = 0x0d

/**
 * `lf`: a line ends with LF. `any`: with CR, LF or both (HTML, "Parsing an event stream").
 */
export function splitLines(ends: 'lf' | 'any', bytesMax: number): Lines {
  let held: Uint8Array[] = []
  let heldBytes = 0
  let afterCr = false
  const keep = (piece: Uint8Array): void => {
    heldBytes += piece.length
    if (heldBytes > bytesMax) throw new ProtocolError(`a line of more than ${bytesMax} bytes`)
    if (piece.length > 0) held.push(piece)
  }
  const taken = (): Uint8Array => {
    const line = held.length === 1 && held[0] !== undefined ? held[0] : joined(held, heldBytes)
    held = []
    heldBytes = 0
    return line
  }
  return {
    push(chunk) {
      const lines: Uint8Array[] = []
      let from = afterCr && chunk[0] === lf ? 1 : 0
      if (chunk.length > 0) afterCr = false
      for (let at = endOf(chunk, from, ends); at !== -1; at = endOf(chunk, from, ends)) {
        keep(chunk.subarray(from, at))
        lines.push(taken())
        const isCr = chunk[at] === cr
        from = isCr && chunk[at + 1] === lf ? at + 2 : at + 1
        // Its LF may come with the next piece.
        afterCr = isCr && from === chunk.length && chunk[chunk.length - 1] === cr
      }
      // A copy: the piece may be a small part of a large buffer.
      if (from < chunk.length) keep(chunk.slice(from))
      return lines
    },
    end: taken,
  }
}

function endOf(chunk: Uint8Array, from: number, ends: 'lf' | 'any'): number {
  const atLf = chunk.indexOf(lf, from)
  if (ends === 'lf') return atLf
  const atCr = atLf === -1 ? chunk.indexOf(cr, from) : chunk.subarray(0, atLf).indexOf(cr, from)
  return atCr === -1 ? atLf : atCr
}

function joined(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
