// Errors of constraints as answers to guesses: which protected values a write was compared with, by the columns that the target names
// in its DETAIL. What the client may read of the error is no matter here.
import type { NoticeFields } from '@sallyport/wire/postgres/messages'
import type { Guess } from '../session/guesses.ts'
import { fieldOf } from './refuse.ts'
import type { Action, Expected, State } from './state.ts'

/** A value that is there already, one that overlaps others, one that nobody has (manual, "PostgreSQL Error Codes"). */
const constraints = new Set(['23505', '23P01', '23503'])

/** Counts each guess once, those too whose constraint was put off to the end of the transaction. */
export function noteCollision(state: State, due: Expected, fields: NoticeFields, out: Action[]): void {
  if (!constraints.has(fieldOf(fields, 'C'))) return
  const running = due.kind === 'query' ? due.running[due.at] : due.kind === 'execute' ? due.running : null
  const named = keyOf(fieldOf(fields, 'D'))
  const all = new Map<string, Guess>(state.guesses)
  for (const guess of running?.judged.guesses ?? []) all.set(guess.budget, guess)
  const guesses = [...all.values()].filter(({ column }) => named === null || named.includes(column))
  if (guesses.length > 0) out.push({ do: 'guessed', guesses })
}

/** `Key (tenant, mail)=(…) already exists.`: the columns; null where they are not told plainly, as those of an expression. */
export function keyOf(detail: string): readonly string[] | null {
  const list = /^[^("]*\(([\w$\u0080-\uffff]+(?:, [\w$\u0080-\uffff]+)*)\)=\(/.exec(detail)?.[1]
  return list === undefined ? null : list.split(', ')
}
