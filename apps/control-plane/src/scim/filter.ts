// Filters of SCIM (RFC 7644, 3.4.2.2), the part that providers use: attributes compared with `eq`, joined by `and`. Anything
// else is refused by name; a filter that is read in part would find users that were not meant.
import { ScimRefusal } from './errors.ts'

export interface Comparison {
  /** In lower case, without the schema's URN. */
  readonly attribute: string
  readonly value: string | boolean
}

/** Comparisons that one filter may hold. */
const comparisonsMax = 5
/** Characters of a filter. */
export const filterCharsMax = 1_000

const comparison = /^\s*([A-Za-z][\w$.:-]*)\s+(eq)\s+("(?:[^"\\]|\\.)*"|true|false)\s*/i

const refused = (): ScimRefusal =>
  new ScimRefusal(400, 'only attributes compared with "eq" and joined by "and" can be asked for', 'invalidFilter')

/** Throws 400 invalidFilter. */
export function parseFilter(text: string): Comparison[] {
  if (text.length > filterCharsMax) throw refused()
  const found: Comparison[] = []
  let rest = text
  while (found.length < comparisonsMax) {
    const [all, attribute = '', , shown = ''] = comparison.exec(rest) ?? []
    if (all === undefined) throw refused()
    found.push({ attribute: bareName(attribute), value: literalOf(shown) })
    rest = rest.slice(all.length)
    if (rest === '') return found
    const and = /^and\s+/i.exec(rest)
    if (and === null) throw refused()
    rest = rest.slice(and[0].length)
  }
  throw refused()
}

/** An attribute without its schema (RFC 7644, 3.10), in lower case: names are not case sensitive (RFC 7643, 2.1). */
export const bareName = (name: string): string =>
  name.replace(/^urn:ietf:params:scim:schemas:[\w:.]*:(?=[A-Za-z])/i, '').toLowerCase()

function literalOf(shown: string): string | boolean {
  if (!shown.startsWith('"')) return shown.toLowerCase() === 'true'
  try {
    const text: unknown = JSON.parse(shown)
    if (typeof text === 'string') return text
  } catch {}
  throw new ScimRefusal(400, 'a value of the filter is no JSON string', 'invalidFilter')
}
