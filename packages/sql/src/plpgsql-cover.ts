// What the parser's output leaves out of a PL/pgSQL body: the initial value of a record, for one. Found by comparing names.
import { tokens } from './lexer.ts'

/** Words of the language itself. Without any other name no function is called and no relation is read. */
const keywords = new Set(
  `all alias and array as assert backward begin between by case collate column column_name constant constraint
   constraint_name continue current cursor datatype debug declare default detail diagnostics distinct do else elseif elsif
   end errcode error exception execute exists exit fetch for foreach forward from get hint if in info insert into is last
   log loop message next no not notice null nulls of off on open option or perform pg_datatype_name query raise record
   relative return returned_sqlstate reverse row row_count rowtype schema schema_name scroll select set slice sqlstate
   stacked strict table table_name then to true false type update using values variable_conflict warning when where while
   with delete new old`
    .split(/\s+/)
    .filter(Boolean),
)

/**
 * Why the tree does not say all that the source says; null when it does. INVARIANT: every name of the source stands somewhere
 * in the texts of the tree, as often; `names` are of variables and fields, `records` those that are declared as one.
 */
export function leftOut(
  source: string,
  texts: readonly string[],
  names: ReadonlySet<string>,
  records: readonly string[],
): string | null {
  const left = new Map<string, number>()
  for (const text of texts) for (const word of words(text)) left.set(word, (left.get(word) ?? 0) + 1)
  for (const word of words(source)) {
    if (keywords.has(word) || names.has(word)) continue
    const count = left.get(word) ?? 0
    if (count === 0) return `"${word}" in a place that is not understood`
    left.set(word, count - 1)
  }
  const begun = records.find((name) => hasInitial(source, name))
  return begun === undefined ? null : `what "${begun}" begins with`
}

function words(text: string): string[] {
  return tokens(text).flatMap(({ kind, start, end }) => {
    const written = text.slice(start, end)
    if (kind === 'name') return [written.toLowerCase()]
    return kind === 'quoted' ? [written.slice(1, -1).replaceAll('""', '"')] : []
  })
}

/** Is there `name type … := …` up to a semicolon, which only a declaration has? */
function hasInitial(source: string, name: string): boolean {
  const found = tokens(source).filter(({ kind }) => kind !== 'comment')
  const written = found.map(({ start, end }) => source.slice(start, end))
  const isIt = (word: string | undefined) => word?.toLowerCase() === name || word === `"${name}"`
  return written.some((word, at) => {
    const before = written[at - 1]?.toLowerCase()
    const next = found[at + 1]
    const starts = before === ';' || before === 'declare' || before === '>' || before === undefined
    if (!isIt(word) || !starts || (next?.kind !== 'name' && next?.kind !== 'quoted')) return false
    const end = written.indexOf(';', at)
    const rest = written.slice(at + 1, end < 0 ? undefined : end).map((one) => one.toLowerCase())
    return rest.includes('=') || rest.includes('default')
  })
}
