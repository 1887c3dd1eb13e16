// From a text to the facts of each of its statements. Never throws for what the text says: an unknown construct is a fact.

import type { RawStmt } from '@pgsql/types'
import { limits } from '@sallyport/base/limits'
import type { Catalog } from './catalog.ts'
import { type CatalogIndex, indexOf } from './catalog-index.ts'
import { newDraft } from './draft.ts'
import type { AnalysisContext, SqlParser, StatementFacts } from './facts.ts'
import { boundGuesses } from './guesses.ts'
import { orderByIndexes } from './index-order.ts'
import { hasHint, spellingProblems } from './lexer.ts'
import { type Made, made, reachOf } from './made.ts'
import { writesOneRow } from './order-fixed.ts'
import { factsOf, type Outcome } from './outcome.ts'
import type { Environment } from './scope.ts'
import { after, meansChanged, type Sequence, start } from './sequence.ts'
import { runStatement } from './statements.ts'
import { byteIndex, fingerprintOf, slice } from './text.ts'
import { checkTree, statementsOf, unvisited, utf8Length } from './tree.ts'
import { mentionImplicitCasts } from './types.ts'

export type Analysis =
  | { readonly kind: 'facts'; readonly statements: readonly StatementFacts[] }
  /** The parser refuses the text; `message` is the parser's, `position` a 1-based character index or null. */
  | { readonly kind: 'syntax'; readonly message: string; readonly position: number | null }

/** Facts of every statement of `text` (up to limits.statementBytesMax bytes), in order, under one catalog and context. */
export function analyse(text: string, catalog: Catalog, context: AnalysisContext, parser: SqlParser): Analysis {
  if (utf8Length(text) > limits.statementBytesMax)
    return { kind: 'syntax', message: `a text of more than ${limits.statementBytesMax} bytes`, position: null }
  // The parser reads up to a NUL and replaces half characters: it would judge another text than the one that runs.
  if (text.includes('\0')) return { kind: 'syntax', message: 'a text with a NUL character', position: null }
  if (/\p{Surrogate}/u.test(text)) return { kind: 'syntax', message: 'a text with half a character', position: null }
  if (text.trim() === '') return { kind: 'facts', statements: [] }
  let parsed: readonly unknown[] | undefined
  try {
    parsed = parser.parse(text).stmts
  } catch (thrown) {
    return syntax(thrown)
  }
  const statements = statementsOf(parsed)
  if (statements === null) return { kind: 'syntax', message: 'the parser gave no statements', position: null }
  let index = indexOf(catalog)
  const problems = spellingProblems(text, catalog.serverVersion, catalog.serverEncoding)
  const hinted = hasHint(text)
  const offset = byteIndex(text)
  const facts: StatementFacts[] = []
  let sequence = start(context)
  for (const statement of statements) {
    const { facts: one, made: added } = statementFacts(
      statement,
      slice(text, offset, statement.stmt_location, statement.stmt_len),
      {
        index,
        parser,
        sequence,
        problems,
        hinted,
      },
    )
    facts.push(one)
    if (added !== null) index = added.index
    sequence = after(sequence, one, {
      made: added?.objects ?? null,
      forgetsPath: added?.forgetsPath === true,
      reach: reachOf(statement.stmt, added !== null),
    })
  }
  return { kind: 'facts', statements: facts }
}

interface Around {
  readonly index: CatalogIndex
  readonly parser: SqlParser
  readonly sequence: Sequence
  readonly problems: readonly string[]
  /** Some extension may take a comment for a plan, and with it for an order of rows. */
  readonly hinted: boolean
}

interface Analysed {
  readonly facts: StatementFacts
  readonly made: Made | null
}

function statementFacts(statement: RawStmt, text: string, around: Around): Analysed {
  const { index, parser, sequence, problems, hinted } = around
  const draft = newDraft()
  for (const problem of problems) draft.unknowns.add(problem)
  if (hinted) draft.opaque.add('a hint for the planner')
  const fingerprint = fingerprintOf(parser, text)
  const check = checkTree(statement.stmt)
  for (const refusal of check.refusals) draft.unknowns.add(refusal)
  if (check.refusals.length > 0 || statement.stmt === undefined)
    return { facts: factsOf(draft, { verb: 'unknown', output: null }, text, fingerprint), made: null }
  const env: Environment = {
    index,
    parser,
    context: sequence.context,
    searchPath: sequence.searchPath,
    naming: 'session',
    draft,
    text,
    depth: check.depth,
    expanding: [],
    body: null,
  }
  const outcome: Outcome = runStatement(statement.stmt, env)
  if (draft.relations.size > 0 || draft.functions.size > 0) mentionImplicitCasts(env)
  for (const left of unvisited(check.significant, draft.seen)) draft.unknowns.add(left)
  boundGuesses(draft, statement.stmt, env)
  orderByIndexes(draft, statement.stmt, env)
  const plain = draft.flows.size === 0 ? null : writesOneRow(draft, statement.stmt, env)
  const one =
    plain === null ? {} : { isOfOneRow: true as const, ...(plain.length === 0 ? {} : { keyParameters: plain }) }
  const facts = { ...factsOf(draft, outcome, text, fingerprint), ...one }
  if (!meansChanged(sequence, facts, draft.operators)) return { facts, made: made(statement.stmt, facts, env) }
  const unknowns = [...facts.unknowns, 'a name that the same text has changed before']
  return { facts: { ...facts, unknowns }, made: null }
}

function syntax(thrown: unknown): Analysis {
  const message = thrown instanceof Error ? thrown.message : 'the parser refuses the text'
  const position = positionIn(thrown)
  // The parser counts characters from 0, as the protocol's field P does from 1.
  return { kind: 'syntax', message, position: position === null ? null : position + 1 }
}

function positionIn(thrown: unknown): number | null {
  if (typeof thrown !== 'object' || thrown === null || !('sqlDetails' in thrown)) return null
  const details = thrown.sqlDetails
  if (typeof details !== 'object' || details === null || !('cursorPosition' in details)) return null
  const position = details.cursorPosition
  return typeof position === 'number' && position >= 0 ? position : null
}
