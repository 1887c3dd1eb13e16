// Every statement of the grammar: what it does and what it gives. A statement node without an entry is an unknown, and so is
// whatever an entry leaves unvisited (analyse.ts looks for that).
import type { CallStmt, Node, SelectStmt } from '@pgsql/types'
import { calledWith, candidates, missingFunction, note, userColumns } from './calls.ts'
import { copyStatement } from './copy.ts'
import { changed, ddl } from './ddl.ts'
import { ddlOfCode } from './ddl-code.ts'
import { ddlOfTables } from './ddl-tables.ts'
import { addDirect, addFlow } from './draft.ts'
import { explainStatement } from './explain.ts'
import { createdRelation } from './objects.ts'
import { done, type Outcome, shown } from './outcome.ts'
import { type Environment, emptyScope, unknown } from './scope.ts'
import { isQuery, queryColumns, selectColumns } from './select.ts'
import { sessionStatements } from './session.ts'
import { dispatch, type Handlers, payload, tagOf, texts } from './tree.ts'
import type { Column } from './values.ts'

const statements: Handlers<[env: Environment], Outcome> = {
  SelectStmt: selectStatement,
  InsertStmt: (found, env) => query('insert', { InsertStmt: found }, found.returningClause !== undefined, env),
  UpdateStmt: (found, env) => query('update', { UpdateStmt: found }, found.returningClause !== undefined, env),
  DeleteStmt: (found, env) => query('delete', { DeleteStmt: found }, found.returningClause !== undefined, env),
  MergeStmt: (found, env) => query('merge', { MergeStmt: found }, found.returningClause !== undefined, env),
  CreateTableAsStmt: (found, env) => {
    const columns = found.query === undefined ? [] : createdFrom(found.query, env)
    createAs(found.into?.rel, texts(found.into?.colNames), columns, env)
    return changed('create', env)
  },
  CallStmt: callStatement,
  CopyStmt: copyStatement,
  ExplainStmt: explainStatement,
}

/** In a function, because the modules of the tables import each other. */
const tables = (): readonly Handlers<[env: Environment], Outcome>[] => [
  statements,
  sessionStatements,
  ddl,
  ddlOfTables,
  ddlOfCode,
]

export function runStatement(node: Node, env: Environment): Outcome {
  for (const inner of Object.values(node)) env.draft.seen.add(inner)
  const outcome = tables().reduce<Outcome | undefined>((found, table) => found ?? dispatch(table, node, env), undefined)
  if (outcome !== undefined) return outcome
  unknown(env, `the statement ${tagOf(node)}`)
  return done(tagOf(node).replace(/Stmt$/, '').toLowerCase())
}

function query(verb: string, node: Node, rows: boolean, env: Environment): Outcome {
  const columns = queryColumns(node, emptyScope(env))
  return { verb, output: rows ? shown(columns) : null }
}

/** SELECT INTO is a CREATE TABLE AS in other words; of a set operation the first arm carries it. */
function selectStatement(select: SelectStmt, env: Environment): Outcome {
  let first: SelectStmt = select
  while (first.larg !== undefined) first = first.larg
  const into = first.intoClause
  if (into !== undefined) env.draft.seen.add(into)
  const columns = selectColumns(select, emptyScope(env))
  if (into === undefined) return { verb: 'select', output: shown(columns) }
  createAs(into.rel, texts(into.colNames), columns, env)
  return changed('select', env)
}

/** The query behind CREATE TABLE AS: also EXECUTE of a prepared one. */
function createdFrom(node: Node, env: Environment): readonly Column[] {
  if (isQuery(node)) return queryColumns(node, emptyScope(env))
  const execute = payload(node, 'ExecuteStmt')
  const output = execute === undefined ? null : runStatement(node, env).output
  if (output === null) {
    unknown(env, `${tagOf(node)} in CREATE TABLE AS`)
    return []
  }
  return output.map(({ name, kind, sources }) => ({
    name,
    value: { kind, sources: new Set(sources), nulls: new Set(), type: null, fields: null },
  }))
}

/** What is stored under new names can be read there by anyone who may read them: each column is a flow. */
export function createAs(
  range: Parameters<typeof createdRelation>[0],
  names: readonly string[],
  columns: readonly Column[],
  env: Environment,
): void {
  const object = createdRelation(range, env)
  addDirect(env.draft, 'create', object)
  columns.forEach(({ name, value }, at) => {
    addFlow(env.draft, `${object}.${names[at] ?? name}`, null, value.sources)
  })
}

function callStatement(found: CallStmt, env: Environment): Outcome {
  const scope = emptyScope(env)
  const called = found.funccall === undefined ? null : calledWith({ FuncCall: found.funccall }, scope)
  if (called === null) {
    unknown(env, 'CALL')
    return done('call')
  }
  const names = texts(called.call.funcname)
  const procedures = candidates(names, called.values, called.call.func_variadic === true, env)
  note(env, procedures, called.values)
  const columns = procedures.user.flatMap((one) => userColumns(one, called.values, env) ?? [])
  if (procedures.user.length === 0) missingFunction(names, env)
  // OUT arguments come back as a row.
  return { verb: 'call', output: columns.length > 0 ? shown(columns) : null }
}

/** Is there an entry for this type of statement? */
export const isStatementKnown = (tag: string): boolean => tables().some((table) => Object.hasOwn(table, tag))
