// From a text to the facts of each of its statements. Never throws for what the text says: an unknown construct is a fact.
import type { Catalog } from './catalog.ts'
import type { AnalysisContext, SqlParser, StatementFacts } from './facts.ts'

export type Analysis =
  | { readonly kind: 'facts'; readonly statements: readonly StatementFacts[] }
  /** The parser refuses the text; `message` is the parser's, `position` a 1-based character index or null. */
  | { readonly kind: 'syntax'; readonly message: string; readonly position: number | null }

/** Facts of every statement of `text` (up to limits.statementBytesMax bytes), in order, under one catalog and context. */
export function analyse(text: string, catalog: Catalog, context: AnalysisContext, parser: SqlParser): Analysis {
  void [text, catalog, context, parser]
  throw new Error('written by the sql room')
}
