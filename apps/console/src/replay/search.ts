// The search box above the sessions: text in, parameters of the API out. Pure; the time of day comes in.
import type { SessionQuery } from '@sallyport/api/recordings'
import { type Term, termsOf } from './terms.ts'

export const sessionOperators = [
  'caller',
  'initiator',
  'target',
  'verb',
  'object',
  'state',
  'decision',
  'trace',
  'from',
  'to',
] as const
export type SessionOperator = (typeof sessionOperators)[number]

export type SessionFilter = Omit<Partial<SessionQuery>, 'cursor' | 'limit'>

export type Search =
  | { readonly ok: true; readonly filter: SessionFilter; readonly terms: readonly Term<SessionOperator>[] }
  | { readonly ok: false; readonly problem: string }

const states = ['live', 'closed', 'interrupted'] as const
const decisions = ['denied', 'held', 'masked'] as const
/** Characters of the words together, as the API takes them. */
const wordsMax = 200

export function parseSearch(text: string, nowMs: number): Search {
  const parsed = termsOf(text, sessionOperators)
  if (!parsed.ok) return parsed
  let filter: SessionFilter = {}
  const words: string[] = []
  const seen = new Set<SessionOperator>()
  for (const { operator, value } of parsed.terms) {
    if (operator === null) {
      words.push(value)
      continue
    }
    if (seen.has(operator))
      return refused(`"${operator}:" stands twice; a session has to match all terms, so use it once`)
    seen.add(operator)
    const part = partOf(operator, value, nowMs)
    if (typeof part === 'string') return refused(part)
    filter = { ...filter, ...part }
  }
  const q = words.join(' ')
  if (q.length > wordsMax) return refused(`the words are longer than ${wordsMax} characters together`)
  if (filter.from !== undefined && filter.to !== undefined && filter.from >= filter.to)
    return refused('"from:" is not before "to:", so no session can match')
  return { ok: true, filter: q === '' ? filter : { ...filter, q }, terms: parsed.terms }
}

const refused = (problem: string): Search => ({ ok: false, problem })

/** What one operator adds to the filter, or what is wrong with it. */
function partOf(operator: SessionOperator, value: string, nowMs: number): SessionFilter | string {
  switch (operator) {
    case 'caller':
      return { caller: value }
    case 'initiator':
      return { initiator: value }
    case 'target':
      return { target: value }
    case 'verb':
      return { verb: value.toLowerCase() }
    case 'object':
      return { object: value }
    case 'state': {
      const state = states.find((each) => each === value.toLowerCase())
      return state === undefined ? `"state:${value}" is none of ${states.join(', ')}` : { state }
    }
    case 'decision': {
      const decision = decisions.find((each) => each === value.toLowerCase())
      return decision === undefined ? `"decision:${value}" is none of ${decisions.join(', ')}` : { decision }
    }
    case 'trace': {
      const trace = /^(?:[0-9a-f]{2}-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?$/.exec(value.toLowerCase())?.[1]
      return trace === undefined ? `"trace:${value}" is no trace; give its id of 32 hex digits` : { trace }
    }
    case 'from': {
      const from = momentOf(value, nowMs, 'start')
      return from === null ? noMoment('from', value) : { from }
    }
    case 'to': {
      const to = momentOf(value, nowMs, 'end')
      return to === null ? noMoment('to', value) : { to }
    }
  }
}

const noMoment = (operator: string, value: string): string =>
  `"${operator}:${value}" is no date; write ${operator}:2026-11-01, ${operator}:2026-11-01T14:00, ${operator}:today or ${operator}:24h`

const backMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A day means the whole of it: its start for `from:`, the start of the next for `to:`. Times without a zone are the reader's. */
function momentOf(value: string, nowMs: number, edge: 'start' | 'end'): string | null {
  const back = /^(\d{1,4})([mhd])$/.exec(value)
  if (back !== null) return iso(nowMs - Number(back[1]) * (backMs[back[2] ?? ''] ?? 0))
  if (value === 'today' || value === 'yesterday') {
    const day = new Date(nowMs)
    day.setHours(0, 0, 0, 0)
    day.setDate(day.getDate() + (edge === 'end' ? 1 : 0) - (value === 'yesterday' ? 1 : 0))
    return iso(day.getTime())
  }
  const date = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value)
  if (date !== null) {
    const day = new Date(`${value}T00:00:00`)
    // 2026-02-31 would roll over into March.
    if (Number.isNaN(day.getTime()) || day.getDate() !== Number(date[3])) return null
    if (edge === 'end') day.setDate(day.getDate() + 1)
    return iso(day.getTime())
  }
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(value) ? iso(Date.parse(value)) : null
}

const iso = (ms: number): string | null => (Number.isNaN(ms) ? null : new Date(ms).toISOString())
