// sallyport query TARGET "SQL": one text through the agent, over TLS that is verified in full, shown as a table without
// any installed client. Values are shown as PostgreSQL writes them; nothing in them can reach the terminal unescaped.
import { isErrorCode, SallyportError, type SallyportErrorCode, surfacesOf } from '@sallyport/base/errors'
import pg from 'pg'
import { reasonOf } from './api.ts'
import { type AddCommand, type Session, usage } from './app.ts'
import { escapeText } from './escape.ts'
import type { Cell } from './table.ts'
import { requestToken } from './token.ts'

/** Rows that are kept to be shown, when --rows says nothing else. */
const rowsDefault = 10_000
const rowsMax = 1_000_000
/** To connect and log in, in milliseconds. */
const connectMsMax = 20_000

interface QueryOptions {
  readonly role?: string
  readonly file?: string
  readonly rows?: string
}

export interface ShownResult {
  readonly command: string
  readonly columns: readonly { readonly name: string; readonly typeOid: number }[]
  readonly rows: readonly (readonly Cell[])[]
  readonly rowCount: number | null
  /** True when more rows came than were kept. */
  readonly cut: boolean
}

export const addQuery: AddCommand = (parent, app) => {
  parent
    .command('query <target> [sql]')
    .description('run SQL on a target and show what comes back')
    .option('--role <role>', 'the upstream role, when you may choose')
    .option('-f, --file <path>', 'read the SQL from a file, or from stdin with "-"')
    .option('--rows <n>', `keep at most this many rows of a result (default ${rowsDefault})`)
    .addHelpText(
      'after',
      '\nExamples:\n  sallyport query shop "select name, email from customers limit 3"\n  sallyport query shop -f report.sql --json',
    )
    .action((target: string, sql: string | undefined, options: QueryOptions) =>
      app.run((session) => query(session, target, sql, options)),
    )
}

async function query(session: Session, target: string, sql: string | undefined, options: QueryOptions): Promise<void> {
  const text = await readSql(session, sql, options.file)
  const keep = rowsOption(options.rows)
  const issued = await requestToken(session, target, options.role)
  const { host, port, database, user, ca, url } = issued.connection
  if (url !== null)
    throw new SallyportError('REQUEST_INVALID', `"${target}" is an HTTP API; it takes no SQL`, {
      hint: `"sallyport connect ${target}" shows how to ask it`,
    })
  const client = new pg.Client({
    host,
    port,
    database,
    user,
    password: issued.token,
    ssl: { ca, rejectUnauthorized: true, minVersion: 'TLSv1.2' },
    connectionTimeoutMillis: connectMsMax,
    application_name: 'sallyport query',
    // Text as PostgreSQL writes it: a client that parses dates and numbers changes them.
    types: { getTypeParser: () => (value: unknown) => value },
  })
  client.on('notice', (notice) => session.out.message(noticeText(notice)))
  try {
    const lost = new Promise<never>((_, reject) => client.once('error', reject))
    lost.catch(() => {})
    await Promise.race([client.connect(), lost])
    const results = await Promise.race([runText(client, text, keep), lost, interruption(session)])
    showResults(session, results)
  } catch (thrown) {
    throw sqlFailure(thrown, `${host}:${port}`)
  } finally {
    await client.end().catch(() => {})
  }
}

const interruption = (session: Session): Promise<never> =>
  new Promise((_, reject) => {
    const { interrupted } = session.world
    interrupted.addEventListener('abort', () => reject(interrupted.reason), { once: true })
  })

async function readSql(session: Session, sql: string | undefined, file: string | undefined): Promise<string> {
  if ((sql === undefined) === (file === undefined))
    throw usage('pass the SQL as an argument or with --file, one of them', 'sallyport query TARGET "select 1"')
  if (sql !== undefined) return sql
  if (file === undefined || file === '-') return await session.world.readStdin()
  const text = session.world.files.readText(file)
  if (text === null) throw new SallyportError('NOT_FOUND', `there is no file "${file}"`, { hint: 'check the path' })
  return text
}

function rowsOption(text: string | undefined): number {
  if (text === undefined) return rowsDefault
  const rows = /^[0-9]{1,7}$/.test(text) ? Number(text) : 0
  if (rows < 1 || rows > rowsMax) throw usage(`--rows "${text}" is no number of rows`, `1 to ${rowsMax}`)
  return rows
}

/** Runs the text by the simple protocol: several statements give several results, as in psql. */
function runText(client: pg.Client, text: string, keep: number): Promise<ShownResult[]> {
  const rows = new Map<object, { kept: Cell[][]; count: number }>()
  // Typed for QueryConfig, which lacks rowMode; node-postgres itself takes it.
  const config = { text, rowMode: 'array' }
  const sent = client.query(new pg.Query<Cell[]>(config))
  sent.on('row', (row: unknown, result: object | undefined) => {
    if (result === undefined || !Array.isArray(row)) return
    const of = rows.get(result) ?? { kept: [], count: 0 }
    rows.set(result, of)
    of.count++
    if (of.kept.length < keep) of.kept.push(row.map((cell) => (cell === null ? null : String(cell))))
  })
  return new Promise((resolve, reject) => {
    sent.on('error', reject)
    sent.on('end', (ended: pg.QueryResult | pg.QueryResult[]) => {
      const results = Array.isArray(ended) ? ended : [ended]
      resolve(
        results.map((result) => {
          const of = rows.get(result) ?? { kept: [], count: 0 }
          return {
            command: result.command ?? '',
            columns: result.fields.map((field) => ({ name: field.name, typeOid: field.dataTypeID })),
            rows: of.kept,
            rowCount: result.rowCount,
            cut: of.count > of.kept.length,
          }
        }),
      )
    })
  })
}

// Numeric types of pg_type.dat: int8, int2, int4, oid, float4, float8, numeric, money.
const numeric = new Set([20, 21, 23, 26, 700, 701, 1700, 790])

function showResults(session: Session, results: readonly ShownResult[]): void {
  const { out } = session
  for (const result of results)
    if (result.cut)
      out.message(
        `${result.rows.length} of ${result.rowCount} rows are shown; add LIMIT, or pass --rows with a higher number`,
      )
  const value = results.map((result) => ({
    command: result.command,
    rowCount: result.rowCount,
    cut: result.cut,
    columns: result.columns,
    rows: result.rows,
  }))
  out.result(value, () => results.map((result) => resultText(session, result)).join('\n\n'))
}

function resultText(session: Session, result: ShownResult): string {
  if (result.columns.length === 0) {
    const count = result.rowCount === null ? '' : ` ${result.rowCount}`
    return escapeText(`${result.command}${count}`)
  }
  const columns = result.columns.map(({ name, typeOid }) => ({
    name,
    align: numeric.has(typeOid) ? ('right' as const) : ('left' as const),
  }))
  const table = session.out.table({ columns, rows: result.rows })
  if (!session.world.stdout.isTty) return table
  return `${table}\n(${result.rowCount ?? 0} ${result.rowCount === 1 ? 'row' : 'rows'})`
}

interface SqlFields {
  readonly severity?: string | undefined
  readonly code?: string | undefined
  readonly message?: string | undefined
  readonly detail?: string | undefined
  readonly hint?: string | undefined
}

const noticeText = (fields: SqlFields): string =>
  escapeText(
    [`${fields.severity ?? 'NOTICE'}: ${fields.message ?? ''}`, fields.detail, fields.hint]
      .filter((part) => part !== undefined && part !== '')
      .join('; '),
  )

/** An error of the target or the agent, with its SQLSTATE. */
export class SqlFailure extends SallyportError {
  readonly sqlstate: string
  constructor(fields: SqlFields & { readonly code: string }) {
    const detail = fields.detail === undefined || fields.detail === '' ? '' : ` (${fields.detail})`
    // The agent's hint ends with the code and its page, which a failure shows anyway.
    const hint = fields.hint?.replace(/ ?\(?[A-Z][A-Z_]+, see https:\/\/\S+$/, '')
    const message = `${fields.code} ${fields.message ?? ''}${detail}`
    super(codeOf(fields.code, fields.hint ?? ''), message, hint ? { hint } : {})
    this.sqlstate = fields.code
  }
}

// What the target itself says, by class (PostgreSQL, appendix A). The agent's refusals name their code in the hint.
const codesOfClass = {
  '08': 'UPSTREAM_UNREACHABLE',
  '28': 'TOKEN_INVALID',
  '3D': 'TARGET_UNKNOWN',
} as const
type KnownClass = keyof typeof codesOfClass
const isKnownClass = (text: string): text is KnownClass => Object.hasOwn(codesOfClass, text)

/** The agent's own code when the hint names one that has this SQLSTATE; else what the class says. */
function codeOf(sqlstate: string, hint: string): SallyportErrorCode {
  const named = /\b([A-Z][A-Z_]+), see https:\/\//.exec(hint)?.[1] ?? ''
  if (isErrorCode(named) && surfacesOf(named).sqlstate === sqlstate) return named
  const group = sqlstate.slice(0, 2)
  if (sqlstate.startsWith('57P')) return 'SESSION_ENDED'
  return isKnownClass(group) ? codesOfClass[group] : 'STATEMENT_FAILED'
}

function sqlFailure(thrown: unknown, address: string): unknown {
  if (thrown instanceof pg.DatabaseError && thrown.code !== undefined)
    return new SqlFailure({ ...thrown, code: thrown.code, message: thrown.message })
  if (thrown instanceof SallyportError || (thrown instanceof Error && thrown.name === 'AbortError')) return thrown
  return new SallyportError('UPSTREAM_UNREACHABLE', `the agent at ${address} cannot be used${reasonOf(thrown)}`, {
    cause: thrown,
    hint: '"sallyport doctor" tests the connection step by step',
  })
}
