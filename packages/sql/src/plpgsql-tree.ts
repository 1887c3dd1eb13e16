// Bodies of PL/pgSQL functions as PostgreSQL's own parser reads them: a closed list of statements, each with the texts of its
// expressions. What is not on the list, and what the parser's tree leaves out of the text, is a refusal and never ignored.
import { tokens } from './lexer.ts'
import { leftOut } from './plpgsql-cover.ts'

/** Where a value goes: a variable, a field of a record, or a whole record. Names are as the parser folds them. */
export type PlTarget =
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'field'; readonly record: string; readonly name: string }
  | { readonly kind: 'record'; readonly name: string }

export type PlStatement =
  | { readonly kind: 'block'; readonly body: readonly PlStatement[] }
  | { readonly kind: 'assign'; readonly target: PlTarget; readonly expression: string }
  /** IF with ELSIF and ELSE, CASE, WHILE, EXIT WHEN: what is tested, and everything that may run then. */
  | { readonly kind: 'branch'; readonly tests: readonly string[]; readonly body: readonly PlStatement[] }
  | { readonly kind: 'loop'; readonly body: readonly PlStatement[] }
  | {
      readonly kind: 'count'
      readonly target: PlTarget
      readonly bounds: readonly string[]
      readonly body: readonly PlStatement[]
    }
  /** FOR … IN query, FOREACH … IN ARRAY. */
  | {
      readonly kind: 'each'
      readonly targets: readonly PlTarget[]
      readonly query: string
      readonly body: readonly PlStatement[]
    }
  | { readonly kind: 'sql'; readonly text: string; readonly into: readonly PlTarget[] }
  | { readonly kind: 'return'; readonly expression: string | null; readonly record: string | null }
  | { readonly kind: 'return-query'; readonly text: string }
  /** `state`: what decides the SQLSTATE, and so how the statement ends. */
  | { readonly kind: 'raise'; readonly shown: readonly string[]; readonly state: readonly string[] }

export interface PlVariable {
  readonly name: string
  readonly kind: 'variable' | 'record'
  /** As written, or null where there is none. */
  readonly type: string | null
  readonly initial: string | null
}

export interface PlBody {
  readonly variables: readonly PlVariable[]
  readonly body: readonly PlStatement[]
}

/** Why a body cannot be followed. */
export class PlRefusal extends Error {}

type Tree = Readonly<Record<string, unknown>>
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Statements within statements: deeper bodies are refused. */
const depthMax = 64
const statementsMax = 2_000

/** Reads what `parsePlPgSQL` gives for one function whose source is `source`. Throws PlRefusal. */
export function readPlpgsql(parsed: unknown, source: string): PlBody {
  // #variable_conflict and its like give names another meaning.
  if (/^[ \t]*#/m.test(source)) throw new PlRefusal('a compiler option')
  const [only, ...more] = isTree(parsed) && Array.isArray(parsed['plpgsql_funcs']) ? parsed['plpgsql_funcs'] : []
  const found = more.length === 0 ? inner(only, 'PLpgSQL_function') : undefined
  if (found === undefined) throw new PlRefusal('its shape')
  only_(found, ['datums', 'action', 'new_varno', 'old_varno', 'out_param_varno'], 'a function')
  const reader = new Reader(listOf(found['datums']))
  const action = inner(found['action'], 'PLpgSQL_stmt_block')
  if (action === undefined) throw new PlRefusal('its shape')
  const body = [reader.block(action, 0)]
  const records = reader.variables.filter(({ kind, type }) => kind === 'record' && type !== null)
  const missing = leftOut(
    source,
    strings(found),
    reader.names,
    records.map(({ name }) => name),
  )
  if (missing !== null) throw new PlRefusal(missing)
  return { variables: reader.variables, body }
}

function inner(node: unknown, tag: string): Tree | undefined {
  const found = isTree(node) ? node[tag] : undefined
  return isTree(found) && isTree(node) && Object.keys(node).length === 1 ? found : undefined
}

function only_(node: Tree, keys: readonly string[], what: string): void {
  const other = Object.keys(node).find((key) => key !== 'lineno' && key !== 'label' && !keys.includes(key))
  if (other !== undefined) throw new PlRefusal(`"${other}" of ${what}`)
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
/** The parser's output leaves zeros out. */
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0)
const nameOf = (value: unknown): string => (typeof value === 'string' ? value : '')

function textOf(node: unknown): string {
  const query = inner(node, 'PLpgSQL_expr')?.['query']
  if (typeof query !== 'string') throw new PlRefusal('an expression')
  return query
}

const optional = (node: unknown): readonly string[] => (node === undefined ? [] : [textOf(node)])

interface Datum {
  readonly tag: string
  readonly tree: Tree
}

class Reader {
  readonly variables: readonly PlVariable[]
  readonly #datums: readonly Datum[]
  #statements = 0

  constructor(list: readonly unknown[]) {
    this.#datums = list.map((one) => {
      const [tag = ''] = isTree(one) ? Object.keys(one) : []
      const tree = inner(one, tag)
      if (tree === undefined) throw new PlRefusal('a variable')
      return { tag, tree }
    })
    this.variables = this.#datums.flatMap((datum) => variableOf(datum))
  }

  get names(): ReadonlySet<string> {
    return new Set(
      this.#datums.flatMap(({ tree }) => [nameOf(tree['refname']), nameOf(tree['fieldname'])]).filter(Boolean),
    )
  }

  block(tree: Tree, depth: number): PlStatement {
    only_(tree, ['body'], 'a block')
    return { kind: 'block', body: this.#all(tree['body'], depth) }
  }

  #all(list: unknown, depth: number): readonly PlStatement[] {
    if (depth > depthMax) throw new PlRefusal('statements within statements')
    return listOf(list).map((node) => this.#statement(node, depth + 1))
  }

  #statement(node: unknown, depth: number): PlStatement {
    this.#statements += 1
    if (this.#statements > statementsMax) throw new PlRefusal('its length')
    const [tag = ''] = isTree(node) ? Object.keys(node) : []
    const tree = inner(node, tag)
    if (tree === undefined) throw new PlRefusal('a statement')
    switch (tag) {
      case 'PLpgSQL_stmt_block':
        if (tree['exceptions'] !== undefined) throw new PlRefusal('EXCEPTION')
        return this.block(tree, depth)
      case 'PLpgSQL_stmt_assign': {
        only_(tree, ['varno', 'expr'], 'an assignment')
        const target = this.#target(numberOf(tree['varno']))
        return { kind: 'assign', target, expression: assignedText(textOf(tree['expr'])) }
      }
      case 'PLpgSQL_stmt_if':
        return this.#conditional(tree, depth)
      case 'PLpgSQL_stmt_case':
        return this.#cases(tree, depth)
      case 'PLpgSQL_stmt_loop':
        only_(tree, ['body'], 'LOOP')
        return { kind: 'loop', body: this.#all(tree['body'], depth) }
      case 'PLpgSQL_stmt_while':
        only_(tree, ['cond', 'body'], 'WHILE')
        return { kind: 'branch', tests: [textOf(tree['cond'])], body: this.#all(tree['body'], depth) }
      case 'PLpgSQL_stmt_exit':
        only_(tree, ['is_exit', 'cond'], 'EXIT')
        return { kind: 'branch', tests: optional(tree['cond']), body: [] }
      case 'PLpgSQL_stmt_fori': {
        only_(tree, ['var', 'lower', 'upper', 'step', 'reverse', 'body'], 'FOR')
        const bounds = [textOf(tree['lower']), textOf(tree['upper']), ...optional(tree['step'])]
        const [target] = this.#into(tree['var'])
        if (target === undefined) throw new PlRefusal('the variable of FOR')
        return { kind: 'count', target, bounds, body: this.#all(tree['body'], depth) }
      }
      case 'PLpgSQL_stmt_fors':
        only_(tree, ['var', 'query', 'body'], 'FOR')
        return {
          kind: 'each',
          targets: this.#into(tree['var']),
          query: textOf(tree['query']),
          body: this.#all(tree['body'], depth),
        }
      default:
        return this.#leaf(tag, tree)
    }
  }

  #leaf(tag: string, tree: Tree): PlStatement {
    switch (tag) {
      case 'PLpgSQL_stmt_execsql':
        only_(tree, ['sqlstmt', 'into', 'strict', 'target'], 'a statement')
        return { kind: 'sql', text: textOf(tree['sqlstmt']), into: this.#into(tree['target']) }
      case 'PLpgSQL_stmt_perform':
        only_(tree, ['expr'], 'PERFORM')
        return { kind: 'sql', text: textOf(tree['expr']), into: [] }
      case 'PLpgSQL_stmt_return':
      case 'PLpgSQL_stmt_return_next': {
        only_(tree, ['expr', 'retvarno'], 'RETURN')
        const [expression = null] = optional(tree['expr'])
        const number = tree['retvarno']
        const record = typeof number === 'number' && number >= 0 ? this.#returned(number) : null
        return { kind: 'return', expression, record }
      }
      case 'PLpgSQL_stmt_return_query':
        if (tree['dynquery'] !== undefined) throw new PlRefusal('EXECUTE')
        only_(tree, ['query'], 'RETURN QUERY')
        return { kind: 'return-query', text: textOf(tree['query']) }
      case 'PLpgSQL_stmt_raise': {
        only_(tree, ['elog_level', 'condname', 'message', 'params', 'options'], 'RAISE')
        const options = listOf(tree['options']).map((node) => inner(node, 'PLpgSQL_raise_option') ?? {})
        const texts = (state: boolean) =>
          options.filter((one) => (numberOf(one['opt_type']) === 0) === state).map((one) => textOf(one['expr']))
        return { kind: 'raise', shown: [...listOf(tree['params']).map(textOf), ...texts(false)], state: texts(true) }
      }
      case 'PLpgSQL_stmt_assert':
        only_(tree, ['cond', 'message'], 'ASSERT')
        return { kind: 'branch', tests: [textOf(tree['cond']), ...optional(tree['message'])], body: [] }
      case 'PLpgSQL_stmt_getdiag':
        return this.#diagnostics(tree)
      default:
        throw new PlRefusal(refusedNames[tag] ?? 'a statement that is not followed')
    }
  }

  /** ROW_COUNT is as much as the conditions of the statement before it tell. */
  #diagnostics(tree: Tree): PlStatement {
    only_(tree, ['diag_items'], 'GET DIAGNOSTICS')
    const body = listOf(tree['diag_items']).map((node): PlStatement => {
      const item = inner(node, 'PLpgSQL_diag_item') ?? {}
      if (item['kind'] !== 'ROW_COUNT') throw new PlRefusal('GET DIAGNOSTICS')
      return { kind: 'assign', target: this.#target(numberOf(item['target'])), expression: '0' }
    })
    return { kind: 'block', body }
  }

  #conditional(tree: Tree, depth: number): PlStatement {
    only_(tree, ['cond', 'then_body', 'elsif_list', 'else_body'], 'IF')
    const others = listOf(tree['elsif_list']).map((node) => inner(node, 'PLpgSQL_if_elsif') ?? {})
    for (const other of others) only_(other, ['cond', 'stmts'], 'ELSIF')
    return {
      kind: 'branch',
      tests: [textOf(tree['cond']), ...others.map((other) => textOf(other['cond']))],
      body: [
        ...this.#all(tree['then_body'], depth),
        ...others.flatMap((other) => this.#all(other['stmts'], depth)),
        ...this.#all(tree['else_body'], depth),
      ],
    }
  }

  /** `CASE x WHEN …` puts x in a variable of its own and tests that. */
  #cases(tree: Tree, depth: number): PlStatement {
    only_(tree, ['t_expr', 't_varno', 'case_when_list', 'have_else', 'else_stmts'], 'CASE')
    const arms = listOf(tree['case_when_list']).map((node) => inner(node, 'PLpgSQL_case_when') ?? {})
    for (const arm of arms) only_(arm, ['expr', 'stmts'], 'CASE')
    const tested: PlStatement[] =
      tree['t_expr'] === undefined
        ? []
        : [
            {
              kind: 'assign',
              target: this.#target(numberOf(tree['t_varno'])),
              expression: textOf(tree['t_expr']),
            },
          ]
    const branch: PlStatement = {
      kind: 'branch',
      tests: arms.map((arm) => textOf(arm['expr'])),
      body: [...arms.flatMap((arm) => this.#all(arm['stmts'], depth)), ...this.#all(tree['else_stmts'], depth)],
    }
    return { kind: 'block', body: [...tested, branch] }
  }

  #target(number: number): PlTarget {
    const datum = this.#datums[number]
    const name = nameOf(datum?.tree['refname'])
    switch (datum?.tag) {
      case 'PLpgSQL_var':
        return { kind: 'variable', name }
      case 'PLpgSQL_rec':
        return { kind: 'record', name }
      case 'PLpgSQL_recfield': {
        const parent = this.#datums[numberOf(datum.tree['recparentno'])]
        if (parent?.tag !== 'PLpgSQL_rec') throw new PlRefusal('a field of a field')
        return { kind: 'field', record: nameOf(parent.tree['refname']), name: nameOf(datum.tree['fieldname']) }
      }
      default:
        throw new PlRefusal('an assignment to several variables')
    }
  }

  #into(node: unknown): readonly PlTarget[] {
    if (node === undefined) return []
    const row = inner(node, 'PLpgSQL_row')
    if (row !== undefined)
      return listOf(row['fields']).map((field) => this.#target(numberOf(isTree(field) ? field['varno'] : undefined)))
    const record = inner(node, 'PLpgSQL_rec')
    if (record !== undefined) return [{ kind: 'record', name: nameOf(record['refname']) }]
    const variable = inner(node, 'PLpgSQL_var')
    if (variable === undefined) throw new PlRefusal('the place of a result')
    return [{ kind: 'variable', name: nameOf(variable['refname']) }]
  }

  /** '' stands for the arguments that go out. */
  #returned(number: number): string {
    const datum = this.#datums[number]
    return datum?.tag === 'PLpgSQL_row' ? '' : nameOf(datum?.tree['refname'])
  }
}

const refusedNames: Readonly<Record<string, string>> = {
  PLpgSQL_stmt_dynexecute: 'EXECUTE',
  PLpgSQL_stmt_dynfors: 'EXECUTE',
  PLpgSQL_stmt_forc: 'a cursor',
  PLpgSQL_stmt_foreach_a: 'FOREACH',
  PLpgSQL_stmt_open: 'a cursor',
  PLpgSQL_stmt_fetch: 'a cursor',
  PLpgSQL_stmt_close: 'a cursor',
  PLpgSQL_stmt_call: 'CALL or DO',
  PLpgSQL_stmt_commit: 'COMMIT',
  PLpgSQL_stmt_rollback: 'ROLLBACK',
}

function variableOf({ tag, tree }: Datum): PlVariable[] {
  const type = inner(tree['datatype'], 'PLpgSQL_type')?.['typname']
  const name = nameOf(tree['refname'])
  const common = { name, type: typeof type === 'string' ? type : null }
  switch (tag) {
    case 'PLpgSQL_var': {
      only_(tree, ['refname', 'datatype', 'isconst', 'notnull', 'default_val'], 'a variable')
      const [initial = null] = optional(tree['default_val'])
      return [{ ...common, kind: 'variable', initial }]
    }
    case 'PLpgSQL_rec':
      only_(tree, ['refname', 'dno', 'datatype'], 'a record')
      return [{ ...common, kind: 'record', initial: null }]
    case 'PLpgSQL_recfield':
    case 'PLpgSQL_row':
      return []
    default:
      throw new PlRefusal('a variable')
  }
}

/** What stands behind the assignment sign. Names and dots alone may stand before it. */
function assignedText(text: string): string {
  const found = tokens(text).filter(({ kind }) => kind !== 'comment')
  for (const [at, token] of found.entries()) {
    const written = text.slice(token.start, token.end)
    if (token.kind === 'name' || token.kind === 'quoted' || written === '.') continue
    if (written === '=') return text.slice(token.end)
    const next = found[at + 1]
    if (written === ':' && next !== undefined && text.slice(next.start, next.end) === '=') return text.slice(next.end)
    break
  }
  throw new PlRefusal('an assignment to a part of a value')
}

/** Every text of the tree but the names of variables. */
function strings(node: unknown): string[] {
  if (typeof node === 'string') return [node]
  if (Array.isArray(node)) return node.flatMap(strings)
  if (!isTree(node)) return []
  return Object.entries(node).flatMap(([key, value]) =>
    key === 'refname' || key === 'fieldname' ? [] : strings(value),
  )
}
