// How much of the agent's memory a session keeps by what it has prepared and bound. It refuses nothing (requests.ts).
import type { BoundParameters } from '../session/recorded.ts'
import type { State } from './state.ts'

/** A parameter takes room even if it is NULL. */
const parameterBytes = 32

export const portalBytes = (text: string, { lengths }: BoundParameters): number =>
  lengths.reduce<number>((sum, length) => sum + parameterBytes + (length ?? 0), text.length)

/** Texts and bound values that the session keeps, in bytes; characters of texts count for what they mostly take. */
export function keptBytes(state: State): number {
  let bytes = 0
  for (const { text } of state.statements.values()) bytes += text.length
  for (const { bytes: own } of state.portals.values()) bytes += own
  return bytes
}
