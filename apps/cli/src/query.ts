// sallyport query TARGET "SQL": one text through the agent, over TLS that is verified in full, shown as a table without
// any installed client. Values are shown as PostgreSQL writes them; nothing in them can reach the terminal unescaped.
import { SallyportError } from '@sallyport/base/errors'
import { type AddCommand, type Session, usage } from './app.ts'
import { escapeText } from './escape.ts'
import { runSql, type ShownResult, type SqlFields } from './sql.ts'
import { requestToken } from './token.ts'

/** Rows that are kept to be shown, when --rows says nothing else. */
const rowsDefault = 10_000
const rowsMax = 1_000_000

interface QueryOptions {
  readonly role?: string
  readonly file?: string
  readonly rows?: string
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
  if (issued.connection.url !== null)
    throw new SallyportError('REQUEST_INVALID', `"${target}" is an HTTP API; it takes no SQL`, {
      hint: `"sallyport connect ${target}" shows how to ask it`,
    })
  const results = await runSql({
    issued,
    text,
    keep: { rows: keep, characters: Number.POSITIVE_INFINITY },
    applicationName: 'sallyport query',
    onNotice: (fields) => session.out.message(noticeText(fields)),
    interrupted: session.world.interrupted,
    cancel: session.world.sendOnce,
  })
  showResults(session, results)
}

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

const noticeText = (fields: SqlFields): string =>
  escapeText(
    [`${fields.severity ?? 'NOTICE'}: ${fields.message ?? ''}`, fields.detail, fields.hint]
      .filter((part) => part !== undefined && part !== '')
      .join('; '),
  )
