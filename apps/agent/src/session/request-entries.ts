// How a request of HTTP stands in its entries: without what may not be kept, which the caller has taken out before.
import type { EntryBody, EntryChain, EntrySql, EntryTrace } from '@sallyport/ledger/entry'
import type { Decision } from '@sallyport/policy/decide'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { SessionRecord } from '../record/record.ts'
import type { HeldPlace } from './held.ts'
import { cut, type RecordedStatement, recordedTextCharsMax } from './recorded.ts'
import type { RequestOutcome } from './request-asked.ts'

/** What an entry says beside the request itself. */
export interface Beside {
  /** Statements for databases that it carries. */
  readonly sql: readonly EntrySql[]
  readonly trace: EntryTrace
}

/** What is kept of a request, and for whom it was where that is not the session's own chain. */
export const recorded = (
  place: Pick<HeldPlace, 'behalf'>,
  facts: StatementFacts,
  path: string,
  { sql, trace }: Beside,
): RecordedStatement & {
  readonly chain?: EntryChain
  readonly sql?: readonly EntrySql[]
  readonly trace: EntryTrace
} => ({
  text: cut(facts.text, recordedTextCharsMax),
  textTruncated: facts.text.length > recordedTextCharsMax,
  fingerprint: '',
  verb: facts.verb,
  effects: facts.effects.map(({ operation, via }) => ({ operation, object: path, via })),
  parameters: [],
  ...(place.behalf === undefined ? {} : { chain: place.behalf }),
  ...(sql.length === 0 ? {} : { sql }),
  trace,
})

/** Only where there is something to say. */
export function shadowOf(
  decision: Decision | null,
  limits: Decision['shadow'] = [],
): { readonly shadow?: Decision['shadow'] } {
  const all = [...(decision?.shadow ?? []), ...limits]
  return all.length === 0 ? {} : { shadow: all }
}

/** Settles when the record has it; requests that come in one turn of the event loop share one write. */
export async function append(record: SessionRecord, body: EntryBody): Promise<void> {
  await (record.note(body) ?? record.written())
}

/** What became of it. A lost outcome leaves an intent without an end, which the record shows. */
export async function noteEnd(
  record: SessionRecord,
  statement: number,
  durationUs: number,
  { result, tag, bytes, maskedValues }: RequestOutcome,
): Promise<void> {
  await append(record, {
    kind: 'outcome',
    statement,
    result,
    tag,
    sqlstate: '',
    rows: 0,
    bytes,
    maskedValues,
    durationUs,
  }).catch(() => undefined)
}
