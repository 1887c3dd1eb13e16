// What a statement comes to beside its draft: its verb and its result columns; and the facts made of both.
import { hiddenColumn } from './builtins.ts'
import { addEffect, addFlow, addReadings, controlKey, controlOf, type Draft } from './draft.ts'
import { type MissingName, missingNames, type OutputColumn, type StatementFacts } from './facts.ts'
import type { Column } from './values.ts'

export interface Outcome {
  readonly verb: string
  readonly output: readonly OutputColumn[] | null
}

export const done = (verb: string): Outcome => ({ verb, output: null })

/** Result columns as facts show them. */
export function shown(columns: readonly Column[]): readonly OutputColumn[] {
  return columns.map(({ name, value }) => ({
    name,
    kind: value.kind === 'direct' && value.sources.size > 0 ? 'direct' : 'derived',
    ...(value.total === true ? { total: true } : {}),
    ...(value.mixed !== undefined && value.kind === 'direct' ? { mixed: value.mixed } : {}),
    ...(value.mixed === 'columns' && value.kind === 'direct' && value.aliases !== undefined
      ? { aliases: [...value.aliases] }
      : {}),
    sources: [...value.sources],
  }))
}

export function factsOf(draft: Draft, outcome: Outcome, text: string, fingerprint: string): StatementFacts {
  return {
    verb: outcome.verb,
    effects: [...draft.effects.values()],
    functions: [...draft.functions.values()],
    filtered: draft.filtered,
    output: outcome.output,
    control: controlOf(draft),
    flows: [...draft.flows.values()],
    reads: [...draft.reads],
    session: draft.session,
    relations: [...draft.relations],
    unknowns: [...draft.unknowns],
    ...missingOf(draft),
    opaque: [...draft.opaque],
    ...(draft.trusted.size === 0 ? {} : { trusted: [...draft.trusted] }),
    ...(draft.plainParameters ? { plainParameters: true } : {}),
    ...(draft.castParameters.size > 0 ? { castParameters: [...draft.castParameters] } : {}),
    ...(draft.rowsAlike ? { rowsAlike: true } : {}),
    ...(draft.reads.has(hiddenColumn) ? { namesHidden: true } : {}),
    ...(draft.packs.size === 0 ? {} : { packs: [...draft.packs] }),
    ...(draft.gathers.size === 0 ? {} : { gathers: [...draft.gathers] }),
    ...(draft.elsewhere.size === 0 ? {} : { elsewhere: [...draft.elsewhere] }),
    ...readingsOf(draft),
    ...(draft.written.size === 0 ? {} : { written: [...draft.written] }),
    text,
    fingerprint,
  }
}

/** One reading of one relation is what counting rows expects, but where a trigger copies the rows that are written. */
function readingsOf({ readings, flows }: Draft): Pick<StatementFacts, 'readings'> {
  const total = [...readings.values()].reduce((sum, times) => sum + times, 0)
  const isCopied = [...flows.values()].some(({ ofRow }) => ofRow === true)
  return total > (isCopied ? 0 : 1) ? { readings: [...readings] } : {}
}

function missingOf({ unknowns, missing }: Draft): { readonly missing?: MissingName } {
  const kinds = [...unknowns].map((why) => missing.get(why))
  if (kinds.includes(undefined)) return {}
  const first = missingNames.find((kind) => kinds.includes(kind))
  return first === undefined ? {} : { missing: first }
}

/** Takes over the facts of a prepared statement or cursor: what it does is done now. */
export function adopt(draft: Draft, facts: StatementFacts): void {
  for (const effect of facts.effects) addEffect(draft, effect)
  for (const use of facts.functions) draft.functions.set(use.name, use)
  for (const use of facts.control) draft.control.set(controlKey(use), use)
  for (const flow of facts.flows) addFlow(draft, flow.to, flow.toColumn, flow.sources, flow.trigger, flow.ofRow)
  for (const column of facts.reads) draft.reads.add(column)
  for (const oid of facts.relations) draft.relations.add(oid)
  for (const unknown of facts.unknowns) {
    draft.unknowns.add(unknown)
    if (facts.missing !== undefined) draft.missing.set(unknown, facts.missing)
  }
  for (const code of facts.opaque) draft.opaque.add(code)
  for (const name of facts.trusted ?? []) draft.trusted.add(name)
  if (facts.plainParameters === true) draft.plainParameters = true
  for (const [number, type] of facts.castParameters ?? []) draft.castParameters.set(number, type)
  for (const construct of facts.packs ?? []) draft.packs.add(construct)
  for (const construct of facts.gathers ?? []) draft.gathers.add(construct)
  for (const what of facts.elsewhere ?? []) draft.elsewhere.add(what)
  for (const [name, times] of facts.readings ?? []) addReadings(draft, name, times)
  for (const column of facts.written ?? []) draft.written.add(column)
  if (!facts.filtered) draft.filtered = false
}
