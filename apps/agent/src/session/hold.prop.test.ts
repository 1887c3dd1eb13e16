// Verdicts, cancels, timeouts, lost links and vanishing callers in any order: a held statement runs only when its execution
// was granted the claim, an approval runs once, and the record tells each hold's end once (THREATS ).
import type { EntryBody } from '@sallyport/ledger/entry'
import type { SqlParser } from '@sallyport/sql/facts'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { snapshotOf, testSnapshots } from '../../test/data-path.ts'
import { type FakeHolds, fakeHolds } from '../../test/fake-holds.ts'
import { holdDepsOf, noInitiators } from '../../test/hold-deps.ts'
import { manualAfter } from '../../test/manual-after.ts'
import { noOwnCatalog, testCatalog } from '../../test/small-catalog.ts'
import { createBudgets } from '../limits/budgets.ts'
import { loadParser } from '../parser.ts'
import { scanTokens } from '../postgres/tokens.ts'
import { createAnalyser, factsCache } from './analysis.ts'
import { createGate, type Gate, type Judgement } from './gate.ts'
import type { Ending } from './hold-execution.ts'
import { noParameters } from './recorded.ts'

const runs = process.env['SALLYPORT_TEST'] === 'full' ? 2_000 : 60
let parser: SqlParser
beforeAll(async () => {
  parser = await loadParser()
})

const yaml = (denies: boolean, wait: string): string => `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: shop }
spec: { protocol: postgres, agents: [a], host: h, database: d, roles: [{ name: app, password: { env: P } }] }
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: p }
spec:
  targets: { any: true }
  rules:
    - { name: ask, effect: hold, callers: { any: true }, operations: [delete], approval: { reviewers: [{ group: dba, count: 1 }], expires: 1h, wait: ${wait} } }
    - { name: read, effect: allow, callers: { any: true }, operations: [select] }
${denies ? '    - { name: stop, effect: deny, operations: [delete] }' : ''}
`

const snapshots = new Map<string, ReturnType<typeof snapshotOf>>()
/** Compiled once: a run takes many of them. */
function snapshotFor(denies: boolean, wait: string): ReturnType<typeof snapshotOf> {
  const text = yaml(denies, wait)
  const made = snapshots.get(text) ?? snapshotOf(text, {})
  snapshots.set(text, made)
  return made
}

interface Caller {
  readonly gate: Gate
  readonly entries: EntryBody[]
  answer: Judgement | null
  gaveUp: boolean
}

interface World {
  readonly control: FakeHolds
  readonly timers: ReturnType<typeof manualAfter>
  readonly snapshots: ReturnType<typeof testSnapshots>
  readonly callers: Caller[]
}

function world(callers: number): World {
  const timers = manualAfter()
  const control = fakeHolds({ after: timers.after })
  const snapshots = testSnapshots(snapshotFor(false, '10s'))
  const known = testCatalog()
  const made = Array.from({ length: callers }, (): Caller => {
    const entries: EntryBody[] = []
    const hold = holdDepsOf(control.holds, { after: timers.after })
    const gate = createGate({
      initiators: noInitiators,
      snapshots,
      target: 'shop',
      chain: hold.place.chain,
      session: hold.place.session,
      catalog: { fresh: () => known, read: async () => known, renewed: async () => known, own: noOwnCatalog },
      analyser: createAnalyser(parser, { preset: 'none' }, factsCache(), 'shop'),
      record: {
        append: (body) => void entries.push(body),
        note: (body) => void entries.push(body),
        write() {},
        written: async () => {},
        close() {},
      },
      scan: scanTokens,
      clock: { nowMs: () => 0 },
      monotonicUs: () => 0,
      hold,
      budgets: createBudgets({ nowMs: () => 0 }),
      onRefused: () => {},
    })
    return { gate, entries, answer: null, gaveUp: false }
  })
  return { control, timers, snapshots, callers: made }
}

const names = {
  searchPath: ['public'],
  prepared: () => undefined,
  preparedNames: [],
  cursors: () => new Map(),
  catalog: 'shared',
  objectsVersion: 0,
  pathTouched: false,
  isFull: false,
} as const
const hold = { mayWait: true, isWhole: true, parameters: [], shown: [], resultFormats: [], settings: [] }

function ask(caller: Caller): void {
  if (caller.gate.isHolding) return
  caller.gaveUp = false
  caller.answer = null
  const text = 'delete from people where id = 1'
  const request = { moment: 'query', text, facts: null, parameters: noParameters, names, hold } as const
  const judged = caller.gate.judge({ ...request, reading: 'impossible' })
  if (!(judged instanceof Promise)) caller.answer = judged
  else
    void judged.then((answer) => {
      caller.answer = answer
      // A caller that has given up never runs anything, whatever comes.
      if (caller.gaveUp) expect(answer.kind).toBe('refused')
    })
}

type Step =
  | { readonly does: 'ask' | 'settle'; readonly caller: number }
  | { readonly does: 'end'; readonly caller: number; readonly why: Ending }
  | {
      readonly does: 'approve' | 'deny' | 'expire' | 'down' | 'up' | 'keep' | 'claims' | 'silent' | 'policy' | 'forbid'
    }
  | { readonly does: 'time'; readonly ms: number }

const caller = fc.nat(2)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ does: fc.constant('ask' as const), caller }) },
  { weight: 10, arbitrary: fc.record({ does: fc.constant('settle' as const), caller }) },
  { weight: 6, arbitrary: fc.constant<Step>({ does: 'approve' }) },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant('end' as const),
      caller,
      why: fc.constantFrom<Ending>('cancelled', 'vanished', 'draining', 'crowded'),
    }),
  },
  { weight: 3, arbitrary: fc.constantFrom<Step>({ does: 'up' }, { does: 'claims' }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Step>(
      { does: 'deny' },
      { does: 'expire' },
      { does: 'down' },
      { does: 'keep' },
      { does: 'silent' },
      { does: 'policy' },
      { does: 'forbid' },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant('time' as const), ms: fc.constantFrom(1_000, 5_000, 10_000) }),
  },
)

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

async function take({ control, timers, snapshots, callers }: World, one: Step): Promise<void> {
  const pending = control.requests.filter(({ state }) => state === 'pending').at(-1)
  switch (one.does) {
    case 'ask':
      return ask(callers[one.caller]!)
    case 'settle':
      for (let turns = 0; turns < 4; turns++) await turn()
      return
    case 'end':
      callers[one.caller]!.gaveUp = callers[one.caller]!.gate.endHold(one.why)
      return
    case 'approve':
    case 'deny':
      if (pending !== undefined) control.decide(pending, one.does === 'approve' ? 'approved' : 'denied')
      return
    case 'expire':
      if (pending !== undefined) control.expire(pending)
      return
    case 'down':
      return control.linkDown()
    case 'up':
      Object.assign(control.behaviour, { isUp: true, isSilent: false, keepsClaims: false })
      snapshots.publish(snapshotFor(false, '10s'))
      return
    case 'keep':
      control.behaviour.keepsClaims = true
      return
    case 'claims':
      return control.answerClaims()
    case 'silent':
      control.behaviour.isSilent = true
      return
    case 'policy':
      return snapshots.publish(snapshotFor(false, `${10 + control.messages.length}s`))
    case 'forbid':
      return snapshots.publish(snapshotFor(true, '10s'))
    case 'time':
      return timers.advance(one.ms)
  }
}

/** What must be true of the record of one caller, whatever happened. */
function checkRecord(entries: readonly EntryBody[], control: FakeHolds, used: Set<string>): void {
  const open = new Map<number, string>()
  for (const [index, body] of entries.entries()) {
    if (body.kind === 'held') {
      expect(open.size).toBe(0)
      open.set(body.statement, body.request)
    } else if (body.kind === 'hold-ended') {
      expect(open.get(body.statement)).toBe(body.request)
      open.delete(body.statement)
    } else if (body.kind === 'intent') {
      const before = entries[index - 1]
      expect(before).toMatchObject({ kind: 'hold-ended', result: 'approved', statement: body.statement })
      const request = before?.kind === 'hold-ended' ? before.request : ''
      // Granted at the control plane, and by no second execution.
      expect(control.requests.find(({ id }) => id === request)?.state).toBe('run')
      expect(used.has(request)).toBe(false)
      used.add(request)
    }
  }
  expect(open.size).toBe(0)
}

/** Found by hand: what must be able to happen, or the property is about nothing. */
const straight: Step[] = [
  { does: 'ask', caller: 0 },
  { does: 'settle', caller: 0 },
  { does: 'approve' },
  { does: 'settle', caller: 0 },
  { does: 'settle', caller: 0 },
]

describe('held statements under any interleaving', () => {
  it('run only after their claim was granted, and once for each approval', async () => {
    let ran = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 50, size: 'max' }), async (steps) => {
        const all = world(3)
        for (const one of steps) await take(all, one)
        for (const { gate } of all.callers) gate.endHold('vanished')
        for (let turns = 0; turns < 8; turns++) await turn()
        const used = new Set<string>()
        for (const { entries, gate } of all.callers) {
          expect(gate.isHolding).toBe(false)
          checkRecord(entries, all.control, used)
        }
        ran += used.size
        const allowed = all.callers.filter(({ answer }) => answer?.kind === 'allowed').length
        expect(allowed).toBeLessThanOrEqual(used.size)
      }),
      { numRuns: runs, examples: [[straight]] },
    )
    // The property is not about nothing.
    expect(ran).toBeGreaterThan(runs / 10)
  })
})
