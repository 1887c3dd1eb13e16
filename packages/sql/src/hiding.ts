// Functions and operators that may come to be called in the place of others. A statement that was judged before, and waits for
// a lock at the target, has its names looked up after the wait: what it was judged by must still be what it calls.
// So a new one under a name that is in use reads nothing, or is code that nobody can see.
import type { CreateFunctionStmt, DefineStmt } from '@pgsql/types'
import { builtin, isSystemOperator } from './builtins.ts'
import type { Environment } from './scope.ts'
import { payload, texts } from './tree.ts'
import { parseBody } from './views.ts'

export function noteHidingFunction(found: CreateFunctionStmt, env: Environment): void {
  const name = texts(found.funcname).at(-1) ?? ''
  if (isInUse(name, env) && !readsNothing(found, env)) note(name, env)
}

/** ALTER FUNCTION … RENAME TO. */
export function noteHidingName(name: string, env: Environment): void {
  if (isInUse(name, env)) note(name, env)
}

/** Of an operator or aggregate only names of its functions are known. */
export function noteHidingDefinition(found: DefineStmt, env: Environment): void {
  const name = texts(found.defnames).at(-1) ?? ''
  const isOperator = found.kind === 'OBJECT_OPERATOR' && (isSystemOperator(name) || env.index.operators.has(name))
  if (isOperator || (found.kind === 'OBJECT_AGGREGATE' && isInUse(name, env))) note(name, env)
}

const note = (name: string, env: Environment): void =>
  void env.draft.opaque.add(`what would be called in the place of another "${name}"`)

/** Calls of it may have been let through. */
const isInUse = (name: string, env: Environment): boolean =>
  builtin(`pg_catalog.${name}`) !== undefined || env.index.functions.has(name)

/** SQL over its arguments alone: no relation, and only functions and operators of PostgreSQL's own. */
function readsNothing(found: CreateFunctionStmt, env: Environment): boolean {
  const options = (found.options ?? []).flatMap((node) => payload(node, 'DefElem') ?? [])
  const language = payload(options.find(({ defname }) => defname === 'language')?.arg, 'String')?.sval ?? 'sql'
  const [text = null, library] = texts(payload(options.find(({ defname }) => defname === 'as')?.arg, 'List')?.items)
  const body = found.sql_body ?? (text === null ? null : parseBody(env, text)?.statements) ?? null
  if (language.toLowerCase() !== 'sql' || library !== undefined || body === null) return false
  const open: unknown[] = [body]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== 'object' || next === null) continue
    if ('RangeVar' in next || 'relation' in next || isOther(next, env)) return false
    for (const inner of Object.values(next)) if (inner !== undefined) open.push(inner)
  }
  return true
}

function isOther(node: object, env: Environment): boolean {
  if ('funcname' in node && Array.isArray(node.funcname)) {
    const [name = '', schema = 'pg_catalog'] = texts(node.funcname).reverse()
    return schema !== 'pg_catalog' || builtin(`pg_catalog.${name}`) === undefined || env.index.functions.has(name)
  }
  return 'name' in node && Array.isArray(node.name) && env.index.operators.has(texts(node.name).at(-1) ?? '')
}
