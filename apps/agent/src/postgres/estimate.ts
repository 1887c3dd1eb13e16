// How many rows a held statement would touch, as the target's planner guesses: EXPLAIN without ANALYZE, on a connection of
// its own, in a read-only transaction, for statements whose planning runs no code of the target. A number to help a
// reviewer; without it the hold goes on all the same.
import type { Clock } from '@sallyport/base/clock'
import type { Chain } from '@sallyport/base/identity'
import { limits } from '@sallyport/base/limits'
import type { HeldEstimate } from '@sallyport/ledger/hold'
import { protectedColumns } from '@sallyport/policy/decide'
import type { SqlParser, StatementFacts } from '@sallyport/sql/facts'
import { z } from 'zod'
import type { HeldText } from '../session/held.ts'
import { queryRows } from './catalog-read.ts'
import { Conversation } from './conversation.ts'
import { readingParameters } from './parameters.ts'
import type { Upstream } from './upstream.ts'

export interface EstimateDeps {
  readonly chain: Chain
  readonly parser: SqlParser
  readonly clock: Clock
  /** As the session's upstream role; `settings` go into the start-up packet. */
  readonly connect: (settings: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<Upstream>
}

/** Connections of one agent that estimate at the same time: many held statements must not take those of the target. */
const estimatesMax = 8
/** A plan, in bytes. */
const planBytesMax = 4_194_304
const scanCharsMax = 200

/** Shared by all sessions of an agent. */
export interface Estimates {
  of(held: HeldText, deps: EstimateDeps): Promise<HeldEstimate>
}

export function openEstimates(): Estimates {
  let running = 0
  return {
    async of(held, deps) {
      const [judged] = held.all
      const reason = judged === undefined ? 'no statement' : unsafe(held, judged.facts, deps)
      if (judged === undefined || reason !== null) return unavailable(reason ?? '')
      if (running >= estimatesMax) return unavailable('too many estimates run at once')
      running += 1
      try {
        return await estimate(held, judged.facts, deps)
      } catch {
        // Whatever the target says may quote the statement: a reviewer needs only that there is no number.
        return unavailable('the target gave no estimate in time')
      } finally {
        running -= 1
      }
    },
  }
}

const unavailable = (reason: string): HeldEstimate => ({ kind: 'unavailable', reason })

const explained = new Set(['select', 'insert', 'update', 'delete', 'merge'])

/** Why the target is not asked. Planning evaluates functions of constants; only PostgreSQL's own pure ones may be. */
function unsafe(held: HeldText, facts: StatementFacts, deps: EstimateDeps): string | null {
  if (held.all.length > 1) return 'the text has several statements'
  if (!explained.has(facts.verb)) return `"${facts.verb}" has no plan`
  if (facts.session.length > 0) return 'the statement changes the session'
  if (facts.functions.some(({ name, pure }) => !pure || !name.startsWith('pg_catalog.')))
    return 'the statement calls functions that planning could run'
  if (facts.opaque.length > 0) return 'the statement runs code of the target that planning could run'
  if (held.execution.parameters.length > 0 && held.catalog.serverVersion < genericPlanVersion)
    return 'the target plans no statements with parameters by themselves'
  // The caller sees the card too: the planner's guess about a masked column would tell of its values.
  const hidden = protectedColumns(held.policies, deps.chain, held.catalog)
  const probes = facts.control.some(({ column }) =>
    hidden.some(({ relationOid, number }) => relationOid === column.relationOid && number === column.number),
  )
  return probes ? 'the statement looks for values of masked columns' : null
}

/** EXPLAIN (GENERIC_PLAN) came with PostgreSQL 16. */
const genericPlanVersion = 160_000

async function estimate(held: HeldText, facts: StatementFacts, deps: EstimateDeps): Promise<HeldEstimate> {
  const options = held.execution.parameters.length > 0 ? 'FORMAT JSON, GENERIC_PLAN' : 'FORMAT JSON'
  const text = `EXPLAIN (${options}) ${facts.text}`
  if (!isOneExplain(text, deps.parser)) return unavailable('the statement cannot be explained by itself')
  const signal = AbortSignal.timeout(limits.holdEstimateMsMax)
  const upstream = await deps.connect(settingsOf(held), signal)
  const end = () => upstream.socket.destroy()
  signal.addEventListener('abort', end, { once: true })
  try {
    signal.throwIfAborted()
    const conversation = new Conversation(upstream.socket, planBytesMax, upstream.leftover)
    await queryRows(conversation, 'BEGIN READ ONLY')
    const [first] = await queryRows(conversation, text)
    const plan = planOf(first?.[0] ?? '')
    const oid = relationOf(held, facts)
    const tuples =
      oid === null
        ? undefined
        : await queryRows(conversation, `SELECT reltuples::pg_catalog.int8 FROM pg_catalog.pg_class WHERE oid = ${oid}`)
    const ofRows = Number(tuples?.[0]?.[0] ?? -1)
    return {
      kind: 'rows',
      rows: whole(rowsOf(plan)),
      ofRows: ofRows >= 0 ? whole(ofRows) : null,
      scan: (scanOf(plan) ?? plan['Node Type']).slice(0, scanCharsMax),
      atMs: deps.clock.nowMs(),
    }
  } finally {
    signal.removeEventListener('abort', end)
    end()
  }
}

/** The slice of a judged text is one statement; with our words before it, it still has to be. */
function isOneExplain(text: string, parser: SqlParser): boolean {
  const [only, ...others] = parser.parse(text).stmts
  const Explain = z.object({ stmt: z.object({ ExplainStmt: z.looseObject({}) }) })
  return others.length === 0 && Explain.safeParse(only).success
}

function settingsOf(held: HeldText): Readonly<Record<string, string>> {
  const reading = held.execution.settings
    .map((setting) => setting.split('='))
    .filter(([name]) => name !== undefined && readingParameters.has(name))
    .map(([name, ...value]) => [name, value.join('=')])
  return {
    ...Object.fromEntries(reading),
    application_name: 'sallyport estimate',
    search_path: held.searchPath.map((schema) => `"${schema.replaceAll('"', '""')}"`).join(', '),
    default_transaction_read_only: 'on',
    statement_timeout: String(limits.holdEstimateMsMax),
    lock_timeout: String(limits.holdEstimateMsMax),
    jit: 'off',
  }
}

interface Plan {
  readonly 'Node Type': string
  readonly 'Plan Rows': number
  readonly 'Relation Name'?: string | undefined
  readonly 'Parent Relationship'?: string | undefined
  readonly Plans?: readonly Plan[] | undefined
}
const Plan: z.ZodType<Plan> = z.object({
  'Node Type': z.string(),
  'Plan Rows': z.number(),
  'Relation Name': z.string().optional(),
  'Parent Relationship': z.string().optional(),
  get Plans() {
    return z.array(Plan).optional()
  },
})
const Explained = z.tuple([z.object({ Plan })])

const planOf = (json: string): Plan => Explained.parse(JSON.parse(json))[0].Plan

const whole = (rows: number): number => Math.max(0, Math.min(Math.round(rows), Number.MAX_SAFE_INTEGER))

/** A change says nothing of its rows itself: those that reach it count. */
function rowsOf(plan: Plan): number {
  if (plan['Node Type'] !== 'ModifyTable') return plan['Plan Rows']
  return (plan.Plans ?? [])
    .filter((child) => child['Parent Relationship'] === 'Outer' || child['Parent Relationship'] === 'Member')
    .reduce((sum, child) => sum + child['Plan Rows'], 0)
}

function scanOf(plan: Plan): string | undefined {
  const name = plan['Relation Name']
  if (name !== undefined && plan['Node Type'] !== 'ModifyTable') return `${plan['Node Type']} on ${name}`
  for (const child of plan.Plans ?? []) {
    const found = scanOf(child)
    if (found !== undefined) return found
  }
  return undefined
}

/** The relation that is changed, or else the first that is read. */
function relationOf({ catalog }: HeldText, { effects, verb }: StatementFacts): number | null {
  const direct = effects.filter(({ via, baseline }) => via === 'direct' && !baseline)
  const object = (direct.find(({ operation }) => operation === verb) ?? direct[0])?.object
  return catalog.relations.find(({ schema, name }) => `${schema}.${name}` === object)?.oid ?? null
}
