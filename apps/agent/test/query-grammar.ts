// Statements made at random over query-schema.sql: typed, so that most of them run, and bold now and then, so that protected
// columns stand where they must not. The same seed gives the same statements.

import { orderSessions, orderTexts } from './order-grammar.ts'

type Type = 'int' | 'text' | 'date' | 'num' | 'bool' | 'json'

interface Col {
  readonly name: string
  readonly type: Type
  /** Holds a protected value, as it is or computed. */
  readonly secret: boolean
}

export interface Generated {
  readonly sql: string
  /** `write`: taken back after it ran. `session`: several statements of a session, by ";". */
  readonly kind: 'read' | 'write' | 'session'
}

export type Random = () => number

/** Mulberry32: 32 bits of state, a new number in [0, 1) at each call. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** `name:type`, a star for a protected column. */
const columnsOf = (text: string): readonly Col[] =>
  text.split(' ').map((word) => {
    const [name = '', type = ''] = word.replace('*', '').split(':')
    return { name, type: type as Type, secret: word.endsWith('*') }
  })

const customers =
  'id:int name:text email:text* ssn:text* card:text* phone:text* dob:date* city:text vip:bool notes:text* profile:json* prefs:json*'
const relations: Readonly<Record<string, readonly Col[]>> = {
  customers: columnsOf(customers),
  products: columnsOf('id:int sku:text title:text price:num'),
  orders: columnsOf(
    'id:int customer_id:int product_id:int created_on:date qty:int total:num status:text ship_phone:text*',
  ),
  orders_2024: columnsOf('id:int customer_id:int created_on:date total:num status:text ship_phone:text*'),
  payments: columnsOf('id:int order_id:int pan:text* cvv:int* amount:num'),
  person: columnsOf('id:int full_name:text tax_id:text*'),
  contractor: columnsOf('id:int full_name:text tax_id:text* day_rate:num'),
  'hr.employees': columnsOf('id:int full_name:text team:text salary:int* national_id:text* band:text*'),
  scratch: columnsOf('id:int note:text num:num'),
  v_public: columnsOf('id:int name:text city:text vip:bool'),
  v_full: columnsOf(customers),
  v_contact: columnsOf('id:int label:text reference:text*'),
  v_nested: columnsOf('id:int label:text ref2:text*'),
  v_orders: columnsOf('id:int status:text total:num title:text name:text ship_phone:text*'),
  v_cities: columnsOf('city:text people:int numbers:int'),
  v_derived: columnsOf('id:int mail:text* long:int*'),
  v_prefs: columnsOf('id:int lang:text contact:json* whole:json*'),
}
const relationNames = Object.keys(relations)

/** A source of rows in FROM. */
interface Source {
  readonly sql: string
  readonly alias: string
  readonly columns: readonly Col[]
  /** `alias.*` and `alias` stand for exactly these columns. */
  readonly isWhole: boolean
}

interface Query {
  readonly sql: string
  readonly columns: readonly Col[]
}

/** Makes statements; `guesses` are protected values of one of the databases, as an attacker would try them. */
export function grammar(random: Random, guesses: readonly string[]) {
  let bold = 0
  let aliases = 0
  const chance = (p: number): boolean => random() < p
  const upTo = (max: number): number => Math.floor(random() * max)
  const pick = <T>(list: readonly T[]): T => list[upTo(list.length)]!
  const alias = (): string => `t${++aliases}`
  const name = (s: Source, c: Col): string => (chance(0.85) ? `${s.alias}.${c.name}` : `(${s.alias}).${c.name}`)
  const quote = (text: string): string => `'${text.replace(/'/g, "''")}'`

  /** A column that may stand in an expression or condition. */
  function usable(from: readonly Source[], type: Type | null): string | null {
    const daring = chance(bold)
    const found = from.flatMap((s) =>
      s.columns.filter((c) => (type === null || c.type === type) && (daring || !c.secret)).map((c) => [s, c] as const),
    )
    if (found.length === 0) return null
    const secrets = daring ? found.filter(([, c]) => c.secret) : []
    const [s, c] = pick(secrets.length > 0 ? secrets : found)
    return name(s, c)
  }

  /** Window functions stand in select lists only. */
  let windows = true

  function constant(type: Type): string {
    switch (type) {
      case 'int':
        return String(upTo(12))
      case 'num':
        return pick(['0', '1.5', '20', '99.99'])
      case 'bool':
        return pick(['true', 'false'])
      case 'date':
        return pick(["date '2024-03-01'", "date '1980-01-01'", 'current_date'])
      case 'json':
        return pick([`'{"lang":"en"}'::jsonb`, `'[1,2]'::jsonb`])
      case 'text':
        return chance(0.2 * bold) ? quote(pick(guesses)) : pick(["'Oslo'", "'new'", "'x'", "''", "'A%'"])
    }
  }

  function expression(type: Type, from: readonly Source[], depth: number): string {
    const column = usable(from, type)
    if (column !== null && (depth <= 0 || chance(0.4))) return column
    if (depth <= 0) return constant(type)
    const e = (t: Type) => expression(t, from, depth - 1)
    const any = () => usable(from, null) ?? e('int')
    const common = [
      () => `CASE WHEN ${e('bool')} THEN ${e(type)} ELSE ${e(type)} END`,
      () => `coalesce(${e(type)}, ${e(type)})`,
      () => `nullif(${e(type)}, ${e(type)})`,
      () => `(SELECT ${e(type)} LIMIT 1)`,
    ]
    if (type !== 'json' && type !== 'bool') common.push(() => `greatest(${e(type)}, ${e(type)})`)
    if (chance(0.3)) return pick(common)()
    return pick(ofType(type, e, any, from, depth))()
  }

  /** An expression where no window function may stand. */
  function unwindowed(type: Type, from: readonly Source[], depth: number): string {
    const before = windows
    windows = false
    const made = expression(type, from, depth)
    windows = before
    return made
  }

  function ofType(
    type: Type,
    e: (type: Type) => string,
    any: () => string,
    from: readonly Source[],
    depth: number,
  ): readonly (() => string)[] {
    switch (type) {
      case 'text':
        return [
          () => `upper(${e('text')})`,
          () => `${e('text')} || ${e('text')}`,
          () => `substr(${e('text')}, ${1 + upTo(3)}, 2)`,
          () => `(${any()})::text`,
          () => `concat(${any()}, '-', ${any()})`,
          () => `md5(${e('text')})`,
          () => `initial(${e('text')})`,
          () => `to_json(${any()})::text`,
          () => `${e('json')} ->> 'lang'`,
          () => jsonPart(from, 'text'),
          () => jsonPart(from, 'text'),
          () => `regexp_replace(${e('text')}, 'a', 'b')`,
          () => `array_to_string(ARRAY[${e('text')}, ${e('text')}], ',')`,
          () => `(ROW((${e('text')})::text, ${e('int')})).f1`,
        ]
      case 'int':
        return [
          () => `length(${e('text')})`,
          () => `${e('int')} + ${e('int')}`,
          () => (windows ? '(count(*) OVER ())::int' : e('int')),
          () => (windows ? `(row_number() OVER (ORDER BY ${e('int')}))::int` : e('int')),
          () => `(SELECT count(*) FROM ${pick(relationNames)})::int`,
          () => `extract(year FROM ${e('date')})::int`,
          () => `ascii(${e('text')})`,
          () => `(${e('bool')})::int`,
          () => `(1 / ${e('int')})`,
          () => `num_nonnulls(${any()}, ${any()})`,
        ]
      case 'num':
        return [() => `${e('num')} * 2`, () => `round(${e('num')}, 1)`, () => `order_total(${e('int')})`]
      case 'bool':
        return [
          () => `${e('int')} = ${e('int')}`,
          () => `${e('text')} < ${e('text')}`,
          () => `${secretOrPlain(from)} IS ${chance(0.5) ? 'NOT ' : ''}NULL`,
          () => `${e('text')} LIKE ${e('text')}`,
          () => `${e('int')} IN (1, 2, ${e('int')})`,
          () => `NOT (${e('bool')})`,
          () => `(${e('bool')} OR ${e('bool')})`,
          () => `EXISTS (${query(depth - 1, from).sql})`,
          () => `${e('int')} BETWEEN 0 AND ${e('int')}`,
          () => `${e('int')} = ANY (ARRAY[${e('int')}, 3])`,
          () => `(${e('int')}, ${e('int')}) < (${e('int')}, 5)`,
        ]
      case 'date':
        return [() => `${e('date')} + ${e('int')}`, () => `date_trunc('month', ${e('date')})::date`]
      case 'json':
        return [
          () => `to_jsonb(${any()})`,
          () => `jsonb_build_object('a', ${any()})`,
          () => `JSON_OBJECT('k': ${any()} RETURNING jsonb)`,
          () => `jsonb_build_array(${any()}, ${any()})`,
          () => jsonPart(from, 'json'),
          () => jsonPart(from, 'json'),
        ]
    }
  }

  /** A part of the document of which some parts are protected: mostly one that is not. */
  function jsonPart(from: readonly Source[], type: 'text' | 'json'): string {
    const found = from.flatMap((s) =>
      s.columns.filter((c) => c.name === 'prefs' || c.name === 'whole').map((c) => `${s.alias}.${c.name}`),
    )
    if (found.length === 0) return constant(type)
    const document = pick(found)
    const guarded = chance(0.1 + bold / 2)
    const plain = ['{lang}', '{size}', '{contact,city}', '{cards,0,kind}', '{cards,-1,kind}', '{none}', '{lang,0}']
    const shielded = [
      '{contact,email}',
      '{contact}',
      '{cards}',
      '{cards,1}',
      '{cards,0,number}',
      '{id}',
      '{id,no}',
      '{}',
    ]
    const path = pick(guarded ? shielded : plain)
    const [first = '', ...rest] = path.slice(1, -1).split(',')
    const arrow = type === 'text' ? '->>' : '->'
    const steps = [first, ...rest].map((step) => (/^-?\d+$/.test(step) ? step : quote(step)))
    const chained = `${document} ${steps.map((step, at) => `${at === steps.length - 1 ? arrow : '->'} ${step}`).join(' ')}`
    const jsonpath = `$${[first, ...rest].map((step) => (/^-?\d+$/.test(step) ? '[*]' : step === '' ? '' : `.${step}`)).join('')}`
    const shaken = chance(0.1) ? `${jsonpath} ? (@ != $.id)` : jsonpath
    const made = [
      `(${document} ${type === 'text' ? '#>>' : '#>'} '${path}')`,
      `(${chained})`,
      type === 'text'
        ? `jsonb_extract_path_text(${document}, ${steps.map((step) => `'${step.replaceAll("'", '')}'`).join(', ')})`
        : `jsonb_path_query_first(${document}, '${shaken}')`,
      type === 'text' ? `jsonb_path_exists(${document}, '${shaken}')::text` : `${document}['${first}']`,
    ]
    return pick(made)
  }

  /** Nullness is released: any column may be asked for it. */
  function secretOrPlain(from: readonly Source[]): string {
    const all = from.flatMap((s) => s.columns.map((c) => `${s.alias}.${c.name}`))
    return all.length === 0 ? 'NULL' : pick(all)
  }

  function tableSource(): Source {
    const table = pick(relationNames)
    const columns = relations[table]!
    const own = alias()
    const whole = table !== 'orders_2024' && table !== 'v_cities'
    if (chance(0.08)) {
      const renamed = columns.slice(0, 2).map((c, at) => ({ ...c, name: `r${at}` }))
      const list = renamed.map((c) => c.name).join(', ')
      return {
        sql: `${table} AS ${own}(${list})`,
        alias: own,
        columns: [...renamed, ...columns.slice(2)],
        isWhole: false,
      }
    }
    const only = (table === 'person' || table === 'orders') && chance(0.1) ? 'ONLY ' : ''
    return { sql: `${only}${table} AS ${own}`, alias: own, columns, isWhole: whole }
  }

  function functionSource(): Source {
    const own = alias()
    const made = pick<() => { sql: string; columns: readonly Col[] }>([
      () => ({ sql: `list_contacts() AS ${own}`, columns: columnsOf('cid:int contact:text*') }),
      () => ({ sql: `get_customer(${1 + upTo(4)}) AS ${own}`, columns: columnsOf(customers) }),
      () => ({ sql: `generate_series(1, ${1 + upTo(5)}) AS ${own}(n)`, columns: columnsOf('n:int') }),
      () => ({ sql: `(VALUES (1, 'a'), (2, 'b')) AS ${own}(n, s)`, columns: columnsOf('n:int s:text') }),
      () => ({ sql: `unnest(ARRAY[1, 2, 3]) WITH ORDINALITY AS ${own}(n, o)`, columns: columnsOf('n:int') }),
    ])()
    return { ...made, alias: own, isWhole: false }
  }

  function source(depth: number, outer: readonly Source[], lateral: readonly Source[]): Source {
    if (depth > 0 && chance(0.35)) {
      const isLateral = lateral.length > 0 && chance(0.4)
      const inner = query(depth - 1, isLateral ? [...outer, ...lateral] : outer)
      const own = alias()
      return {
        sql: `${isLateral ? 'LATERAL ' : ''}(${inner.sql}) AS ${own}`,
        alias: own,
        columns: inner.columns,
        isWhole: true,
      }
    }
    return chance(0.1) ? functionSource() : tableSource()
  }

  /** FROM with one to three sources. */
  function fromClause(depth: number, outer: readonly Source[]): { sql: string; sources: readonly Source[] } {
    const first = source(depth, outer, [])
    const sources = [first]
    let sql = first.sql
    while (sources.length < 3 && chance(0.3)) {
      const next = source(depth, outer, sources)
      const kind = pick(['JOIN', 'LEFT JOIN', 'CROSS JOIN', 'FULL JOIN', 'RIGHT JOIN'])
      const lateral = next.sql.startsWith('LATERAL')
      const both = [...sources, next]
      const left = usable(sources, 'int')
      const right = usable([next], 'int')
      // FULL and RIGHT take no lateral items, FULL only conditions that can be merged.
      const usual = lateral && kind !== 'LEFT JOIN' ? 'CROSS JOIN' : kind
      if (usual === 'CROSS JOIN' || left === null || right === null) sql += ` CROSS JOIN ${next.sql}`
      else if (usual === 'FULL JOIN') sql += ` FULL JOIN ${next.sql} ON ${left} = ${right}`
      else
        sql += ` ${usual} ${next.sql} ON ${chance(0.7) ? `${left} = ${right}` : unwindowed('bool', [...outer, ...both], 1)}`
      sources.push(next)
    }
    return { sql, sources }
  }

  interface Item {
    readonly sql: string
    readonly type: Type
    readonly secret: boolean
  }

  /** An output: a column as it is, whatever it holds, or an expression. */
  function item(from: readonly Source[], depth: number, type: Type | null): Item {
    const all = from.flatMap((s) =>
      s.columns.filter((c) => type === null || c.type === type).map((c) => [s, c] as const),
    )
    if (all.length > 0 && chance(0.6)) {
      const [s, c] = pick(all)
      const sql = chance(0.12) ? `coalesce(${name(s, c)}, ${constant(c.type)})` : name(s, c)
      return { sql, type: c.type, secret: c.secret }
    }
    const wanted = type ?? pick<Type>(['int', 'text', 'num', 'bool', 'date', 'json', 'text', 'int'])
    const before = bold
    const sql = expression(wanted, from, depth)
    // Whether it reads a protected column is not followed: bold expressions count as such.
    return { sql, type: wanted, secret: before > 0 }
  }

  function plainSelect(depth: number, outer: readonly Source[], types: readonly Type[] | null): Query {
    const { sql: from, sources } = fromClause(depth, outer)
    const seen = [...sources, ...outer]
    if (types === null && chance(0.08)) return star(from, sources)
    const items = Array.from({ length: types?.length ?? 1 + upTo(4) }, (_, at) =>
      item(seen, depth, types?.[at] ?? null),
    )
    const list = items.map(({ sql }, at) => `${sql} AS c${at}`).join(', ')
    const columns = items.map(({ type, secret }, at) => ({ name: `c${at}`, type, secret }))
    const where = chance(0.5) ? ` WHERE ${chance(0.6) ? 'true OR ' : ''}${unwindowed('bool', seen, depth)}` : ''
    const windows = /OVER/.test(list)
    const distinct = !windows && chance(0.05) ? distinctOf(columns) : ''
    const key = usable(sources, null)
    const order = distinct === '' && key !== null && chance(0.35) ? ` ORDER BY ${orderKey(key, columns)}` : ''
    const limit = chance(0.3) ? ` LIMIT ${1 + upTo(5)}` : ''
    return { sql: `SELECT ${distinct}${list} FROM ${from}${where}${order}${limit}`, columns }
  }

  const distinctOf = (columns: readonly Col[]): string =>
    columns.every((c) => c.type !== 'json') && (chance(bold) || columns.every((c) => !c.secret)) ? 'DISTINCT ' : ''

  /** A column of the sources, or an output column by its place. */
  function orderKey(key: string, columns: readonly Col[]): string {
    const places = columns.flatMap((c, at) =>
      c.type !== 'json' && (!c.secret || chance(bold)) ? [String(at + 1)] : [],
    )
    return places.length > 0 && chance(0.4) ? pick(places) : key
  }

  function star(from: string, sources: readonly Source[]): Query {
    const [one] = sources
    const columns = sources.flatMap((s) => s.columns)
    const clear = new Set(columns.map((c) => c.name)).size === columns.length && sources.every((s) => s.isWhole)
    const limit = ` LIMIT ${1 + upTo(6)}`
    if (one === undefined || !clear) return { sql: `SELECT 1 AS c0 FROM ${from}${limit}`, columns: columnsOf('c0:int') }
    return {
      sql: `SELECT ${sources.length === 1 && chance(0.5) ? `${one.alias}.*` : '*'} FROM ${from}${limit}`,
      columns,
    }
  }

  function grouped(depth: number, outer: readonly Source[]): Query {
    const { sql: from, sources } = fromClause(depth, outer)
    const key = usable(sources, 'text') ?? usable(sources, 'int') ?? "'all'"
    const measure = pick<() => Item>([
      () => ({ sql: 'count(*)', type: 'int', secret: false }),
      () => ({ sql: `count(${secretOrPlain(sources)})`, type: 'int', secret: false }),
      () => ({ sql: `sum(${unwindowed('num', sources, 1)})`, type: 'num', secret: bold > 0 }),
      () => ({ sql: `max(${unwindowed('text', sources, 1)})`, type: 'text', secret: bold > 0 }),
      () => ({
        sql: `string_agg(${unwindowed('text', sources, 1)}, ',' ORDER BY ${unwindowed('int', sources, 0)})`,
        type: 'text',
        secret: bold > 0,
      }),
      () => ({
        sql: `count(*) FILTER (WHERE ${unwindowed('bool', sources, 1)})`,
        type: 'int',
        secret: bold > 0,
      }),
      () => ({ sql: `jsonb_agg(${usable(sources, null) ?? '1'})`, type: 'json', secret: bold > 0 }),
    ])()
    const having = chance(0.2) ? ' HAVING count(*) > 0' : ''
    const order = chance(0.6) ? ' ORDER BY 1' : ''
    const by = chance(0.1) ? `ROLLUP (${key})` : key
    const grouping = key === "'all'" ? '' : ` GROUP BY ${by}${having}${order}`
    const cast = measure.type === 'int' ? '::int' : ''
    return {
      sql: `SELECT (${key})::text AS c0, (${measure.sql})${cast} AS c1 FROM ${from}${grouping}`,
      columns: [
        { name: 'c0', type: 'text', secret: bold > 0 },
        { name: 'c1', type: measure.type, secret: measure.secret },
      ],
    }
  }

  function setOperation(depth: number, outer: readonly Source[]): Query {
    const types = Array.from({ length: 1 + upTo(2) }, () => pick<Type>(['int', 'text', 'num', 'date']))
    const left = plainSelect(depth - 1, outer, types)
    // Arms of constants are what unions of unlike tables are filled up with.
    const filled = chance(0.3) ? types.map((type) => pick([constant(type), 'NULL'])).join(', ') : null
    const right = filled === null ? plainSelect(depth - 1, outer, types) : { ...left, sql: `SELECT ${filled}` }
    const secret = [...left.columns, ...right.columns].some((c) => c.secret)
    const word = secret && !chance(bold) ? 'UNION ALL' : pick(['UNION', 'UNION ALL', 'INTERSECT', 'EXCEPT'])
    const columns = left.columns.map((c, at) => ({ ...c, secret: c.secret || right.columns[at]!.secret }))
    return { sql: `(${left.sql}) ${word} (${right.sql})`, columns }
  }

  function withQuery(depth: number, outer: readonly Source[]): Query {
    const own = alias()
    if (chance(0.25)) {
      const start = plainSelect(depth - 1, outer, ['int', 'text'])
      const secret = start.columns.some((c) => c.secret)
      const word = secret && !chance(bold) ? 'UNION ALL' : pick(['UNION', 'UNION ALL'])
      const step = `SELECT n + 1, s FROM ${own} WHERE n < 6`
      const columns = [
        { name: 'n', type: 'int' as const, secret: start.columns[0]!.secret },
        { name: 's', type: 'text' as const, secret: start.columns[1]!.secret },
      ]
      if (!columns[0]!.secret || chance(bold))
        return {
          sql: `WITH RECURSIVE ${own}(n, s) AS ((${start.sql}) ${word} ${step}) SELECT n, s FROM ${own}`,
          columns,
        }
    }
    const inner = query(depth - 1, outer)
    const materialized = pick(['', 'MATERIALIZED ', 'NOT MATERIALIZED '])
    const listed = inner.columns.map((c) => c.name).join(', ')
    return { sql: `WITH ${own} AS ${materialized}(${inner.sql}) SELECT ${listed} FROM ${own}`, columns: inner.columns }
  }

  function query(depth: number, outer: readonly Source[]): Query {
    const r = random()
    if (depth > 0 && r < 0.1) return setOperation(depth, outer)
    if (depth > 0 && r < 0.2) return withQuery(depth, outer)
    if (r < 0.32) return grouped(depth, outer)
    return plainSelect(depth, outer, null)
  }

  /** What only daring callers try: rows as values, functions over rows, catalogs of statistics. */
  function daring(): string {
    const table = pick(['customers', 'v_full', 'payments', 'hr.employees', 'orders'])
    return pick<() => string>([
      () => `SELECT t FROM ${table} t`,
      () => `SELECT row_to_json(t) FROM ${table} t`,
      () => `SELECT t::text FROM ${table} t LIMIT 2`,
      () => `SELECT customer_label(c) FROM customers c`,
      () => `SELECT c.customer_label FROM customers c`,
      () => `SELECT hidden(1)`,
      () => `SELECT (get_customer(1)).*`,
      () => `SELECT to_jsonb(k.who) FROM kept_rows k`,
      () => `SELECT (who).ssn FROM kept_rows`,
      () => `SELECT id, who FROM kept_rows`,
      () => `SELECT id, note FROM ${pick(['rls_tests', 'rls_joined'])}`,
      () => `UPDATE ${pick(['rls_tests', 'rls_joined'])} SET note = 'x' WHERE id = 1`,
      () => `SELECT count(*) FROM ${pick(['rls_tests', 'rls_joined', 'products'])}`,
      () => `SELECT count(DISTINCT ssn), min(email) FROM customers`,
      () => `SELECT most_common_vals::text FROM pg_stats WHERE tablename = 'customers'`,
      () => `SELECT tableoid, ctid FROM ${table} LIMIT 3`,
      () => `SELECT * FROM crosstab('select ssn from customers')`,
      () => `SELECT query_to_xml('select ssn from customers', true, true, '')`,
      () => `SELECT name FROM customers ORDER BY ${pick(['ssn', 'email', 'dob', 'length(notes)'])}`,
      () => `SELECT id FROM customers WHERE ssn = ${quote(pick(guesses))}`,
      () => `SELECT id FROM customers WHERE ssn IN (${quote(pick(guesses))}, '1')`,
      () => `SELECT 1 / (CASE WHEN ssn = ${quote(pick(guesses))} THEN 0 ELSE 1 END) FROM customers`,
      () => `SELECT ssn::int FROM customers`,
      () => `SELECT a.id FROM customers a JOIN customers b ON a.ssn > b.ssn`,
      () => `SELECT id FROM customers GROUP BY id, ssn HAVING min(phone) > '5'`,
      () => `SELECT lag(ssn) OVER (ORDER BY id), rank() OVER (ORDER BY ssn) FROM customers`,
    ])()
  }

  function write(): string {
    const guess = chance(0.3) ? quote(pick(guesses)) : "'900-00-0000'"
    const t = (): Source => ({ sql: '', alias: 'customers', columns: relations['customers']!, isWhole: true })
    const returning = (alias: string, columns: readonly Col[]): string => {
      const listed = columns
        .filter(() => chance(0.4))
        .map((c) => `${chance(0.2) ? pick(['old', 'new']) : alias}.${c.name}`)
      return ` RETURNING ${listed.length === 0 ? '1' : listed.join(', ')}`
    }
    const whole = relations['customers']!
    return pick<() => string>([
      () =>
        `INSERT INTO customers (id, name, city, ssn) VALUES (${100 + upTo(9)}, 'New', 'Oslo', ${guess})${pick(['', ' ON CONFLICT (id) DO NOTHING', ' ON CONFLICT (ssn) DO NOTHING', ' ON CONFLICT DO NOTHING', " ON CONFLICT (id) DO UPDATE SET city = 'x'"])}${returning('customers', whole)}`,
      () => `UPDATE customers SET city = ${unwindowed('text', [t()], 1)} WHERE id < 5${returning('customers', whole)}`,
      () => `UPDATE customers SET ssn = ${guess} WHERE id = ${1 + upTo(4)}${returning('customers', whole)}`,
      () => `UPDATE customers SET notes = ${unwindowed('text', [t()], 1)} WHERE id = 1 RETURNING id, notes`,
      () => `UPDATE hr.employees SET full_name = ${guess} WHERE id < 4 RETURNING id`,
      () => `UPDATE hr.employees SET salary = 100 WHERE id = 1 RETURNING id, salary, band`,
      () => {
        const inner = plainSelect(1, [], ['int', 'text', 'num'])
        return `INSERT INTO scratch (id, note, num) SELECT 1000 + row_number() OVER (), c1, c2 FROM (${inner.sql}) s RETURNING *`
      },
      () =>
        `DELETE FROM orders USING customers c WHERE c.id = customer_id AND ${unwindowed('bool', [{ ...t(), alias: 'c' }], 1)}${returning('c', whole)}`,
      () => `DELETE FROM customers WHERE id = ${1 + upTo(5)} RETURNING *`,
      () =>
        `MERGE INTO scratch s USING customers c ON s.id = c.id WHEN MATCHED THEN UPDATE SET note = ${chance(bold) ? 'c.ssn' : 'c.city'} WHEN NOT MATCHED THEN INSERT (id, note) VALUES (c.id, ${chance(bold) ? 'c.phone' : 'c.name'}) RETURNING merge_action(), s.id, s.note, c.email`,
      () =>
        `WITH gone AS (DELETE FROM payments WHERE id < 4 RETURNING *) SELECT ${pick(['id, amount', '*', 'pan', 'cvv + 1'])} FROM gone`,
      () =>
        `UPDATE scratch SET note = c.${pick(whole).name}::text FROM customers c WHERE c.id = scratch.id RETURNING scratch.id`,
      () => `COPY (${query(1, []).sql}) TO STDOUT${pick(['', ' WITH (FORMAT csv, HEADER)', ' WITH (FORMAT binary)'])}`,
      () => `COPY ${pick(['customers', 'products', 'orders_2024', 'v_public'])} TO STDOUT`,
    ])()
  }

  function session(): string {
    const inner = query(1, []).sql
    // One that failed in between is still there.
    const own = `p${upTo(1_000_000)}`
    return pick<() => string>([
      () => `BEGIN; DECLARE c CURSOR FOR ${inner}; FETCH 2 FROM c; FETCH ALL FROM c; ROLLBACK`,
      () => `PREPARE ${own} AS ${inner}; EXECUTE ${own}; DEALLOCATE ${own}`,
      () => `EXPLAIN (COSTS ${pick(['on', 'off'])}) ${inner}`,
      () => `CREATE TEMP TABLE copied AS ${inner}; DROP TABLE copied`,
    ])()
  }

  const orders = orderTexts({ pick, upTo })
  const orderedSessions = orderSessions({ pick, upTo })
  return (): Generated => {
    aliases = 0
    const r = random()
    bold = chance(0.4) ? pick([0.1, 0.3, 0.7]) : 0
    if (r < 0.04) return { sql: daring(), kind: 'read' }
    if (r < 0.14) return { sql: write(), kind: 'write' }
    if (r < 0.18) return { sql: session(), kind: 'session' }
    if (r < 0.2) return { sql: pick(orders)(), kind: 'read' }
    if (r < 0.205) return { sql: pick(orderedSessions)(), kind: 'session' }
    return { sql: query(pick([0, 1, 1, 2, 2, 3]), []).sql, kind: 'read' }
  }
}
