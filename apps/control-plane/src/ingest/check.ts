// Judges the entries of a batch whose head is good: their places, their shapes, and the chain from the stored tip.
// Pure: what it must know of the store comes in, what is to be stored goes out. Nothing of a batch is believed before.
import type { Sha256 } from '@sallyport/ledger/bytes'
import { entryHash, firstPrevious } from '@sallyport/ledger/chain'
import type { Entry, Head } from '@sallyport/ledger/entry'
import type { VerifySignature } from '@sallyport/ledger/head'
import { parseEntry } from '@sallyport/ledger/shape'

/** What an agent is known by, and where its chain of heads stands. */
export interface AgentChain {
  readonly id: string
  readonly recordKey: Uint8Array
  readonly recordKeyFingerprint: string
  readonly headCounter: number
  readonly headHash: string
}

export interface SessionTip {
  readonly agent: string
  readonly seq: number
  readonly hash: string
  readonly closed: boolean
}

export interface ShownBatch {
  readonly session: string
  readonly firstSeq: number
  readonly entries: readonly Uint8Array[]
  readonly head: Uint8Array
  readonly signature: Uint8Array
}

export interface Tools {
  readonly sha256: Sha256
  readonly verifySignature: VerifySignature
}

export interface Refusal {
  readonly kind: 'refused'
  readonly reason: string
}
export const refused = (reason: string): Refusal => ({ kind: 'refused', reason })

export interface CheckedEntry {
  readonly entry: Entry
  readonly hash: string
  readonly bytes: Uint8Array
}

export interface GoodEntries {
  readonly kind: 'good'
  /** All of the batch, those that are stored already too. */
  readonly entries: readonly CheckedEntry[]
  /** Those past the stored tip. */
  readonly fresh: readonly CheckedEntry[]
}

/** The hash that the batch's first entry builds on, when the store must be asked for it: the entry before `firstSeq`. */
export const needsStoredPrevious = (batch: ShownBatch, tip: SessionTip | null): boolean =>
  batch.firstSeq > 0 && tip !== null && batch.firstSeq <= tip.seq

/**
 * Entries of a batch whose head is good. `storedPrevious` is the stored hash of entry `firstSeq - 1` where
 * `needsStoredPrevious` says so.
 */
export function checkEntries(
  batch: ShownBatch,
  head: Head,
  tip: SessionTip | null,
  storedPrevious: string | null,
  tools: Tools,
): GoodEntries | Refusal {
  const shape = checkPlace(batch, head, tip)
  if (shape !== null) return shape
  const previous = previousOf(batch, tip, storedPrevious, tools)
  if (previous === null) return refused(`entry ${batch.firstSeq - 1} of this session is not stored`)
  const entries: CheckedEntry[] = []
  let before = previous
  for (const [index, bytes] of batch.entries.entries()) {
    const seq = batch.firstSeq + index
    const parsed = parseEntry(bytes)
    if (!parsed.ok) return refused(`entry ${seq}: ${parsed.reason}`)
    const problem = misplaced(parsed.value, seq, head, index === batch.entries.length - 1)
    if (problem !== null) return refused(`entry ${seq} ${problem}`)
    before = entryHash(tools.sha256, seq, before, bytes)
    entries.push({ entry: parsed.value, hash: hexOf(before), bytes })
  }
  if (hexOf(before) !== head.hash) return refused('the entries are not those that the head signs')
  const stored = tip === null ? undefined : entries.find(({ entry }) => entry.seq === tip.seq)
  if (stored !== undefined && stored.hash !== tip?.hash)
    return refused('entries that are stored already were sent again with other content')
  return { kind: 'good', entries, fresh: entries.filter(({ entry }) => tip === null || entry.seq > tip.seq) }
}

const hexOf = ({ buffer, byteOffset, length }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, length).toString('hex')

function checkPlace(batch: ShownBatch, head: Head, tip: SessionTip | null): Refusal | null {
  const last = batch.firstSeq + batch.entries.length - 1
  if (head.session !== batch.session) return refused('the head is of another session than the batch')
  if (batch.entries.length === 0 || head.seq !== last)
    return refused('the head does not sign the last entry of the batch')
  if (tip !== null && tip.agent !== head.agent) return refused('the session belongs to another agent')
  const next = tip === null ? 0 : tip.seq + 1
  if (batch.firstSeq > next) return refused(`entries ${next} to ${batch.firstSeq - 1} of this session are missing`)
  if (tip?.closed === true && last > tip.seq) return refused('the session is closed')
  return null
}

function previousOf(
  batch: ShownBatch,
  tip: SessionTip | null,
  storedPrevious: string | null,
  tools: Tools,
): Uint8Array | null {
  if (batch.firstSeq === 0) return firstPrevious(tools.sha256, batch.session)
  const hash = needsStoredPrevious(batch, tip) ? storedPrevious : (tip?.hash ?? null)
  return hash === null ? null : Uint8Array.from(Buffer.from(hash, 'hex'))
}

function misplaced(entry: Entry, seq: number, head: Head, isLast: boolean): string | null {
  if (entry.session !== head.session) return 'is of another session'
  if (entry.seq !== seq) return `says that it is entry ${entry.seq}`
  if ((entry.kind === 'session-opened') !== (seq === 0)) return 'opens a session that is open, or lacks its opening'
  if (entry.kind === 'session-opened' && entry.agent !== head.agent) return 'names another agent'
  if (entry.kind === 'session-closed' && !isLast) return 'closes the session before its last entry'
  if (isLast && head.closed !== (entry.kind === 'session-closed')) return 'does not agree with its head about the end'
  return null
}
