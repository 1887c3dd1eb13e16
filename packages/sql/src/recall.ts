// Facts of a text from those of an earlier text of the same shape: right when every literal that the analysis of the earlier
// one looked at is spelled the same, because nothing else can have made a difference (DESIGN §4, Cache).
import { type Analysis, analyse } from './analyse.ts'
import type { Catalog } from './catalog.ts'
import { watchConstants } from './constants.ts'
import type { AnalysisContext, SqlParser, StatementFacts } from './facts.ts'
import type { Shape } from './shape.ts'

/** What is remembered of one text. Holds under the catalog and context that it was learned under, and under no others. */
export interface Learned {
  readonly facts: StatementFacts
  /** What the facts of other texts of its shape are made from: those above with their `shape`, which are copied cheaply as a whole. */
  readonly pattern: StatementFacts
  /** Spellings that have to be the same, by index of the literal. */
  readonly pinned: readonly (readonly [index: number, spelling: string])[]
}

/** Statements that leave nothing in their session: of others the agent keeps texts and bodies. */
const verbs: ReadonlySet<string> = new Set(['select', 'insert', 'update', 'delete', 'merge', 'values'])

/** Analyses a text, and says what of it other texts of its shape can go by; null for a text that is its own case. */
export function learn(
  text: string,
  shape: Shape,
  catalog: Catalog,
  context: AnalysisContext,
  parser: SqlParser,
): { readonly analysis: Analysis; readonly learned: Learned | null } {
  const watched = watchConstants(text, shape, parser)
  const analysis = analyse(text, catalog, context, watched.parser)
  const [facts, ...more] = analysis.kind === 'facts' ? analysis.statements : []
  if (facts === undefined || more.length > 0 || !verbs.has(facts.verb) || facts.session.length > 0)
    return { analysis, learned: null }
  const pinned = [...watched.seen()].map((index): [number, string] => [index, spellingOf(text, shape, index)])
  return { analysis, learned: { facts, pattern: { ...facts, shape: facts }, pinned } }
}

/** The facts of `text`, whose shape is that of what was learned; undefined where a literal that matters is another one. */
export function recall(list: readonly Learned[], text: string, shape: Shape): StatementFacts | undefined {
  const found = list.find(({ pinned }) =>
    pinned.every(([index, spelling]) => spellingOf(text, shape, index) === spelling),
  )
  if (found === undefined) return undefined
  return { ...found.pattern, text: statementOf(text) }
}

function spellingOf(text: string, { literals }: Shape, index: number): string {
  const literal = literals[index]
  return literal === undefined ? '' : text.slice(literal.sign >= 0 ? literal.sign : literal.start, literal.end)
}

/** A text with a shape holds one statement, with at most one semicolon behind it. */
const statementOf = (text: string): string => text.replace(/;\s*$/, '').trim()
