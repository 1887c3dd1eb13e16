// Exports records as the lines of docs/recording-format.md, read and sent piece by piece: the stored bytes as they are.
// Nothing is verified or repaired on the way out; that is for whoever holds the file.
import {
  type ExportScope,
  endLine,
  entryLine,
  headerLine,
  headLine,
  lineDigest,
  textOf,
} from '@sallyport/ledger/export'
import type { Db } from '../db.ts'
import { recordTools } from '../ingest/signature.ts'
import {
  type AgentSpan,
  agentSpans,
  readEntries,
  readHeads,
  readSelected,
  type Selection,
  type SessionPlace,
} from './store.ts'

/** Rows of one read. */
const headsPerRead = 500
const sessionsPerRead = 200
const entriesPerRead = 500

export interface ExportOptions {
  readonly db: Db
  readonly installation: string
  readonly nowMs: number
  readonly selection: Selection
}

/** The file, line by line with newlines. Stops reading the store while nobody takes lines. */
export async function* exportLines(options: ExportOptions): AsyncGenerator<string> {
  const digest = lineDigest(recordTools().sha256)
  const counts = { sessions: 0, entries: 0, heads: 0 }
  const finished = (line: string): string => {
    digest.add(line)
    return `${line}\n`
  }
  const spans = await agentSpans(options.db, options.selection)
  yield finished(headerOf(options, spans))
  for await (const line of headLines(options, spans)) {
    counts.heads++
    yield finished(line)
  }
  for await (const piece of sessionPieces(options, spans)) {
    if (piece.isFirst) counts.sessions++
    counts.entries++
    yield finished(piece.line)
  }
  yield `${endLine(counts, digest.hex())}\n`
}

function headerOf({ installation, nowMs, selection }: ExportOptions, spans: readonly AgentSpan[]): string {
  const scope: ExportScope =
    selection.kind === 'session'
      ? selection
      : { kind: 'range', fromMs: selection.from.getTime(), toMs: selection.to.getTime() }
  const agents = spans.map(({ id, name, recordKey, fingerprint }) => ({ id, name, recordKey, fingerprint }))
  return headerLine({ installation, exportedAtMs: nowMs, scope, agents })
}

/** A span of time carries every head of its agents, so that a gap in the counters shows. */
async function* headLines({ db, selection }: ExportOptions, spans: readonly AgentSpan[]): AsyncGenerator<string> {
  const session = selection.kind === 'session' ? selection.session : null
  for (const { id, first, last } of spans) {
    let after = first - 1n
    for (;;) {
      const heads = await readHeads(db, id, after, last, session, headsPerRead)
      for (const { head, signature } of heads) yield headLine(textOf(head), signature)
      const reached = heads.at(-1)
      if (reached === undefined) break
      after = reached.counter
    }
  }
}

async function* sessionPieces(
  { db, selection }: ExportOptions,
  spans: readonly AgentSpan[],
): AsyncGenerator<{ line: string; isFirst: boolean }> {
  let after: SessionPlace | null = null
  for (;;) {
    const sessions = await readSelected(db, selection, spans, after, sessionsPerRead)
    for (const { id, lastSeq } of sessions) {
      let isFirst = true
      for await (const line of entryLines(db, id, lastSeq)) {
        yield { line, isFirst }
        isFirst = false
      }
    }
    const last = sessions.at(-1)
    if (last === undefined) return
    after = last
  }
}

async function* entryLines(db: Db, session: string, lastSeq: number): AsyncGenerator<string> {
  let from = 0
  while (from <= lastSeq) {
    const entries = await readEntries(db, session, from, lastSeq, entriesPerRead)
    for (const { bytes, hash } of entries) yield entryLine(textOf(bytes), hash)
    const reached = entries.at(-1)
    if (reached === undefined) return
    from = reached.seq + 1
  }
}
