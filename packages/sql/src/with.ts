// WITH: common table expressions, plain, recursive and data-modifying, each found by name from the queries after it.
// Every one is analysed whether it is referenced or not: a data-modifying one runs anyway.
import type { CommonTableExpr, WithClause } from '@pgsql/types'
import { addComputed, addControlOf, readingsApart } from './draft.ts'
import { type CommonTable, type CommonTables, type Scope, unknown } from './scope.ts'
import { queryColumns } from './select.ts'
import { payload, texts } from './tree.ts'
import { type Column, derived, either, sameValue } from './values.ts'

/** Rounds until a recursive query's sources stand still; the sets only grow, so that few are ever needed. */
const roundsMax = 64

/** The tables that a query sees by name: its own WITH list in front of those around it. */
export function commonTables(clause: WithClause | undefined, outer: Scope): CommonTables | null {
  if (clause === undefined) return outer.tables
  const named = new Map<string, CommonTable>()
  let tables: CommonTables | null = outer.tables
  const whole: CommonTables = { named, parent: outer.tables }
  const pending: CommonTable[] = []
  for (const node of clause.ctes ?? []) {
    const table = payload(node, 'CommonTableExpr')
    if (table === undefined) continue
    outer.env.draft.seen.add(table)
    // Without RECURSIVE a query sees only those before it; with it, all of the list.
    const scope: Scope = { ...outer, tables: clause.recursive === true ? whole : tables }
    const made = lazily(table, scope)
    named.set(table.ctename ?? '', made)
    tables = { named: new Map([[table.ctename ?? '', made]]), parent: tables }
    pending.push(made)
  }
  for (const table of pending) table.columns()
  return whole
}

/** Analysed at the first use; a use inside its own analysis is the recursive one and sees what is known so far. */
function lazily(table: CommonTableExpr, scope: Scope): CommonTable {
  let state: 'new' | 'running' | 'done' = 'new'
  let recursive = false
  let known: readonly Column[] = []
  let readings: ReadonlyMap<string, number> = new Map()
  const analyse = (): readonly Column[] => {
    const { ctequery } = table
    const [found, read] = readingsApart(scope.env.draft, () =>
      ctequery === undefined ? [] : queryColumns(ctequery, scope),
    )
    readings = read
    return finish(table, found, scope)
  }
  const reference = (): readonly Column[] => {
    if (recursive) return known
    recursive = true
    scope.env.draft.packs.add('WITH RECURSIVE')
    known = firstColumns(table, scope)
    return known
  }
  return {
    open: table.search_clause !== undefined || table.cycle_clause !== undefined,
    readings: () => readings,
    columns: () => {
      if (state === 'done') return known
      if (state === 'running') return reference()
      state = 'running'
      let found = analyse()
      for (let round = 0; recursive && !sameColumns(known, found); round++) {
        if (round >= roundsMax) {
          unknown(scope.env, `the recursive query "${table.ctename ?? ''}"`)
          break
        }
        known = joined(known, found)
        found = analyse()
      }
      known = recursive ? joined(known, found) : found
      state = 'done'
      addComputed(scope.env.draft, known, 'WITH')
      return known
    },
  }
}

/** What a recursive reference sees in the first round: the columns of the arm that does not recurse. */
function firstColumns(table: CommonTableExpr, scope: Scope): readonly Column[] {
  const select = payload(table.ctequery, 'SelectStmt')
  if (select?.larg === undefined) return []
  const inner: Scope = { ...scope, tables: commonTables(select.withClause, scope) }
  return finish(table, queryColumns({ SelectStmt: select.larg }, inner), scope)
}

function joined(left: readonly Column[], right: readonly Column[]): readonly Column[] {
  return right.map((column, at) => {
    const before = left[at]
    return before === undefined ? column : { name: column.name, value: either(before.value, column.value) }
  })
}

const sameColumns = (left: readonly Column[], right: readonly Column[]): boolean =>
  left.length === right.length &&
  left.every((column, at) => {
    const other = right[at]
    return other !== undefined && sameValue(column.value, either(column.value, other.value))
  })

/** Column aliases, and the columns that SEARCH and CYCLE add. */
function finish(table: CommonTableExpr, columns: readonly Column[], scope: Scope): readonly Column[] {
  const aliases = texts(table.aliascolnames)
  if (aliases.length > columns.length) unknown(scope.env, `more names than columns in "${table.ctename ?? ''}"`)
  const renamed = columns.map(({ name, value }, at) => ({ name: aliases[at] ?? name, value }))
  const of = (names: readonly string[]) =>
    derived(renamed.filter(({ name }) => names.includes(name)).map(({ value }) => value))
  const added: Column[] = []
  const search = table.search_clause
  if (search !== undefined)
    added.push({ name: search.search_seq_column ?? '', value: of(texts(search.search_col_list)) })
  const cycle = table.cycle_clause
  if (cycle !== undefined) {
    const value = of(texts(cycle.cycle_col_list))
    addControlOf(scope.env.draft, value, 'CYCLE')
    added.push({ name: cycle.cycle_mark_column ?? '', value }, { name: cycle.cycle_path_column ?? '', value })
  }
  return [...renamed, ...added]
}
