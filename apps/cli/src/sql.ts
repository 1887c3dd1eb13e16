// One text on a connection through the agent, over TLS that is verified in full, as texts: `query` shows them, `mcp` hands them on.

import type { TokenResponse } from '@sallyport/api/signin'
import { isErrorCode, SallyportError, type SallyportErrorCode, surfacesOf } from '@sallyport/base/errors'
import pg from 'pg'
import { reasonOf } from './api.ts'
import type { Cell } from './table.ts'

/** To connect and log in, in milliseconds. */
const connectMsMax = 20_000
/** After a cancel, for what runs to end, in milliseconds. */
const cancelMsMax = 10_000

/** What of a result is kept; the rest is read and counted. */
export interface Keep {
  readonly rows: number
  /** Characters of all rows. */
  readonly characters: number
}

export interface ShownResult {
  readonly command: string
  readonly columns: readonly { readonly name: string; readonly typeOid: number }[]
  readonly rows: readonly (readonly Cell[])[]
  readonly rowCount: number | null
  /** True when more rows came than were kept. */
  readonly cut: boolean
}

export interface SqlFields {
  readonly severity?: string | undefined
  readonly code?: string | undefined
  readonly message?: string | undefined
  readonly detail?: string | undefined
  readonly hint?: string | undefined
}

export interface SqlRun {
  readonly issued: TokenResponse
  readonly text: string
  readonly keep: Keep
  readonly applicationName: string
  readonly onNotice: (fields: SqlFields) => void
  /** Leaves at once: what runs is cancelled by the agent when the connection is gone. */
  readonly interrupted: AbortSignal
  /** Asks to stop, and waits for what comes of it. */
  readonly cancelled?: AbortSignal
  /** Sends these bytes on a connection of their own. */
  readonly cancel: (host: string, port: number, bytes: Uint8Array) => void
}

/** Throws SqlFailure, UPSTREAM_UNREACHABLE, or what `interrupted` was aborted with. */
export async function runSql(run: SqlRun): Promise<ShownResult[]> {
  const { host, port, database, user, ca } = run.issued.connection
  const client = new pg.Client({
    host,
    port,
    database,
    user,
    password: run.issued.token,
    ssl: { ca, rejectUnauthorized: true, minVersion: 'TLSv1.2' },
    connectionTimeoutMillis: connectMsMax,
    application_name: run.applicationName,
    // Text as PostgreSQL writes it: a client that parses dates and numbers changes them.
    types: { getTypeParser: () => (value: unknown) => value },
  })
  client.on('notice', run.onNotice)
  try {
    const lost = new Promise<never>((_, reject) => client.once('error', reject))
    lost.catch(() => {})
    await Promise.race([client.connect(), lost])
    const stopped = cancellation(client, run)
    return await Promise.race([runText(client, run.text, run.keep), lost, interruption(run.interrupted), stopped])
  } catch (thrown) {
    throw sqlFailure(thrown, `${host}:${port}`)
  } finally {
    await client.end().catch(() => {})
  }
}

function interruption(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** Sends a CancelRequest once asked to; rejects when nothing comes of that. Its key is the agent's, and good for this session. */
function cancellation(client: pg.Client, run: SqlRun): Promise<never> {
  return new Promise((_, reject) => {
    run.cancelled?.addEventListener(
      'abort',
      () => {
        const { host, port } = run.issued.connection
        const { processID, secretKey } = keyOf(client)
        run.cancel(host, port, cancelRequest(processID, secretKey))
        const uncertain = new SallyportError('UPSTREAM_UNREACHABLE', 'it was asked to stop, and nothing came of that', {
          hint: 'look at the request for approval: it may have run',
        })
        setTimeout(() => reject(uncertain), cancelMsMax).unref()
      },
      { once: true },
    )
  })
}

/** PostgreSQL, 54.7 "Message Formats": CancelRequest. */
function cancelRequest(processID: number, secretKey: number): Uint8Array {
  const bytes = Buffer.alloc(16)
  bytes.writeInt32BE(16, 0)
  bytes.writeInt32BE(80_877_102, 4)
  bytes.writeInt32BE(processID, 8)
  bytes.writeInt32BE(secretKey, 12)
  return bytes
}

// node-postgres keeps both, and its types do not say so.
function keyOf(client: pg.Client): { readonly processID: number; readonly secretKey: number } {
  const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0)
  return {
    processID: 'processID' in client ? numberOf(client.processID) : 0,
    secretKey: 'secretKey' in client ? numberOf(client.secretKey) : 0,
  }
}

/** Runs the text by the simple protocol: several statements give several results, as in psql. */
function runText(client: pg.Client, text: string, keep: Keep): Promise<ShownResult[]> {
  const rows = new Map<object, { kept: Cell[][]; count: number; characters: number }>()
  // Typed for QueryConfig, which lacks rowMode; node-postgres itself takes it.
  const config = { text, rowMode: 'array' }
  const sent = client.query(new pg.Query<Cell[]>(config))
  sent.on('row', (row: unknown, result: object | undefined) => {
    if (result === undefined || !Array.isArray(row)) return
    const of = rows.get(result) ?? { kept: [], count: 0, characters: 0 }
    rows.set(result, of)
    of.count++
    if (of.kept.length >= keep.rows || of.characters >= keep.characters) return
    const cells = row.map((cell) => (cell === null ? null : String(cell)))
    of.characters += cells.reduce((sum, cell) => sum + (cell?.length ?? 0), 0)
    of.kept.push(cells)
  })
  return new Promise((resolve, reject) => {
    sent.on('error', reject)
    sent.on('end', (ended: pg.QueryResult | pg.QueryResult[]) => {
      const results = Array.isArray(ended) ? ended : [ended]
      resolve(
        results.map((result) => {
          const of = rows.get(result) ?? { kept: [], count: 0, characters: 0 }
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
