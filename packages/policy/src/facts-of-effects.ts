// The facts of what is no statement of SQL: its effects, and of everything that only SQL has, nothing.
import type { Effect, StatementFacts } from '@sallyport/sql/facts'

export const factsOfEffects = (verb: string, effects: readonly Effect[]): StatementFacts => ({
  verb,
  effects,
  functions: [],
  filtered: true,
  output: null,
  control: [],
  flows: [],
  reads: [],
  session: [],
  relations: [],
  unknowns: [],
  opaque: [],
  text: '',
  fingerprint: '',
})
