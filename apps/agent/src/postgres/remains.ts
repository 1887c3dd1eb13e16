// What a statement may leave at the connection that it ran on, beyond its transaction. Only what the analysis proves to leave
// nothing counts as that; all else is undone before somebody else has the connection, or ends it (THREATS ). Pure.
import type { Effect, SessionEffect, StatementFacts } from '@sallyport/sql/facts'
import { changesMeaning } from './parameters.ts'

/** From least to most. `sequences`: what currval() and lastval() tell. `anything`: whatever DISCARD ALL undoes. `unclean`: what
 * it does not undo. */
export const remainsLevels = ['nothing', 'sequences', 'anything', 'unclean'] as const
export type RemainsLevel = (typeof remainsLevels)[number]

export interface Remains {
  readonly level: RemainsLevel
  /** Settings may have changed that the session goes on with. */
  readonly sets: boolean
  /** Prepared statements of the connection go: also those of others. */
  readonly forgets: boolean
}

export const nothingRemains: Remains = { level: 'nothing', sets: false, forgets: false }

const rankOf = (level: RemainsLevel): number => remainsLevels.indexOf(level)
const more = (one: RemainsLevel, other: RemainsLevel): RemainsLevel => (rankOf(one) >= rankOf(other) ? one : other)

export function together(one: Remains, other: Remains): Remains {
  if (other === nothingRemains || one === other) return one
  if (one === nothingRemains) return other
  return {
    level: more(one.level, other.level),
    sets: one.sets || other.sets,
    forgets: one.forgets || other.forgets,
  }
}

const known = new WeakMap<StatementFacts, Remains>()

export function remainsOf(facts: StatementFacts): Remains {
  // Facts of one shape differ in literals alone.
  const key = facts.shape ?? facts
  const found = known.get(key)
  if (found !== undefined) return found
  const made = judge(facts)
  known.set(key, made)
  return made
}

function judge(facts: StatementFacts): Remains {
  const isUnseen = facts.unknowns.length + facts.opaque.length + (facts.trusted?.length ?? 0) > 0
  let level: RemainsLevel = isUnseen ? 'anything' : 'nothing'
  // PostgreSQL's own functions that do something stand among the effects.
  for (const { name, pure, computes } of facts.functions)
    if (!pure && computes !== true && !name.startsWith('pg_catalog.')) level = more(level, 'anything')
  for (const effect of facts.effects) level = more(level, ofEffect(effect, facts.text))
  for (const effect of facts.session) level = more(level, ofSession(effect))
  const sets = setsSomething(facts)
  // A set_config() that a function or view of the target calls.
  const isDerived = facts.effects.some(({ operation, via }) => operation === 'set' && via === 'derived')
  const forgets = facts.session.some(
    (effect) => effect.kind === 'deallocate' || (effect.kind === 'discard' && effect.what === 'all'),
  )
  // Beside one of the statement's own it does not show among the effects.
  const isHidden = facts.relations.length > 0 && facts.functions.some(({ name }) => name === 'pg_catalog.set_config()')
  if (isDerived || isHidden) level = more(level, 'anything')
  return level === 'nothing' && !sets && !forgets ? nothingRemains : { level, sets, forgets }
}

function ofEffect({ operation, object }: Effect, text: string): RemainsLevel {
  switch (operation) {
    case 'select':
    case 'delete':
    case 'truncate':
    case 'lock':
    case 'notify':
    case 'set':
      return 'nothing'
    // A default's nextval belongs to the INSERT, and to SET c = DEFAULT.
    case 'insert':
      return 'sequences'
    case 'update':
      return /\bdefault\b/i.test(text) ? 'sequences' : 'nothing'
    case 'call':
      return ofCall(object)
    case 'admin':
      return 'unclean'
    default:
      return 'anything'
  }
}

const harmless =
  /^pg_catalog\.(pg_(try_)?advisory_xact_lock(_shared)?|pg_advisory_unlock(_shared|_all)?|pg_notify|pg_sleep(_for|_until)?|pg_current_xact_id|txid_current|current_setting)\(\)$/

function ofCall(object: string): RemainsLevel {
  if (harmless.test(object)) return 'nothing'
  if (/^pg_catalog\.(nextval|setval)\(\)$/.test(object)) return 'sequences'
  // The seed of random() stays through DISCARD ALL, and so does a connection of dblink's with somebody's name and password.
  return object === 'pg_catalog.setseed()' || /\.dblink_connect(_u)?\(\)$/.test(object) ? 'unclean' : 'anything'
}

function ofSession(effect: SessionEffect): RemainsLevel {
  switch (effect.kind) {
    case 'transaction':
    case 'fetch':
    case 'close':
    case 'copy':
      return 'nothing'
    case 'set':
      return effect.setting === 'seed' ? 'unclean' : 'nothing'
    // Whether it has run or not, nobody counts on what is left.
    case 'deallocate':
      return effect.name === null ? 'anything' : 'nothing'
    case 'declare':
      return effect.holds === true ? 'anything' : 'nothing'
    case 'discard':
      return effect.what === 'plans' || effect.what === 'sequences' ? 'nothing' : 'anything'
    default:
      return 'anything'
  }
}

/** The agent's own: at the target it never has a value. */
const ownSetting = 'sallyport.initiator'

/**
 * What is prepared behind it may be read in another way: literals are understood when a text is prepared. `ends`: where something
 * before it in the transaction was so. Settings with a dot are no matter of PostgreSQL's own types.
 */
export function readingChange(facts: StatementFacts): 'sets' | 'ends' | null {
  if (remainsOf(facts).level === 'anything') return 'sets'
  let change: 'ends' | null = null
  for (const effect of facts.session) {
    if (effect.kind === 'set' && changesMeaning(effect.setting) && !effect.setting.includes('.')) return 'sets'
    if (effect.kind === 'transaction' && /^(commit|rollback)/.test(effect.verb)) change = 'ends'
  }
  return change
}

/** SET, RESET, DISCARD ALL: what goes on after its transaction. */
export function setsSomething({ session, effects }: StatementFacts): boolean {
  const said = session.filter((effect) => effect.kind === 'set' || effect.kind === 'discard')
  // Nothing says what it is that is set.
  if (said.length === 0)
    return effects.some(({ operation, object }) => operation === 'set' && object !== `setting:${ownSetting}`)
  return said.some((effect) =>
    effect.kind === 'set' ? !effect.local && effect.setting !== ownSetting : effect.what === 'all',
  )
}
