// The index that the player draws its timeline from: one row for each statement, words said once.
import { type Lane, lanes, type SessionIndex } from '@sallyport/api/recordings'
import { assert } from '@sallyport/base/assert'
import type { Db } from '../db.ts'
import { readStatements } from './index-store.ts'
import type { SessionRow } from './store.ts'

/** Statements from sequence `from` on. */
export async function statementIndex(db: Db, session: SessionRow, from: number, limit: number): Promise<SessionIndex> {
  const found = await readStatements(db, session.id, from, limit + 1)
  const next = found.seq[limit] ?? null
  const cut = <T>(column: readonly T[]): T[] => column.slice(0, limit)
  const verbs = words(cut(found.verb))
  const objects = words(cut(found.object))
  return {
    openedAtMs: session.openedAt.getTime(),
    seq: cut(found.seq),
    atMs: cut(found.monoUs).map((us) => Math.round(us / 1_000)),
    statement: cut(found.statement),
    lane: cut(found.lane).map(laneNumber),
    verb: verbs.places,
    object: objects.places,
    rows: cut(found.rows),
    durationUs: cut(found.durationUs),
    verbs: verbs.words,
    objects: objects.words,
    tipSeq: session.tipSeq,
    next,
  }
}

const laneNumbers: ReadonlyMap<string, number> = new Map(lanes.map((lane: Lane, place) => [lane, place]))

function laneNumber(lane: string): number {
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
