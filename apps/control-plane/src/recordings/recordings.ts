// What people see of recorded sessions: the list, one session, and its entries, verified again as they are read.
import type { Session } from '@sallyport/api/recordings'
import { Session as SessionSchema } from '@sallyport/api/recordings'
import { SallyportError } from '@sallyport/base/errors'
import { toHex } from '@sallyport/ledger/bytes'
import { entryHash, firstPrevious } from '@sallyport/ledger/chain'
import type { Entry } from '@sallyport/ledger/entry'
import { parseEntry } from '@sallyport/ledger/shape'
import type { Db } from '../db.ts'
import { recordTools } from '../ingest/signature.ts'
import { type Served, servedNobody } from './served-store.ts'
import { hashAt, interruptedReasons, readEntries, type SessionRow } from './store.ts'

/** An agent sends something every few seconds; silent for this long, what it left open counts as interrupted. */
export const agentSilentMs = 300_000

/** A session as the API shows it. `silent`: agents that have not been heard of. */
export function showSession(row: SessionRow, silent: ReadonlySet<string>, served: Served = servedNobody): Session {
  return {
    id: row.id,
    target: row.target,
    agent: row.agentId,
    agentName: row.agentName,
    initiator: SessionSchema.shape.initiator.parse(row.initiator),
    actors: SessionSchema.shape.actors.parse(row.actors),
    initiators: [...served.initiators],
    initiatorCount: served.count,
    upstreamRole: row.upstreamRole,
    clientAddress: row.clientAddress,
    applicationName: row.applicationName,
    authentication: row.authentication,
    tls: row.tls,
    openedAt: row.openedAt.toISOString(),
    closedAt: row.closedAt?.toISOString() ?? null,
    state: stateOf(row, silent),
    statements: row.statements,
    denied: row.denied,
    held: row.held,
    maskedValues: row.maskedValues,
    entries: row.tipSeq + 1,
  }
}

function stateOf(row: SessionRow, silent: ReadonlySet<string>): Session['state'] {
  if (row.alarm !== null || interruptedReasons.includes(row.closeReason ?? '')) return 'interrupted'
  if (row.closedAt !== null) return 'closed'
  return silent.has(row.agentId) ? 'interrupted' : 'live'
}

export interface EntryPage {
  readonly items: Entry[]
  /** Sequence to go on with. */
  readonly next: number | null
}

/** Entries from sequence `from` on. Throws CHAIN_BROKEN when what is stored is not what was hashed. */
export async function verifiedEntries(db: Db, session: SessionRow, from: number, limit: number): Promise<EntryPage> {
  const { sha256 } = recordTools()
  const rows = await readEntries(db, session.id, from, session.tipSeq, limit)
  const before = from === 0 ? null : await hashAt(db, session.id, from - 1)
  let previous = before === null ? firstPrevious(sha256, session.id) : Uint8Array.from(Buffer.from(before, 'hex'))
  const items: Entry[] = []
  for (const row of rows) {
    const seq = from + items.length
    const parsed = parseEntry(row.bytes)
    if (row.seq !== seq || !parsed.ok || parsed.value.seq !== seq || parsed.value.session !== session.id)
      throw brokenAt(session.id, seq)
    previous = Uint8Array.from(entryHash(sha256, seq, previous, row.bytes))
    if (toHex(previous) !== row.hash) throw brokenAt(session.id, seq)
    items.push(parsed.value)
  }
  const next = from + items.length
  if (items.length === 0 && from <= session.tipSeq) throw brokenAt(session.id, from)
  if (next === session.tipSeq + 1 && items.length > 0 && toHex(previous) !== session.tipHash)
    throw brokenAt(session.id, session.tipSeq)
  return { items, next: next <= session.tipSeq ? next : null }
}

const brokenAt = (session: string, seq: number): SallyportError =>
  new SallyportError('CHAIN_BROKEN', `entry ${seq} of session "${session}" is not what its agent recorded`, {
    hint: 'export the session and run "sallyport audit verify" on the file',
  })
