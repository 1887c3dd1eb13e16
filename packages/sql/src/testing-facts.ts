// Facts as short lines, for golden files and for failure messages of tests. Pure.
import type { ColumnRef, Effect, SessionEffect, StatementFacts } from './facts.ts'

/** One line for each fact, sorted where the order means nothing; absent parts are left out. */
export interface FactLines {
  readonly verb: string
  readonly filtered?: false
  /** `~` before a derived effect; parents behind `<`, the name and parents that it gets behind `>`. */
  readonly effects?: readonly string[]
  /** `name = column` direct, `name ~ columns` derived, `name ~~ columns` derived by what cannot fail, `name` without sources. */
  readonly output?: readonly string[]
  readonly control?: readonly string[]
  readonly flows?: readonly string[]
  /** Those that are not pure. */
  readonly calls?: readonly string[]
  readonly session?: readonly string[]
  readonly unknowns?: readonly string[]
  readonly opaque?: readonly string[]
}

export function factLines(facts: StatementFacts): FactLines {
  const output = facts.output?.map(({ name, kind, total, mixed, sources }) => {
    const from = sources.map(columnText).sort()
    const sign = kind === 'direct' ? '=' : total === true ? '~~' : '~'
    const beside = mixed === 'constants' ? ' beside constants' : ''
    return from.length === 0 ? name : `${name} ${sign} ${from.join(', ')}${beside}`
  })
  const listed = {
    effects: facts.effects.map(effectLine).sort(),
    control: facts.control.map(({ column, use, where }) => `${columnText(column)} ${use} ${where}`).sort(),
    flows: facts.flows
      .map(({ to, toColumn, sources, trigger }) => {
        const from = sources.map(columnText).sort()
        const how = trigger === undefined ? '' : ` (${trigger} by a trigger)`
        return `${to}${toColumn === null ? ' (no column)' : ''} <- ${from.join(', ')}${how}`
      })
      .sort(),
    calls: facts.functions
      .filter((use) => !use.pure)
      .map((use) => `${use.name} ${use.volatility}`)
      .sort(),
    session: facts.session.map(sessionLine),
    unknowns: [...facts.unknowns].sort(),
    opaque: [...facts.opaque].sort(),
  }
  const filled = Object.fromEntries(Object.entries(listed).filter(([, lines]) => lines.length > 0))
  return {
    verb: facts.verb,
    ...(facts.filtered ? {} : { filtered: false }),
    ...(output === undefined ? {} : { output }),
    ...filled,
  }
}

/** A part with its path behind the column's name. */
const columnText = ({ name, path }: ColumnRef): string =>
  path === undefined ? name : `${name} ${JSON.stringify(path)}`

function effectLine({ operation, object, via, parents, baseline, becomes = [] }: Effect): string {
  const covering = parents.length === 0 ? '' : ` < ${[...parents].sort().join(', ')}`
  const after = becomes.map((one) => ` > ${[one.object, ...one.parents].join(', ')}`).join('')
  return `${via === 'derived' ? '~ ' : ''}${operation} ${object}${covering}${after}${baseline ? ' (baseline)' : ''}`
}

function sessionLine(effect: SessionEffect): string {
  switch (effect.kind) {
    case 'transaction':
      return effect.verb
    case 'set':
      return `set ${effect.local ? 'local ' : ''}${effect.setting} ${effect.value === null ? 'default' : `to ${effect.value}`}`
    case 'prepare':
      return `prepare ${effect.name}: ${effect.bodyText}`
    case 'declare':
      return `declare ${effect.name}: ${effect.body.verb}`
    case 'execute':
    case 'fetch':
      return `${effect.kind} ${effect.name}`
    case 'deallocate':
    case 'close':
      return `${effect.kind} ${effect.name ?? 'all'}`
    case 'discard':
      return `discard ${effect.what}`
    case 'ddl':
      return 'ddl'
    case 'copy':
      return `copy ${effect.direction}`
  }
}
