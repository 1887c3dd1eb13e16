// What the statements of one text do to those after them: a new search_path, prepared statements and cursors, DDL. The
// server runs a text statement by statement, each under what the ones before have left.
import type { AnalysisContext, SessionEffect, StatementFacts } from './facts.ts'
import type { Reach } from './made.ts'
import { parsePath } from './settings.ts'

export interface Sequence {
  readonly context: AnalysisContext
  /** Null when it can no longer be followed: reset to a default that is not known, or undone by a rollback. */
  readonly searchPath: readonly string[] | null
  readonly pathChanged: boolean
  /** Bare names that DDL of the same text has made, changed or dropped; null when it may be any. */
  readonly changed: ReadonlySet<string> | null
  /** Bare names of relations of which DDL has changed what happens when their rows do: other DDL may follow. */
  readonly keyed: ReadonlySet<string>
  /** `schema.name` of what the text has made or changed, as the index has it. */
  readonly made: readonly string[]
}

export const start = (context: AnalysisContext): Sequence => ({
  context,
  searchPath: context.searchPath,
  pathChanged: false,
  changed: new Set(),
  keyed: new Set(),
  made: [],
})

/** What DDL has done to the index that is followed, and to whatever else it names. */
export interface Done {
  /** `schema.name` of what the index has, or no longer has, from here on; null when it does not follow. */
  readonly made: readonly string[] | null
  readonly forgetsPath: boolean
  readonly reach: Reach
}

export function after(sequence: Sequence, facts: StatementFacts, done: Done): Sequence {
  const passed = facts.session.reduce(step, facts.session.some(undoes) ? forgetMade(sequence) : sequence)
  const forgets = runsUserCode(facts) || done.forgetsPath
  const stepped = forgets ? setting(passed, 'search_path', null) : passed
  if (!facts.session.some(({ kind }) => kind === 'ddl')) return stepped
  const made = [...stepped.made, ...(done.made ?? [])]
  const names = changedBy(facts, done.made ?? [], done.reach)
  if (names === null || stepped.changed === null) return { ...stepped, changed: null }
  if (done.reach === 'none') return { ...stepped, made }
  if (done.reach === 'rows') return { ...stepped, made, keyed: new Set([...stepped.keyed, ...names]) }
  return { ...stepped, made, changed: new Set([...stepped.changed, ...names]) }
}

/** The end of a transaction, or a part of one, may take what the text has made with it. */
const undoes = (effect: SessionEffect): boolean =>
  effect.kind === 'discard' || (effect.kind === 'transaction' && /^(commit|rollback)/.test(effect.verb))

function forgetMade(sequence: Sequence): Sequence {
  const { made, changed } = sequence
  return { ...sequence, made: [], changed: changed === null ? null : new Set([...changed, ...made.map(bareName)]) }
}

/** A function of the target may set what it is asked to. */
const runsUserCode = (facts: StatementFacts): boolean =>
  facts.effects.some(
    ({ operation, object, via }) => operation === 'call' && via === 'direct' && !object.startsWith('pg_catalog.'),
  )

/** True when the statement works with a name that DDL of the same text has touched: it may mean another object by now. */
export function meansChanged(
  sequence: Sequence,
  facts: Pick<StatementFacts, 'effects' | 'functions'>,
  operators: ReadonlySet<string>,
): boolean {
  const { changed } = sequence
  const objects = [...facts.effects.map(({ object }) => object), ...facts.functions.map(({ name }) => name)]
  const names = [...objects, ...operators]
  if (changed === null) return names.some((name) => !name.startsWith('setting:'))
  if (changed.size > 0 && names.some((name) => changed.has(bareName(name)))) return true
  return (
    sequence.keyed.size > 0 &&
    facts.effects.some(({ operation, object }) => !schemaOnly.has(operation) && sequence.keyed.has(bareName(object)))
  )
}

const schemaOnly: ReadonlySet<string> = new Set(['create', 'alter', 'drop'])

const bareName = (object: string): string => object.slice(object.lastIndexOf('.') + 1).replace(/\(\)$/, '')

/** Rights, roles and databases give no name another meaning; schemas and extensions may. */
const elsewhere =
  /^(grant|role|database|tablespace|system|publication|subscription|foreign_server|user_mapping|fdw|event_trigger|language):/

function changedBy(facts: StatementFacts, made: readonly string[], reach: Reach): readonly string[] | null {
  if (facts.unknowns.length > 0) return null
  const changed: string[] = []
  for (const { operation, object } of facts.effects) {
    if (!['create', 'alter', 'drop', 'admin'].includes(operation) || elsewhere.test(object)) continue
    // What a changed table does when its rows change is not followed, only what it is.
    if (made.includes(object) && (operation === 'create' || reach !== 'rows')) continue
    if (/^[a-z_]+:/.test(object)) {
      if (reach === 'none') continue
      return null
    }
    changed.push(bareName(object))
  }
  return changed
}

function step(sequence: Sequence, effect: SessionEffect): Sequence {
  switch (effect.kind) {
    case 'set':
      return setting(sequence, effect.setting, effect.value)
    case 'prepare':
      return named(sequence, 'prepared', effect.name, effect.body)
    case 'declare':
      return named(sequence, 'cursors', effect.name, effect.body)
    case 'deallocate':
      return without(sequence, 'prepared', effect.name)
    case 'close':
      return without(sequence, 'cursors', effect.name)
    case 'transaction':
      // A rollback takes settings back with it; so does the end of a transaction with SET LOCAL.
      return sequence.pathChanged && /^(rollback|commit)/.test(effect.verb)
        ? { ...sequence, searchPath: null }
        : sequence
    case 'discard':
      return effect.what === 'all'
        ? { ...without(without(sequence, 'prepared', null), 'cursors', null), searchPath: null, pathChanged: true }
        : sequence
    case 'ddl':
    case 'execute':
    case 'fetch':
    case 'copy':
      return sequence
  }
}

/** Prepared statements are analysed anew by the server when the search_path changes: what is known of them is void. */
function setting(sequence: Sequence, name: string, value: string | null): Sequence {
  if (name !== 'search_path' && name !== 'all' && name !== 'role' && name !== 'session_authorization') return sequence
  const searchPath = name === 'search_path' && value !== null ? parsePath(value) : null
  return { ...without(sequence, 'prepared', null), searchPath, pathChanged: true }
}

function named(sequence: Sequence, which: 'prepared' | 'cursors', name: string, body: StatementFacts): Sequence {
  const map = new Map(sequence.context[which])
  map.set(name, body)
  return { ...sequence, context: { ...sequence.context, [which]: map } }
}

function without(sequence: Sequence, which: 'prepared' | 'cursors', name: string | null): Sequence {
  const map = new Map(name === null ? [] : sequence.context[which])
  if (name !== null) map.delete(name)
  return { ...sequence, context: { ...sequence.context, [which]: map } }
}
