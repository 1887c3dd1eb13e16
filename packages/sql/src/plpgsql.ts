// What a PL/pgSQL body does: each statement with the values that its variables may hold at any time, whatever the order in
// which things happen, until nothing is added. A body that cannot be followed gives a reason, and its caller decides.
import type { Node } from '@pgsql/types'
import type { CatalogFunction, CatalogRelation } from './catalog.ts'
import { relationName } from './catalog-index.ts'
import { addComputed, addControlOf, type Draft, newDraft } from './draft.ts'
import { joined } from './plpgsql-join.ts'
import { bodyOf } from './plpgsql-source.ts'
import { type PlBody, PlRefusal, type PlStatement, type PlTarget, type PlVariable } from './plpgsql-tree.ts'
import { relationColumns, resolveRelation } from './relations.ts'
import { type CommonTables, type Entry, type Environment, emptyScope, entryOf, type Scope } from './scope.ts'
import { isQuery, queryColumns } from './select.ts'
import { fits, isSure } from './sure.ts'
import { payload, unvisited } from './tree.ts'
import { storeInRow } from './trigger-row.ts'
import { mention, typeNameOf } from './types.ts'
import { type Column, derived, influenced, plain, row, type Value } from './values.ts'
import { parseBody, parseQuery } from './views.ts'

/** Rounds until the variables stand still; their sets only grow. */
const roundsMax = 64

/** The row that a trigger is about. */
export interface Fired {
  readonly relation: CatalogRelation
  /** Transition tables by name. */
  readonly tables: readonly string[]
}

export interface Ran {
  readonly draft: Draft
  /** What is returned, by position. */
  readonly columns: readonly Column[]
}

/**
 * Runs the body in `env`, whose draft is left alone. `values` are the arguments, `fired` is the row of a trigger. Gives the
 * reason where the body cannot be followed.
 */
export function runPlpgsql(
  one: CatalogFunction,
  values: readonly Value[],
  fired: Fired | null,
  env: Environment,
): Ran | string {
  try {
    const body = bodyOf(one, fired !== null, env)
    const machine = new Machine(one, values, fired, env, body)
    return machine.run()
  } catch (thrown) {
    if (thrown instanceof PlRefusal) return thrown.message
    throw thrown
  }
}

class Machine {
  readonly #one: CatalogFunction
  readonly #fired: Fired | null
  readonly #body: PlBody
  readonly #outer: Environment
  /** What each variable may hold, and its type; of a record each field. */
  readonly #values = new Map<string, Value>()
  readonly #types = new Map<string, string | null>()
  readonly #records = new Map<string, Map<string, Value>>()
  readonly #arguments: readonly string[]
  #returned: (readonly Column[])[] = []
  #tests: Value[] = []
  #draft = newDraft()

  constructor(one: CatalogFunction, values: readonly Value[], fired: Fired | null, outer: Environment, body: PlBody) {
    this.#one = one
    this.#fired = fired
    this.#outer = outer
    this.#body = body
    this.#arguments = one.argumentTypes.map((_, at) => one.argumentNames?.[at] || `$${at + 1}`)
    for (const variable of body.variables) this.#declare(variable)
    if (fired !== null) this.#fill(fired.relation)
    this.#arguments.forEach((name, at) => {
      this.#pass(name, one.argumentTypes[at] ?? '', values[at] ?? plain())
    })
  }

  run(): Ran {
    for (let rounds = 0; rounds < roundsMax; rounds++) {
      const before = this.#size()
      this.#draft = newDraft()
      this.#returned = []
      this.#tests = []
      for (const { name, initial } of this.#body.variables)
        if (initial !== null) this.#assign({ kind: 'variable', name }, this.#value(initial))
      for (const statement of this.#body.body) this.#run(statement)
      if (this.#size() === before) return { draft: this.#draft, columns: this.#results() }
    }
    throw new PlRefusal('its variables')
  }

  #size(): string {
    const records = [...this.#records.values()].flatMap((fields) => [...fields.values()])
    return [...this.#values.values(), ...records]
      .map(({ sources, nulls, kind }) => `${sources.size} ${nulls.size} ${kind}`)
      .join()
  }

  #declare({ name, kind, type }: PlVariable): void {
    if (kind === 'record' && (name === 'new' || name === 'old') && this.#fired !== null) {
      this.#records.set(name, new Map())
      return
    }
    const resolved = kind === 'record' && (type === null || type === 'record') ? 'record' : this.#resolve(type)
    const columns = resolved === 'record' ? [] : this.#columnsOf(resolved)
    const isRecord = resolved === 'record' || columns !== null
    if ((isRecord ? this.#values : this.#records).has(name)) throw new PlRefusal(`"${name}", which is two things`)
    if (isRecord) {
      const fields = this.#records.get(name) ?? new Map<string, Value>()
      for (const column of columns ?? []) fields.set(column.name, plain(column.type))
      this.#records.set(name, fields)
      return
    }
    const isSame = !this.#types.has(name) || this.#types.get(name) === resolved
    this.#types.set(name, isSame ? resolved : null)
    this.#values.set(name, plain(isSame ? resolved : null))
  }

  /** The name of a type as it is declared, also by `%TYPE` and `%ROWTYPE`; null for one that only the target knows. */
  #resolve(type: string | null): string | null {
    if (type === null) throw new PlRefusal('a type')
    const like = /^(.*?)\s*%\s*(rowtype|type)$/is.exec(type)
    const env = this.#environment()
    if (like !== null) {
      const found = this.#like(like[1] ?? '', like[2]?.toLowerCase() === 'rowtype', env)
      mention(found, env)
      return found
    }
    const parsed = parseQuery(env, `SELECT NULL::${type}`)
    const target = payload(payload(parsed?.query, 'SelectStmt')?.targetList?.[0], 'ResTarget')?.val
    const found = payload(target, 'TypeCast')
    const name = found === undefined ? null : typeNameOf(found.typeName, env)
    if (name === null || this.#draft.unknowns.size > 0) throw new PlRefusal(`the type "${type}"`)
    // A length or precision is a check.
    return (found?.typeName?.typmods ?? []).length > 0 ? null : name
  }

  #like(written: string, isRow: boolean, env: Environment): string {
    const parts = written.split('.').map((part) => {
      const name = part.trim()
      return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase()
    })
    const column = isRow ? null : parts.pop()
    const [relname = '', schemaname] = [...parts].reverse()
    const range = schemaname === undefined ? { relname, inh: true } : { relname, schemaname, inh: true }
    const resolved = resolveRelation(env, range)
    if (resolved.kind !== 'catalog') throw new PlRefusal(`the type of "${written}"`)
    const { relation } = resolved
    if (column === null) return relationName(relation)
    const found = relation.columns.find(({ name }) => name === column)
    if (found === undefined) throw new PlRefusal(`the type of "${written}"`)
    return found.type
  }

  #columnsOf(type: string | null): readonly { readonly name: string; readonly type: string }[] | null {
    if (type === null || this.#outer.index.types.get(type) !== 'composite') return null
    const at = type.indexOf('.')
    const named = this.#outer.index.named.get(type.slice(at + 1)) ?? []
    return named.find(({ schema }) => schema === type.slice(0, at))?.columns ?? null
  }

  /** NEW and OLD: both have the columns as they are. */
  #fill(relation: CatalogRelation): void {
    const columns = relationColumns({ ...this.#outer, draft: newDraft() }, relation)
    for (const name of ['new', 'old']) this.#records.set(name, new Map(columns.map((one) => [one.name, one.value])))
  }

  #pass(name: string, type: string, value: Value): void {
    const fields = this.#records.get(name)
    if (fields === undefined) {
      this.#types.set(name, type)
      this.#values.set(name, value)
      return
    }
    if (this.#columnsOf(type) === null || value.fields === null) {
      // What the parser takes for a record may be a value of any type of the target.
      this.#records.delete(name)
      this.#types.set(name, type)
      this.#values.set(name, value)
      return
    }
    for (const field of value.fields) fields.set(field.name, field.value)
  }

  #environment(): Environment {
    const names = new Set([...this.#values.keys(), ...this.#records.keys()])
    const values = this.#arguments.map((name) => this.#values.get(name) ?? this.#whole(name))
    return {
      ...this.#outer,
      draft: this.#draft,
      body: { functionName: this.#one.name, values, names: [], variables: names },
    }
  }

  #whole(name: string): Value {
    return row([...(this.#records.get(name) ?? [])].map(([field, value]) => ({ name: field, value })))
  }

  #scope(): Scope {
    const env = this.#environment()
    const variables = [...this.#values].map(([name, value]) => ({ name, value }))
    const mark = { isVariables: true } as const
    const records = [...this.#records].map(([name, fields]): Entry => {
      const columns = [...fields].map(([field, value]) => ({ name: field, value }))
      return entryOf(name, columns, { ...mark, columnsVisible: false })
    })
    const entries = [entryOf(this.#one.name, variables, mark), ...records]
    return { ...emptyScope(env), nested: true, entries, tables: this.#tables() }
  }

  #tables(): CommonTables | null {
    const { relation, tables } = this.#fired ?? { relation: null, tables: [] }
    if (relation === null || tables.length === 0) return null
    const columns = () => relationColumns(this.#environment(), relation)
    return {
      named: new Map(tables.map((name) => [name, { open: false, columns, readings: () => new Map<string, number>() }])),
      parent: null,
    }
  }

  /** The columns of a query, or of an expression with SELECT before it. */
  #query(text: string): readonly Column[] {
    const scope = this.#scope()
    const parsed = parseBody(scope.env, text)
    const [node, ...more] = parsed?.statements ?? []
    if (parsed === null || node === undefined || more.length > 0 || !isQuery(node))
      throw new PlRefusal('a statement that is no query')
    if (isInto(node)) throw new PlRefusal('SELECT INTO a table')
    const columns = queryColumns(node, scope)
    for (const left of unvisited(parsed.significant, this.#draft.seen)) this.#draft.unknowns.add(left)
    return columns
  }

  #value(expression: string): Value {
    const [column, ...more] = this.#query(`SELECT ${expression}\n`)
    if (column === undefined || more.length > 0) throw new PlRefusal('an expression')
    return column.value
  }

  #run(statement: PlStatement): void {
    switch (statement.kind) {
      case 'block':
      case 'loop':
        if (statement.kind === 'loop') this.#draft.packs.add(`a loop of "${this.#one.name}"`)
        for (const one of statement.body) this.#run(one)
        return
      case 'assign':
        this.#assign(statement.target, this.#value(statement.expression))
        return
      case 'branch':
        for (const test of statement.tests) this.#decides(this.#value(test), 'a condition of a function')
        for (const one of statement.body) this.#run(one)
        return
      case 'count': {
        const bounds = statement.bounds.map((text) => this.#value(text))
        for (const bound of bounds) this.#decides(bound, 'a loop of a function')
        this.#assign(statement.target, derived(bounds, 'pg_catalog.int4'))
        this.#run({ kind: 'loop', body: statement.body })
        return
      }
      case 'each':
        this.#into(statement.targets, this.#query(statement.query))
        this.#run({ kind: 'loop', body: statement.body })
        return
      case 'sql': {
        const columns = this.#query(statement.text)
        addComputed(this.#draft, columns, 'a statement of a function')
        if (statement.into.length > 0) this.#into(statement.into, columns)
        return
      }
      case 'return-query':
        this.#returned.push(this.#query(statement.text))
        return
      case 'return':
        this.#return(statement.expression, statement.record)
        return
      case 'raise':
        // The words are withheld where a protected column is touched; that it is raised, and as what, is not.
        for (const shown of statement.shown) this.#mustNotFail(this.#value(shown), 'pg_catalog.text', 'RAISE')
        for (const state of statement.state) this.#decides(this.#value(state), 'RAISE')
    }
  }

  #decides(value: Value, where: string): void {
    addControlOf(this.#draft, value, where)
    this.#tests.push(value)
  }

  #mustNotFail(value: Value, type: string | null, where: string): void {
    const prints = type === 'pg_catalog.text' && where === 'RAISE'
    if (value.sources.size > 0 && (!isSure(value) || !(prints || fits(value, type))))
      addControlOf(this.#draft, value, where)
  }

  #into(targets: readonly PlTarget[], columns: readonly Column[]): void {
    const [only, ...more] = targets
    if (only !== undefined && more.length === 0 && only.kind !== 'field' && this.#records.has(only.name)) {
      this.#fillRecord(only.name, columns)
      return
    }
    targets.forEach((target, at) => {
      const column = columns[at]
      if (column !== undefined) this.#assign(target, column.value)
    })
  }

  #fillRecord(name: string, columns: readonly Column[]): void {
    const fields = this.#records.get(name)
    if (fields === undefined || name === 'new' || name === 'old') throw new PlRefusal(`a new "${name}"`)
    for (const { name: field, value } of columns) this.#join(fields, field, value)
  }

  #assign(target: PlTarget, value: Value): void {
    if (target.kind === 'field') {
      this.#assignField(target, value)
      return
    }
    if (this.#records.has(target.name)) {
      if (value.fields === null) throw new PlRefusal(`what "${target.name}" becomes`)
      this.#fillRecord(target.name, value.fields)
      return
    }
    this.#mustNotFail(value, this.#types.get(target.name) ?? null, 'a variable of a function')
    this.#join(this.#values, target.name, value, this.#types.get(target.name) ?? null)
  }

  #assignField({ record, name }: Extract<PlTarget, { kind: 'field' }>, value: Value): void {
    const fields = this.#records.get(record)
    if (fields === undefined) throw new PlRefusal(`"${record}.${name}"`)
    if (this.#fired !== null && record === 'new') this.#store(this.#fired.relation, name, value)
    this.#join(fields, name, value)
  }

  /** What a trigger puts into its row is stored there. */
  #store(relation: CatalogRelation, name: string, value: Value): void {
    if (!storeInRow(this.#environment(), relation, name, value)) throw new PlRefusal(`"new.${name}"`)
  }

  #join(map: Map<string, Value>, name: string, value: Value, type?: string | null): void {
    const before = map.get(name)
    const own = { ...value, type: type === undefined ? value.type : type }
    map.set(name, before === undefined ? own : joined(before, own))
  }

  #return(expression: string | null, record: string | null): void {
    if (this.#fired !== null) {
      const isRow = record === 'new' || record === 'old'
      const isKnown = /^\s*(null|coalesce\s*\(\s*new\s*,\s*old\s*\))\s*$/i.test(expression ?? 'null')
      if (record !== null ? !isRow : !isKnown) throw new PlRefusal('RETURN of another row')
      return
    }
    if (record === '') {
      this.#returned.push((this.#one.results ?? []).map(({ name }) => ({ name, value: this.#variable(name) })))
      return
    }
    if (record !== null) this.#returned.push([{ name: record, value: this.#variable(record) }])
    if (expression !== null) this.#returned.push([{ name: this.#one.name, value: this.#value(expression) }])
  }

  #variable(name: string): Value {
    return this.#values.get(name) ?? this.#whole(name)
  }

  /** By position, where all of them have as many; everything that was tested is in each. */
  #results(): readonly Column[] {
    const [first, ...others] = this.#returned
    const one = first ?? (this.#one.results ?? []).map(({ name }) => ({ name, value: this.#variable(name) }))
    if (others.some((columns) => columns.length !== one.length)) throw new PlRefusal('what it returns')
    const columns = one.map(({ name, value }, at) => {
      const rest = others.map((columns) => columns[at]?.value ?? plain())
      const all =
        rest.length === 0
          ? value
          : derived([value, ...rest], rest.every(({ type }) => type === value.type) ? value.type : null)
      return { name, value: influenced(all, this.#tests) }
    })
    addComputed(this.#draft, columns, 'function')
    return columns
  }
}

function isInto(node: Node): boolean {
  for (let select = payload(node, 'SelectStmt'); select !== undefined; select = select.larg)
    if (select.intoClause !== undefined) return true
  return false
}
