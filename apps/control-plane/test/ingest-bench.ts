// What one entry costs the control plane: real chains, heads and signatures into a real store, one transaction after the other.
// Prints entries a second and CPU microseconds of this process for each entry; PostgreSQL's own come on top.
//   npx tsx apps/control-plane/test/ingest-bench.ts [--entries N] [--sessions N] [--batch N]
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { chainEntries, testBody } from '@sallyport/ledger/testing-record'
import type { IngestRequest } from '@sallyport/proto/gen/sallyport/v1/ingest_pb'
import { createIngest } from '../src/ingest/ingest.ts'
import { buildTestApp } from './build.ts'
import { recordingAgent, sha256 } from './record-rows.ts'
import { stopServer } from './stack.ts'

const { values } = parseArgs({
  options: { entries: { type: 'string' }, sessions: { type: 'string' }, batch: { type: 'string' } },
})
const [entries, sessions, batch] = [values.entries ?? '20000', values.sessions ?? '8', values.batch ?? '200'].map(
  Number,
)
if (entries === undefined || sessions === undefined || batch === undefined) throw new Error('numbers are wanted')

const app = await buildTestApp()
const ingest = createIngest(app.deps)
const agent = await recordingAgent(app.deps.db, 'eu-1')
const each = Math.floor(entries / sessions)
const chains = Array.from({ length: sessions }, () =>
  chainEntries(sha256, randomBytes(16).toString('hex'), [
    testBody.opened(agent.id),
    ...Array.from({ length: each - 1 }, (_, at) =>
      at % 2 === 0 ? testBody.intent(at / 2 + 1) : testBody.outcome((at + 1) / 2, 3),
    ),
  ]),
)
const requests: IngestRequest[] = []
for (let at = 0; at < each; at += batch)
  for (const chain of chains) requests.push(agent.batch(chain, at, Math.min(each, at + batch) - 1))

const start = performance.now()
const cpu = process.cpuUsage()
// As an agent does: so many are out at a time.
const responses = []
for (let at = 0; at < requests.length; at += 8)
  responses.push(...(await Promise.all(requests.slice(at, at + 8).map((request) => ingest.accept(agent.id, request)))))
const { user, system } = process.cpuUsage(cpu)
const refused = responses.filter(({ errorCode }) => errorCode !== '')
if (refused.length > 0) throw new Error(refused[0]?.errorMessage)
const stored = await app.deps.db.recordedEntry.count()
const seconds = (performance.now() - start) / 1_000
console.log(
  `${stored} entries in ${seconds.toFixed(1)} s: ${Math.round(stored / seconds)}/s, ${((user + system) / stored).toFixed(1)} µs of CPU each`,
)
await app.close()
await stopServer()
process.exit(0)
