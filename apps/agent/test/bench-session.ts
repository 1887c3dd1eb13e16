// Sessions for benches of the data path: real machine, gate, policies and spool, without login, link and a target of their own. What is at
// their two ends is the bench's.
import { createHmac, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { systemClock } from '@sallyport/base/clock'
import { createBudgets } from '../src/limits/budgets.ts'
import { countStatement, createMetrics } from '../src/metrics.ts'
import { loadParser } from '../src/parser.ts'
import { Departures } from '../src/postgres/departures.ts'
import { LentConnection } from '../src/postgres/lent.ts'
import { createMachine } from '../src/postgres/machine.ts'
import { type Run, runSession } from '../src/postgres/run.ts'
import type { TargetLink } from '../src/postgres/target-link.ts'
import { scanTokens } from '../src/postgres/tokens.ts'
import { loadRecordKey } from '../src/record/key.ts'
import { openRecorder } from '../src/record/recorder.ts'
import { createAnalyser, factsCache } from '../src/session/analysis.ts'
import { createGate } from '../src/session/gate.ts'
import { snapshotOf, testSnapshots } from './data-path.ts'
import { fakeHolds } from './fake-holds.ts'
import { holdDepsOf, noInitiators } from './hold-deps.ts'
import { noOwnCatalog, testCatalog } from './small-catalog.ts'

/** Of masks, for the column that the benches read. */
export const benchMasks = '[{ columns: [public.people.ssn], method: { partial: { keepLast: 4 } } }]'

const yaml = (masks: string): string => `
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
  rules: [{ name: everything, effect: allow, callers: { any: true } }]
  masks: ${masks}
`

const initiator = {
  kind: 'user',
  issuer: 'https://idp.test',
  subject: 'ann',
  groups: ['engineering'],
  claims: {},
  display: 'Ann',
  assurance: 'verified',
} as const
const chain = { initiator, actors: [] } as const
const shown = {
  upstreamRole: 'app',
  database: 'd',
  clientAddress: '127.0.0.1',
  applicationName: 'bench',
  tls: true,
  authentication: 'jwt-password',
} as const

export interface BenchSessions {
  /** Of the spool, and for whatever else the bench writes. */
  readonly dir: string
  open(client: Duplex, link: TargetLink): Run
  stop(): Promise<void>
}

export async function benchSessions(masks: string): Promise<BenchSessions> {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
  const log = { debug() {}, info() {}, warn: console.error, error: console.error }
  const monotonicUs = () => performance.now() * 1_000
  const recorder = openRecorder({
    directory: join(dir, 'spool'),
    agent: '0'.repeat(32),
    key: loadRecordKey(join(dir, 'record.key')),
    clock: systemClock,
    monotonicUs,
    log,
  })
  const parser = await loadParser()
  const cache = factsCache()
  const departures = new Departures()
  const budgets = createBudgets(systemClock)
  const snapshots = testSnapshots(snapshotOf(yaml(masks), {}))
  const counts = createMetrics().countsOf('shop')
  const known = testCatalog()
  const key = randomBytes(32)
  const opened = () => {
    const id = randomBytes(16).toString('hex')
    const record = recorder.open(id as never, 'spool')
    record.append({
      kind: 'session-opened',
      agent: '0'.repeat(32),
      agentName: 'a',
      target: 'shop',
      protocol: 'postgres',
      ...shown,
      initiator: { kind: 'user', issuer: 'i', subject: 's', display: 's', groups: [], assurance: 'verified' },
      actors: [],
      tokenIds: [],
      snapshotVersion: 1,
    })
    const gate = createGate({
      initiators: noInitiators,
      snapshots,
      target: 'shop',
      chain,
      session: { id, ...shown },
      catalog: { fresh: () => known, read: async () => known, renewed: async () => known, own: noOwnCatalog },
      analyser: createAnalyser(parser, { preset: 'none' }, cache, 'shop'),
      record,
      scan: scanTokens,
      clock: systemClock,
      monotonicUs,
      hold: holdDepsOf(fakeHolds().holds),
      budgets,
      onRefused: (error) => console.error(error),
    })
    return { record, gate }
  }
  return {
    dir,
    open: (client, link) =>
      runSession({
        client,
        link,
        machine: createMachine({
          serverVersion: 180_004,
          hash: (value) => createHmac('sha256', key).update(value).digest(),
          settings: [],
        }),
        ...opened(),
        lent: new LentConnection(),
        deadlines: { messageMsMax: 60_000, stalledMsMax: 60_000, idleInTransactionMsMax: 60_000 },
        departures,
        monotonicUs,
        log,
        onCatalogChanged: () => undefined,
        isTokenExpired: () => false,
        onOutcome(running, outcome) {
          countStatement(counts, outcome)
          counts.rows += running.rows
          counts.maskedValues += running.maskedValues
        },
      }),
    async stop() {
      await recorder.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
