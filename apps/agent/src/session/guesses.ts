// Writes that a unique index or a foreign key refuses tell that a value is in a protected column, or that it is not. Such answers are
// counted, as look-ups are, and once the limit is reached writes that ask so are refused before they run (THREATS ).
import type { Chain } from '@sallyport/base/identity'
import { type CompiledPolicies, guessesFor } from '@sallyport/policy/decide'
import type { Guess as AppliedGuess } from '@sallyport/policy/guesses'
import type { Catalog } from '@sallyport/sql/catalog'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { StatementBudgets } from '../limits/budgets.ts'
import { guessClaims } from '../limits/charge.ts'
import { limitReached } from '../limits/words.ts'
import type { Assessed } from './assess.ts'
import { deniedBy } from './limited.ts'

/** One way in which a statement may be answered with what is in a protected column. */
export interface Guess {
  /** The column that was written, as the target names it. */
  readonly column: string
  /** The budget that it counts under. */
  readonly budget: string
  /** The target has answered so. */
  readonly count: () => void
}

interface Asker {
  readonly chain: Chain
  readonly budgets: StatementBudgets
}

/** Refused where the limit of a guess that one of its statements makes is used up. */
export function guessed({ chain, budgets }: Asker, assessed: Assessed): Assessed {
  if (assessed.kind !== 'clear') return assessed
  const { all, policies, catalog } = assessed
  for (const judged of all)
    for (const guess of guessesFor(policies, judged.facts, chain, catalog)) {
      const full = budgets.look(guessClaims(guess))
      if (full === null) continue
      const error = limitReached(guess.limit, full.retryMs)
      const stopped = { ...deniedBy(judged, guess.limit, error), guarded: all.some((one) => one.guarded) }
      return { kind: 'refused', error, judged: stopped, position: null, under: null }
    }
  return assessed
}

export function guessesOf(
  { chain, budgets }: Asker,
  facts: StatementFacts,
  policies: CompiledPolicies,
  catalog: Catalog,
): readonly Guess[] {
  return guessesFor(policies, facts, chain, catalog).flatMap((guess: AppliedGuess) =>
    guessClaims(guess).map((claim) => ({
      column: guess.column,
      budget: claim.budget,
      // Where nothing is left, nothing needs to be counted.
      count: () => void budgets.take([claim]),
    })),
  )
}
