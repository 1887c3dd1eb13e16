// What is granted for a time, in sessions: opened by it, prepared under it, and refused with the snapshot that no longer has it.
import { createHash } from 'node:crypto'
import { create } from '@bufbuild/protobuf'
import { parseDocuments } from '@sallyport/policy/parse'
import { ruleText } from '@sallyport/policy/rulebook'
import { SnapshotSchema } from '@sallyport/proto/gen/sallyport/v1/snapshot_pb'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { compileSnapshot } from '../src/link/compile.ts'
import { errorOf } from './asking.ts'
import { audience, type DataPath, issuer, startDataPath } from './data-path.ts'
import { type RealTarget, startRealTarget, targetDocument, targetEnvironment } from './real-target.ts'

let real: RealTarget
let path: DataPath
const yaml = (): string => `${targetDocument(real.server.port)}
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: on-call }
spec:
  targets: { any: true }
  rules:
    - name: look
      effect: grant
      callers: { groups: [engineering] }
      operations: [select]
      approval: { reviewers: [{ group: dba }] }
`
beforeAll(async () => {
  real = await startRealTarget({ schema: 'create table orders (id int); insert into orders values (1)' })
  path = await startDataPath({ yaml: yaml(), environment: targetEnvironment })
}, 120_000)
afterAll(async () => {
  await path?.stop()
  await real?.stop()
})

/** A snapshot in which this is granted to these subjects until then. */
function take(subjects: readonly string[], untilMs: number): void {
  const { documents } = parseDocuments(yaml())
  const stored = (kind: string) =>
    documents
      .filter((document) => document.kind === kind)
      .map((document) => ({ name: document.metadata.name, version: 1, json: JSON.stringify(document) }))
  const [policy] = documents.filter((document) => document.kind === 'Policy')
  const own = path.snapshots.current().issuers.get(issuer)
  const [target] = stored('Target')
  const snapshot = create(SnapshotSchema, {
    installation: 'test',
    agentId: '0'.repeat(32),
    version: 2n,
    notAfterMs: BigInt(Date.now() + 900_000),
    targets: stored('Target'),
    policies: stored('Policy'),
    issuers: [{ json: JSON.stringify(own?.document), jwks: JSON.stringify(own?.jwks) }],
    audience,
    grants: subjects.map((subject) => ({
      target: target?.name ?? '',
      policy: 'on-call',
      rule: 'look',
      ruleText: ruleText(policy!.spec.rules[0]!),
      issuer: 'https://idp.test',
      subject,
      untilMs: BigInt(untilMs),
    })),
  })
  const compiled = compileSnapshot(snapshot, null, (text) => createHash('sha256').update(text).digest('hex'))
  expect(compiled.problems).toEqual([])
  path.snapshots.publish({ ...path.snapshots.current(), ...compiled.snapshot })
}

it('R-6.3: opens a session and its statements, until it is over, and ends both with the snapshot that has it no more', async () => {
  expect((await errorOf(path.connect({ subject: 'ann' }))).hint).toContain('POLICY_UNCOVERED')
  take(['ann', 'cleo'], Date.now() + 3_600_000)
  expect((await errorOf(path.connect({ subject: 'bob' }))).hint).toContain('POLICY_UNCOVERED')
  const client = await path.connect({ subject: 'ann' })
  client.on('error', () => {})
  const prepared = { name: 'before', text: 'select id from orders' }
  expect((await client.query(prepared)).rows).toEqual([{ id: 1 }])
  expect(path.recorder.of('intent').at(-1)).toMatchObject({ rule: { policy: 'on-call', rule: 'look' } })
  // Its time is over, and no other snapshot has come: nothing runs, nothing of the baseline either.
  take(['ann', 'cleo'], Date.now() - 1)
  expect((await errorOf(client.query(prepared))).message).toMatch(/no rule .* (names|allows)/)
  expect((await errorOf(client.query('show server_version'))).code).toBe('42501')
  take(['ann'], Date.now() + 3_600_000)
  expect((await client.query(prepared)).rows).toEqual([{ id: 1 }])
  const ended = new Promise<void>((resolve) => client.once('end', () => resolve()))
  take([], 0)
  await ended
  expect((await errorOf(path.connect({ subject: 'ann' }))).hint).toContain('POLICY_UNCOVERED')
})
