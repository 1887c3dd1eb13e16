// The index that the player draws its timeline from: one row for each statement, with what came of it, words said once.
import { type Lane, lanes, type SessionIndex } from '@sallyport/api/recordings'
import { assert } from '@sallyport/base/assert'
import type { Db } from '../db.ts'
import { type Beginning, type Ending, readEndings, readSpan } from './index-store.ts'
import type { SessionRow } from './store.ts'

/** Entries of a page for each statement that it may hold: a beginning and an end. */
const entriesPerStatement = 2
/** Entries past those of a page in which outcomes are looked for at once; most are there. */
const overhang = 1_000

/** Statements that began in the entries from `from` on: at most `limit`, from twice as many entries. */
export async function statementIndex(db: Db, session: SessionRow, from: number, limit: number): Promise<SessionIndex> {
  const end = from + limit * entriesPerStatement
  const read = Math.min(end + overhang, session.tipSeq + 1)
  const span = await readSpan(db, session.id, from, read - 1)
  const began = span.beginnings.filter((one) => one.seq < end)
  const page = began.slice(0, limit)
  const fates = new Map<number, Fate>()
  addEndings(fates, span.endings)
  const open = page.filter((one) => isOpen(one, fates.get(one.statement))).map((one) => one.statement)
  if (open.length > 0 && read <= session.tipSeq) addEndings(fates, await readEndings(db, session.id, read - 1, open))
  return {
    openedAtMs: session.openedAt.getTime(),
    ...columnsOf(page, fates),
    tipSeq: session.tipSeq,
    next: began[limit]?.seq ?? (end <= session.tipSeq ? end : null),
  }
}

/** What is known of a statement after its beginning. */
interface Fate {
  ran: boolean
  isOver: boolean
  failed: boolean
  rows: number
  durationUs: number
}

function addEndings(fates: Map<number, Fate>, endings: readonly Ending[]): void {
  for (const { statement, lane, rows, durationUs } of endings) {
    const fate = fates.get(statement) ?? { ran: false, isOver: false, failed: false, rows: -1, durationUs: -1 }
    fates.set(statement, fate)
    if (lane === 'run') fate.ran = true
    else fate.isOver = true
    if (lane === 'failed') fate.failed = true
    fate.rows = Math.max(fate.rows, rows)
    fate.durationUs = Math.max(fate.durationUs, durationUs)
  }
}

const isOpen = (one: Beginning, fate: Fate | undefined): boolean => one.lane !== 'denied' && fate?.isOver !== true

function columnsOf(page: readonly Beginning[], fates: ReadonlyMap<number, Fate>) {
  const verbs = words(page.map((one) => one.verb))
  const objects = words(page.map((one) => one.object))
  return {
    seq: page.map((one) => one.seq),
    atMs: page.map((one) => one.atMs),
    statement: page.map((one) => one.statement),
    lane: page.map((one) => laneOf(one, fates.get(one.statement))),
    verb: verbs.places,
    object: objects.places,
    rows: page.map((one) => fates.get(one.statement)?.rows ?? -1),
    durationUs: page.map((one) => fates.get(one.statement)?.durationUs ?? -1),
    verbs: verbs.words,
    objects: objects.words,
  }
}

const laneNumbers: ReadonlyMap<string, number> = new Map(lanes.map((lane: Lane, place) => [lane, place]))

function laneOf(one: Beginning, fate: Fate | undefined): number {
  const lane = fate?.failed === true ? 'failed' : one.lane === 'held' && fate?.ran === true ? 'approved' : one.lane
  const place = laneNumbers.get(lane)
  assert(place !== undefined, 'a lane that ingest does not write')
  return place
}

/** Each word once, and for each row the place of its word. */
function words(column: readonly string[]): { readonly words: string[]; readonly places: number[] } {
  const known = new Map<string, number>()
  const places = column.map((word) => {
    const place = known.get(word) ?? known.size
    known.set(word, place)
    return place
  })
  return { words: [...known.keys()], places }
}
