// The agent's own floor: what no snapshot can loosen (DESIGN §2). Read once at the start; a floor that was asked for and
// is not good stops the start.
import { readFileSync } from 'node:fs'
import { SallyportError } from '@sallyport/base/errors'
import type { FloorDocument } from '@sallyport/policy/document'
import { parseFloor } from '@sallyport/policy/parse'

/** A floor is written by hand. In bytes. */
const floorBytesMax = 1_048_576

/** Null when no path is given. Throws FLOOR_INVALID with every problem. */
export function readFloor(path: string | undefined): FloorDocument | null {
  if (path === undefined) return null
  const { floor, problems } = parseFloor(textOf(path))
  const [first] = problems
  if (first !== undefined || floor === null) {
    const lines = problems.map(
      ({ line, path: at, message }) => `${line === null ? '' : `line ${line}, `}${at}: ${message}`,
    )
    throw new SallyportError('FLOOR_INVALID', `floor "${path}" is not valid: ${lines.join('; ') || 'it is empty'}`, {
      hint: 'correct the file; the agent does not start without the floor that it was told to have',
    })
  }
  return floor
}

function textOf(path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SallyportError('FLOOR_INVALID', `floor "${path}" cannot be read`, {
      cause,
      hint: 'give the agent this file, or take the setting away',
    })
  }
  if (Buffer.byteLength(text) > floorBytesMax) throw new SallyportError('FLOOR_INVALID', `floor "${path}" is too long`)
  return text
}
