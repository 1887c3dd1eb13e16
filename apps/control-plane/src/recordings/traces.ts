// One trace across sessions: what a call led to elsewhere, as far as each part said of which trace it is. Entries are verified against
// their stored hashes as they are read; that callers told the truth about their trace nobody can verify.
import type { Trace, TracedStatement } from '@sallyport/api/recordings'
import { SallyportError } from '@sallyport/base/errors'
import { toHex } from '@sallyport/ledger/bytes'
import { entryHash } from '@sallyport/ledger/chain'
import type { Entry } from '@sallyport/ledger/entry'
import { rowsOf } from '@sallyport/ledger/rows'
import { parseEntry } from '@sallyport/ledger/shape'
import type { Db } from '../db.ts'
import { recordTools } from '../ingest/signature.ts'
import { showSession } from './recordings.ts'
import { findSessions, readTraced, type StoredEntry, type TracedRow } from './trace-store.ts'

/** Of one answer; a trace of a function has a handful. */
const tracedMax = 500
/** Of one text in it, in characters. */
const textCharsMax = 2_000

type Beginning = Extract<Entry, { kind: 'intent' | 'denied' | 'held' }>

/** Throws CHAIN_BROKEN when what is stored is not what was hashed. */
export async function traceOf(db: Db, trace: string): Promise<Trace> {
  const rows = await readTraced(db, trace, tracedMax + 1)
  const sessions = await findSessions(db, [...new Set(rows.map(({ session }) => session))])
  const silent: ReadonlySet<string> = new Set()
  const known = new Map(sessions.map((row) => [row.id, showSession(row, silent)]))
  const items = rows.slice(0, tracedMax).flatMap((row): TracedStatement[] => {
    const entry = verified(row)
    const session = known.get(row.session)
    if (session === undefined || entry.trace === undefined) return []
    const outcome = row.outcome === null ? null : outcomeOf(row.session, entry.statement, row.outcome)
    return [
      {
        session: row.session,
        seq: row.seq,
        statement: entry.statement,
        at: new Date(entry.atMs).toISOString(),
        target: session.target,
        agentName: session.agentName,
        protocol: entry.protocol,
        initiator: entry.chain === undefined ? session.initiator : shownPrincipal(entry.chain.initiator),
        kind: entry.kind,
        verb: entry.verb,
        text: entry.text.slice(0, textCharsMax),
        objects: objectsOf(entry),
        code: entry.kind === 'denied' ? entry.code : null,
        result: outcome === null ? null : outcome.result === 'done' ? 'done' : 'failed',
        rows: outcome === null ? null : rowsOf(outcome),
        durationUs: outcome?.durationUs ?? null,
        parent: entry.trace.parent,
        span: entry.trace.span,
        depth: 0,
      },
    ]
  })
  return { trace, items: withDepth(items), cut: rows.length > tracedMax }
}

const shownPrincipal = ({ groups, ...rest }: NonNullable<Beginning['chain']>['initiator']) => ({
  ...rest,
  groups: [...groups],
})

/** Also what a message of MCP asks a database. */
const objectsOf = ({ effects, sql = [] }: Beginning): string[] => [
  ...new Set([
    ...effects.map(({ object }) => object),
    ...sql.flatMap((one) => one.effects.map(({ object }) => `${one.target}: ${object}`)),
  ]),
]

function verified(row: TracedRow): Beginning {
  const value = checkedEntry(row.session, row)
  if (value.kind === 'intent' || value.kind === 'denied' || value.kind === 'held') return value
  throw broken(row.session, row.seq)
}

type Ending = Extract<Entry, { kind: 'outcome' }>

function outcomeOf(session: string, statement: number, stored: StoredEntry): Ending {
  const value = checkedEntry(session, stored)
  if (value.kind === 'outcome' && value.statement === statement) return value
  throw broken(session, stored.seq)
}

/** What stands at its place in the chain, as far as the store says of the one before it. */
function checkedEntry(session: string, { seq, hash, bytes, previous }: StoredEntry): Entry {
  const before = Uint8Array.from(Buffer.from(previous, 'hex'))
  const isHashed = toHex(entryHash(recordTools().sha256, seq, before, bytes)) === hash
  const parsed = isHashed ? parseEntry(bytes) : null
  if (parsed?.ok === true && parsed.value.seq === seq && parsed.value.session === session) return parsed.value
  throw broken(session, seq)
}

const broken = (session: string, seq: number): SallyportError =>
  new SallyportError('CHAIN_BROKEN', `entry ${seq} of session "${session}" is not what its agent recorded`, {
    hint: 'export the session and run "sallyport audit verify" on the file',
  })

/** Each below the one whose part of the trace it names as its parent; a circle, which only a liar makes, ends where it began. */
function withDepth(items: readonly TracedStatement[]): TracedStatement[] {
  const bySpan = new Map(items.flatMap((item) => (item.span === '' ? [] : [[item.span, item] as const])))
  const depthOf = (item: TracedStatement): number => {
    const seen = new Set([item])
    let above = bySpan.get(item.parent)
    while (above !== undefined && !seen.has(above)) {
      seen.add(above)
      above = bySpan.get(above.parent)
    }
    return seen.size - 1
  }
  return items.map((item) => ({ ...item, depth: depthOf(item) }))
}
