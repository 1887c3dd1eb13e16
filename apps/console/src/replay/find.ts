// Search inside a session: `verb:delete object:orders lane:denied rows:>100 took:>50ms words`. The index answers for all
// statements; words also look into the texts that are loaded. Walks in slices, so that typing never waits for it.
import { Lane, lanes } from '@sallyport/api/recordings'
import type { SessionColumns } from './columns.ts'
import { termsOf } from './terms.ts'

type Compare = (value: number) => boolean

export interface FindQuery {
  readonly verbs: readonly string[]
  readonly objects: readonly string[]
  readonly lanes: ReadonlySet<number>
  readonly rows: Compare | null
  readonly tookUs: Compare | null
  /** Lowercase; each must stand in the verb, an object or the text. */
  readonly words: readonly string[]
}

export type Found = { readonly ok: true; readonly query: FindQuery } | { readonly ok: false; readonly problem: string }

export const findOperators = ['verb', 'object', 'lane', 'rows', 'took'] as const

/** Parses the search box of a session. */
export function parseFind(text: string): Found {
  const parsed = termsOf(text, findOperators)
  if (!parsed.ok) return parsed
  const verbs: string[] = []
  const objects: string[] = []
  const words: string[] = []
  const chosen = new Set<number>()
  let rows: Compare | null = null
  let tookUs: Compare | null = null
  for (const { operator, value } of parsed.terms) {
    switch (operator) {
      case null:
        words.push(value.toLowerCase())
        break
      case 'verb':
        verbs.push(value.toLowerCase())
        break
      case 'object':
        objects.push(value.toLowerCase())
        break
      case 'lane': {
        const lane = Lane.safeParse(value.toLowerCase())
        if (!lane.success) return refused(`"lane:${value}" is none of ${lanes.join(', ')}`)
        chosen.add(lanes.indexOf(lane.data))
        break
      }
      case 'rows':
        rows = comparing(value, plainNumber)
        if (rows === null) return refused(`"rows:${value}" is no number; write rows:>100, rows:<5 or rows:0`)
        break
      case 'took':
        tookUs = comparing(value, microseconds)
        if (tookUs === null) return refused(`"took:${value}" is no duration; write took:>50ms or took:>2s`)
        break
    }
  }
  return { ok: true, query: { verbs, objects, lanes: chosen, rows, tookUs, words } }
}

const refused = (problem: string): Found => ({ ok: false, problem })

const plainNumber = (text: string): number | null => (/^\d{1,15}$/.test(text) ? Number(text) : null)

const unitUs: Readonly<Record<string, number>> = { us: 1, µs: 1, ms: 1_000, s: 1_000_000 }
function microseconds(text: string): number | null {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(us|µs|ms|s)$/.exec(text)
  return match === null ? null : Number(match[1]) * (unitUs[match[2] ?? ''] ?? 1)
}

function comparing(text: string, read: (text: string) => number | null): Compare | null {
  const match = /^(>=|<=|>|<|=)?(.+)$/.exec(text)
  const wanted = read(match?.[2] ?? '')
  if (match === null || wanted === null) return null
  switch (match[1]) {
    case '>':
      return (value) => value > wanted
    case '>=':
      return (value) => value >= wanted
    case '<':
      return (value) => value >= 0 && value < wanted
    case '<=':
      return (value) => value >= 0 && value <= wanted
    default:
      return (value) => value === wanted
  }
}

export const isEmptyFind = (query: FindQuery): boolean =>
  query.verbs.length + query.objects.length + query.lanes.size + query.words.length === 0 &&
  query.rows === null &&
  query.tookUs === null

/** Text of the statement that began at this sequence, lowercase; undefined while it is not loaded. */
export type TextOf = (seq: number) => string | undefined

export interface Pace {
  readonly nowMs: () => number
  /** Lets the page breathe. */
  readonly pause: () => Promise<void>
  readonly signal: AbortSignal
}

/** Milliseconds of one slice: far below what a person feels, and below the 50 ms of a long task. */
const sliceMs = 8
/** Rows between two looks at the clock. */
const rowsPerLook = 512

/** One byte a row: 1 where the statement is found. Null when it was given up. */
export async function findRows(
  columns: SessionColumns,
  length: number,
  query: FindQuery,
  textOf: TextOf,
  pace: Pace,
): Promise<Uint8Array | null> {
  const matches = rowMatcher(columns, query, textOf)
  const found = new Uint8Array(length)
  let sliceFrom = pace.nowMs()
  for (let row = 0; row < length; row++) {
    if (row % rowsPerLook === 0 && pace.nowMs() - sliceFrom > sliceMs) {
      await pace.pause()
      if (pace.signal.aborted) return null
      sliceFrom = pace.nowMs()
    }
    if (matches(row)) found[row] = 1
  }
  return found
}

/** Words are looked up once in the few verbs and objects, not once a row. */
function rowMatcher(columns: SessionColumns, query: FindQuery, textOf: TextOf): (row: number) => boolean {
  const verbs = columns.verbs.map((verb) => verb.toLowerCase())
  const objects = columns.objects.map((object) => object.toLowerCase())
  const verbGood = verbs.map((verb) => query.verbs.every((wanted) => verb.includes(wanted)))
  const objectGood = objects.map((object) => query.objects.every((wanted) => object.includes(wanted)))
  const words = query.words.map((word) => ({
    word,
    verbs: verbs.map((verb) => verb.includes(word)),
    objects: objects.map((object) => object.includes(word)),
  }))
  return (row) => {
    if (query.lanes.size > 0 && !query.lanes.has(columns.lane[row] ?? 0)) return false
    const verb = columns.verb[row] ?? 0
    const object = columns.object[row] ?? 0
    if (verbGood[verb] !== true || objectGood[object] !== true) return false
    if (query.rows !== null && !query.rows(columns.rows[row] ?? -1)) return false
    if (query.tookUs !== null && !query.tookUs((columns.rows[row] ?? -1) < 0 ? -1 : (columns.durationUs[row] ?? 0)))
      return false
    return words.every(
      (each) =>
        each.verbs[verb] === true ||
        each.objects[object] === true ||
        textOf(columns.seq[row] ?? -1)?.includes(each.word) === true,
    )
  }
}
