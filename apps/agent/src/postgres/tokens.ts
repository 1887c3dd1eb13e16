// Literals and comments of a text, by PostgreSQL's own scanner, so that records can leave them out. The parser has to be
// loaded before (parser.ts).
import { scanSync } from 'libpg-query'
import type { TokenScan, TokenSpan } from '../session/recorded.ts'

const literals = new Set(['SCONST', 'USCONST', 'BCONST', 'XCONST', 'ICONST', 'FCONST'])
const comments = new Set(['C_COMMENT', 'SQL_COMMENT'])

/** Offsets are bytes of UTF-8. Throws when the text does not split into tokens. */
export const scanTokens: TokenScan = (text) => {
  const spans: TokenSpan[] = []
  for (const { start, end, tokenName, text: token } of scanSync(text).tokens) {
    if (comments.has(tokenName)) spans.push({ start, end, kind: 'comment' })
    // The scanner has no name for some kinds (U&'', B''): whatever holds a quote is a literal.
    else if (literals.has(tokenName) || token.includes("'")) spans.push({ start, end, kind: 'literal' })
  }
  return spans
}
