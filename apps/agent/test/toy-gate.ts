// A gate for tests of the machine alone: it reads a toy language, so that a golden conversation shows all that matters.
// `rows3` ends a result after three rows; `denied` anywhere is refused; `held` waits for a person; column `ssn` of table 20000 is protected; the first word is the verb.
import { SallyportError } from '@sallyport/base/errors'
import { compileLimits } from '@sallyport/policy/limits'
import type { Effect, OutputColumn, SessionEffect, StatementFacts } from '@sallyport/sql/facts'
import { createBudgets } from '../src/limits/budgets.ts'
import { createMeter, type Meter, type Tally } from '../src/limits/meter.ts'
import type { JudgedStatement, Judgement, JudgeRequest, Protection } from '../src/session/gate.ts'

const columnNumbers: Readonly<Record<string, number>> = { id: 1, ssn: 2, name: 3 }
const table = 20_000

export const protection: Protection = {
  columns: [
    { relationOid: table, number: 2, name: 'public.people.ssn', method: 'redact', predicates: 'none', rule: 'p/ssn' },
  ],
  detection: null,
  isProtected: (oid, column) => oid === table && column === 2,
  relation: (oid) =>
    oid !== table
      ? undefined
      : {
          oid: table,
          schema: 'public',
          name: 'people',
          kind: 'table',
          temporary: false,
          columns: [],
          definition: null,
          parents: [],
          rules: [],
          triggers: [],
          cascades: [],
          rowSecurity: false,
        },
}

function output(text: string): readonly OutputColumn[] | null {
  const listed = /^\s*(?:select|execute|fetch)\s+(.*?)(\s+from\b|$)/i.exec(text)?.[1]
  if (listed === undefined) return null
  return listed.split(/\s*,\s*/).map((name): OutputColumn => {
    const number = columnNumbers[name]
    if (number === undefined) return { name, kind: 'derived', sources: [] }
    return { name, kind: 'direct', sources: [{ relationOid: table, number, name: `public.people.${name}` }] }
  })
}

function sessionEffects(text: string): readonly SessionEffect[] {
  const words = text.trim().toLowerCase().split(/\s+/)
  switch (words[0]) {
    case 'begin':
      return [{ kind: 'transaction', verb: 'begin' }]
    case 'commit':
      return [{ kind: 'transaction', verb: 'commit' }]
    case 'rollback':
      return [{ kind: 'transaction', verb: words[1] === 'to' ? 'rollback-to' : 'rollback' }]
    case 'select':
      if (!text.includes("set_config('sallyport.initiator'")) return []
      return [{ kind: 'set', setting: 'sallyport.initiator', value: '', local: false }]
    case 'set':
      return [{ kind: 'set', setting: words[1] ?? '', value: words[2] ?? null, local: false }]
    case 'create':
      return [{ kind: 'ddl' }]
    case 'deallocate':
      return [{ kind: 'deallocate', name: words[1] === 'all' ? null : (words[1] ?? null) }]
    case 'prepare': {
      const bodyText = text.replace(/^.*?\bas\s+/i, '')
      return [{ kind: 'prepare', name: words[1] ?? '', body: factsOf(bodyText), bodyText }]
    }
    case 'declare':
      return [{ kind: 'declare', name: words[1] ?? '', body: factsOf(text.replace(/^.*?\bfor\s+/i, '')) }]
    case 'copyin':
      return [{ kind: 'copy', direction: 'in' }]
    case 'copyout':
      return [{ kind: 'copy', direction: 'out' }]
    default:
      return []
  }
}

export function factsOf(text: string): StatementFacts {
  const shown = output(text)
  const touches = /people/.test(text)
  const listen = /^\s*listen\s+(\w+)/i.exec(text)?.[1]
  const called = /^\s*call\s+(\w+)/i.exec(text)?.[1]
  const effects: Effect[] = []
  const add = (operation: Effect['operation'], object: string) =>
    effects.push({ operation, object, via: 'direct', parents: [], baseline: false })
  if (listen !== undefined) add('listen', `channel:${listen}`)
  if (called !== undefined) add('call', `public.${called}()`)
  return {
    verb: text.trim().split(/\s+/)[0]?.toLowerCase() ?? '',
    effects,
    functions: [],
    filtered: true,
    output: shown,
    control: [],
    flows: [],
    session: sessionEffects(text),
    relations: touches ? [table] : [],
    unknowns: [],
    opaque: [],
    reads: [],
    text: text.trim(),
    fingerprint: '',
  }
}

/** `rows3` anywhere: at most three rows. */
function meterOf({ text }: StatementFacts): Meter | null {
  const most = /rows([0-9]+)/.exec(text)?.[1]
  if (most === undefined) return null
  const [limit = null] = compileLimits({ policy: 'p', version: 1, limits: [rowsLimit(Number(most))] }, 1)
  if (limit === null) return null
  const tally: Tally = new Map()
  return createMeter([{ limit, budgets: [] }], () => [tally], createBudgets({ nowMs: () => 0 }))
}
const rowsLimit = (rows: number) =>
  ({ per: 'statement', rows, packing: 'deny', mode: 'enforce', name: `rows-${rows}` }) as const

export interface ToyGate {
  judge(request: JudgeRequest): Judgement
  /** What was judged, for the `--` lines. */
  readonly judged: string[]
}

export function toyGate(guarded = true): ToyGate {
  let number = 0
  const judged: string[] = []
  const judgedStatement = (facts: StatementFacts, runs: boolean): JudgedStatement => {
    const hides = facts.output?.some(({ name }) => name === 'ssn') ?? false
    if (runs) number += 1
    return {
      facts,
      plan: hides
        ? {
            kind: 'mask',
            columns: (facts.output ?? []).map(({ name }) => (name === 'ssn' ? 'redact' : null)),
            rules: ['p/ssn'],
          }
        : { kind: 'plain' },
      sensitive: guarded && facts.relations.length > 0,
      number: runs ? number : null,
      startedAtUs: 0,
      approved: null,
      meter: meterOf(facts),
      copyGuard: null,
      protection: guarded ? protection : { ...protection, columns: [], isProtected: () => false },
    }
  }
  return {
    judged,
    judge(request) {
      const { moment, names } = request
      const path = names.catalog !== 'shared' ? 'touched' : names.searchPath.join(',')
      const parameters = request.parameters.values.length > 0 ? ` ${JSON.stringify(request.parameters.values)}` : ''
      if (/denied/.test(request.text)) {
        judged.push(`${moment} ${path}${parameters}: deny`)
        return {
          kind: 'refused',
          error: new SallyportError('POLICY_DENIED', 'denied by rule "no"', { hint: 'ask' }),
          position: null,
        }
      }
      const runs = moment === 'query' || moment === 'run'
      const isHeld = runs && /held/.test(request.text)
      if (isHeld && request.hold === null) {
        judged.push(`${moment} ${path}${parameters}: hold`)
        return { kind: 'unsettled' }
      }
      const texts = request.text.split(';').filter((text) => text.trim() !== '')
      const statements =
        request.facts !== null
          ? [judgedStatement(request.facts, runs)]
          : texts.map((text) => judgedStatement(factsOf(text), runs))
      const waits = request.hold?.mayWait === true ? 'may wait' : 'may not wait'
      judged.push(`${moment} ${path}${parameters}: ${isHeld ? `hold, ${waits}` : 'allow'}`)
      return { kind: 'allowed', statements }
    },
  }
}
