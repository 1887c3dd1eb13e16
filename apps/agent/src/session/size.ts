// Bounds of one text before any parser sees it: parsing and analysis run on the thread that serves every session, so what
// would take them long is refused by counting alone. Linear in the text.
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { tokens } from '@sallyport/sql/lexer'

/** Null when the text may be parsed. */
export function sizeRefusal(text: string): SallyportError | null {
  if (tooLong(text))
    return tooLarge(`longer than ${limits.statementBytesMax} bytes`, 'send large values as parameters or with COPY')
  // A token has at least one character, and all statements but the last end with a semicolon.
  if (text.length <= limits.statementTokensMax && semicolons(text) < limits.statementsPerTextMax) return null
  const counted = count(text)
  if (counted.tokens > limits.statementTokensMax)
    return tooLarge(
      `made of more than ${limits.statementTokensMax} words and signs`,
      'send lists as an array parameter, and rows in several statements or with COPY',
    )
  if (counted.statements > limits.statementsPerTextMax)
    return tooLarge(`a text of more than ${limits.statementsPerTextMax} statements`, 'send it in several parts')
  return null
}

const tooLarge = (what: string, hint: string): SallyportError =>
  new SallyportError('STATEMENT_TOO_LONG', `the statement is ${what}`, { hint })

/** In bytes, without encoding a text that is short anyway. */
const tooLong = (text: string): boolean =>
  text.length * 3 > limits.statementBytesMax &&
  (text.length > limits.statementBytesMax || new TextEncoder().encode(text).length > limits.statementBytesMax)

function semicolons(text: string): number {
  let found = 0
  for (let at = text.indexOf(';'); at >= 0; at = text.indexOf(';', at + 1)) found += 1
  return found
}

/** What stands between semicolons counts as a statement if it is more than comments; never fewer than the parser finds. */
function count(text: string): { readonly tokens: number; readonly statements: number } {
  const all = tokens(text)
  let statements = 0
  let isOpen = false
  for (const { kind, start } of all) {
    if (kind === 'comment') continue
    const ends = text.charAt(start) === ';'
    if (!ends && !isOpen) statements += 1
    isOpen = !ends
  }
  return { tokens: all.length, statements }
}
