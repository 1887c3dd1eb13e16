// Pieces of a text by PostgreSQL's own scanner: literals and comments, so that records can leave them out, and the kinds of
// all of them, so that reviewers see the text in the colours of its meaning. The parser has to be loaded before (parser.ts).
import type { HeldSpan } from '@sallyport/ledger/hold'
import { byteIndex } from '@sallyport/sql/text'
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

/** What the scanner finds, in UTF-16 offsets; nothing where the text does not split into tokens. */
export function heldSpans(text: string): readonly HeldSpan[] {
  const at = byteIndex(text)
  try {
    return scanSync(text).tokens.map((token) => ({ start: at(token.start), end: at(token.end), kind: kindOf(token) }))
  } catch {
    return []
  }
}

type Scanned = Pick<ReturnType<typeof scanSync>['tokens'][number], 'text' | 'tokenName' | 'keywordName'>

function kindOf({ text, tokenName, keywordName }: Scanned): HeldSpan['kind'] {
  if (comments.has(tokenName)) return 'comment'
  if (tokenName === 'ICONST' || tokenName === 'FCONST') return 'number'
  if (literals.has(tokenName) || text.includes("'") || text.startsWith('$$')) return 'string'
  if (tokenName === 'PARAM') return 'parameter'
  if (tokenName === 'IDENT' || text.includes('"')) return 'name'
  return keywordName === 'NO_KEYWORD' ? 'operator' : 'keyword'
}
