// The shape of our search boxes: words, "quoted words", and `operator:value`. Pure; says what is wrong in words that help.

export interface Term<Operator extends string = string> {
  /** Null for a word. */
  readonly operator: Operator | null
  readonly value: string
  /** Where it stands in the text. */
  readonly from: number
  readonly to: number
}

export type Terms<Operator extends string> =
  | { readonly ok: true; readonly terms: readonly Term<Operator>[] }
  | { readonly ok: false; readonly problem: string }

/** Terms of one search. */
export const termsMax = 20

/** Splits a text into terms. An operator that is not in the list is refused, with the nearest one that is. */
export function termsOf<Operator extends string>(text: string, operators: readonly Operator[]): Terms<Operator> {
  const terms: Term<Operator>[] = []
  // An operator is letters before a colon; `10.0.0.7:5432` and a time of day are words.
  for (const match of text.matchAll(/(?:([A-Za-z]+):)?(?:"([^"]*)("?)|([^\s"]*))(?=\s|$|")/g)) {
    const whole = match[0]
    if (whole === '') continue
    if (match[2] !== undefined && match[3] === '') return refused(`the quote before ‹${match[2]}› is not closed`)
    const value = (match[2] ?? match[4] ?? '').trim()
    const name = match[1]?.toLowerCase()
    const operator = name === undefined ? null : operators.find((each) => each === name)
    if (operator === undefined) return refused(unknownOperator(name ?? '', operators))
    if (value === '' && operator === null) continue
    if (value === '') return refused(`"${name}:" needs a value after the colon`)
    terms.push({ operator, value, from: match.index, to: match.index + whole.length })
  }
  if (terms.length > termsMax) return refused(`a search has at most ${termsMax} terms`)
  return { ok: true, terms }
}

const refused = (problem: string): { ok: false; problem: string } => ({ ok: false, problem })

function unknownOperator(name: string, operators: readonly string[]): string {
  const near = operators
    .map((operator) => ({ operator, distance: distance(name, operator) }))
    .filter((each) => each.distance <= 2)
    .sort((a, b) => a.distance - b.distance)[0]
  const known = `${operators.slice(0, -1).join(', ')} and ${operators.at(-1)}`
  return near === undefined
    ? `there is no "${name}:"; a search knows ${known}. Put the word in quotes to search for it as it is`
    : `there is no "${name}:"; did you mean "${near.operator}:"?`
}

/** Letters that must change to make one word of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min(swap, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}

/** A value as the box shows it: quoted when it has a space. */
export const quoted = (value: string): string => (/\s/.test(value) ? `"${value}"` : value)

/** The text without this term. */
export const without = (text: string, term: Term): string =>
  `${text.slice(0, term.from)} ${text.slice(term.to)}`.replace(/\s+/g, ' ').trim()

/** The text with `operator:value` in place of what the operator says now; the term is dropped when value is null. */
export function withTerm(text: string, operator: string, value: string | null): string {
  const parts = text.match(/(?:[A-Za-z]+:)?(?:"[^"]*"?|[^\s"]+)/g) ?? []
  const kept = parts.filter((part) => !part.toLowerCase().startsWith(`${operator}:`))
  if (value !== null) kept.push(`${operator}:${quoted(value)}`)
  return kept.join(' ')
}
