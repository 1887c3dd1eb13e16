// COPY: out is a SELECT of the columns, in is an INSERT, and a file or a program at the server is an effect of its own.
import type { CopyStmt, RangeVar } from '@pgsql/types'
import { columnRefs } from './catalog-index.ts'
import { writeEffects } from './closure.ts'
import { addDirect } from './draft.ts'
import { condition } from './expressions.ts'
import type { OutputColumn } from './facts.ts'
import { effectOnRelation } from './objects.ts'
import { type Outcome, shown } from './outcome.ts'
import { readRelation, resolveRelation } from './relations.ts'
import { type Environment, emptyScope, entryOf, inside, unknown } from './scope.ts'
import { isQuery, queryColumns } from './select.ts'
import { payload, texts } from './tree.ts'
import { plain } from './values.ts'

export function copyStatement(copy: CopyStmt, env: Environment): Outcome {
  const outside = copy.filename !== undefined || copy.is_program === true
  if (outside) addDirect(env.draft, 'copy-file', copy.is_program === true ? 'program:' : 'file:')
  for (const node of copy.options ?? []) {
    const option = payload(node, 'DefElem')
    if (option === undefined || !known.has(option.defname ?? '')) unknown(env, 'an option of COPY')
  }
  if (copy.is_from === true) {
    copyIn(copy, env)
    if (!outside) env.draft.session.push({ kind: 'copy', direction: 'in' })
    return { verb: 'copy', output: null }
  }
  const output = copyOut(copy, env)
  if (!outside) env.draft.session.push({ kind: 'copy', direction: 'out', ...(isPlain(copy) ? { plain: true } : {}) })
  return { verb: 'copy', output }
}

/** Options that leave the bytes of a row as text and CSV format have them by default. */
const harmless = new Set(['header', 'freeze', 'force_quote'])

function isPlain({ options }: CopyStmt): boolean {
  return (options ?? []).every((node) => {
    const option = payload(node, 'DefElem')
    const name = option?.defname ?? ''
    if (name !== 'format') return harmless.has(name)
    const format = payload(option?.arg, 'String')?.sval
    return format === 'text' || format === 'csv'
  })
}

const known = new Set(
  `format freeze delimiter null default header quote escape force_quote force_not_null force_null encoding on_error
  reject_limit log_verbosity`.split(/\s+/),
)

function copyOut(copy: CopyStmt, env: Environment): readonly OutputColumn[] {
  if (copy.query !== undefined) {
    if (!isQuery(copy.query)) unknown(env, 'COPY of something else than a query')
    return shown(queryColumns(copy.query, emptyScope(env)))
  }
  if (copy.relation === undefined) {
    unknown(env, 'COPY of nothing')
    return []
  }
  env.draft.seen.add(copy.relation)
  const entry = readRelation(env, copy.relation)
  const names = texts(copy.attlist)
  // Without a list generated columns are left out (copy.c, CopyGetAttnums).
  const left = names.length === 0 ? generatedColumns(copy.relation, env) : []
  const columns = entry.columns.filter(
    ({ name }) => !left.includes(name) && (names.length === 0 || names.includes(name)),
  )
  for (const name of names)
    if (!entry.columns.some((column) => column.name === name)) unknown(env, `the column "${name}"`)
  for (const column of columns) column.read?.()
  // In the order that was written.
  const ordered = names.length === 0 ? columns : names.flatMap((name) => columns.find((one) => one.name === name) ?? [])
  return shown(ordered)
}

function generatedColumns(range: RangeVar, env: Environment): readonly string[] {
  const resolved = resolveRelation(env, range)
  if (resolved.kind !== 'catalog') return []
  return resolved.relation.columns.filter(({ generated }) => generated !== 'no').map(({ name }) => name)
}

function copyIn(copy: CopyStmt, env: Environment): void {
  const resolved = effectOnRelation(env, 'insert', copy.relation)
  if (resolved?.kind !== 'catalog') return
  const { relation } = resolved
  writeEffects(env, 'insert', relation, true)
  const listed = texts(copy.attlist)
  for (const ref of columnRefs(env.index, relation))
    if (listed.length === 0 || listed.some((name) => ref.name.endsWith(`.${name}`))) env.draft.written.add(ref)
  // WHERE sees the rows that come in, not those that are there.
  const incoming = entryOf(
    relation.name,
    relation.columns.map((column) => ({ name: column.name, value: plain(column.type) })),
  )
  condition(copy.whereClause, { ...inside(emptyScope(env), [incoming]), nested: true }, 'WHERE')
}
