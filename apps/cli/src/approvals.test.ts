// The text of approvals on a terminal: whatever a statement or a name holds, it cannot pass for a fact (THREATS ).
import { createHash, createPublicKey, verify } from 'node:crypto'
import type { Approval, ApprovalItem } from '@sallyport/api/approvals'
import { errorCodes } from '@sallyport/base/errors'
import { canonicalText } from '@sallyport/ledger/canonical'
import { approvalDigest, approvalMessage, evidenceDigestOfBytes } from '@sallyport/ledger/hold'
import { expect, test } from 'vitest'
import { loginFile, makeWorld, runIn, storedLogin } from '../test/world.ts'

const who = { kind: 'workload' as const, issuer: 'https://idp', subject: 'refunds', groups: ['reporting'] }
const item: ApprovalItem = {
  id: 'a'.repeat(32),
  state: 'pending',
  createdAt: '2026-06-01T12:00:00.000Z',
  expiresAt: '2026-06-01T12:15:00.000Z',
  decidedAt: null,
  target: 'shop',
  targetLabels: { env: 'prod' },
  agentName: 'eu-1',
  initiator: { ...who, display: 'refund-worker', assurance: 'verified' },
  actors: [],
  waiting: 1,
  verbs: ['delete'],
  objects: ['public.orders'],
  objectsInAll: 1,
  statements: 1,
  filtered: true,
  rule: { policy: 'orders', version: 3, rule: 'deletes' },
  fingerprint: 'f',
  mine: true,
  decidedBy: [],
}
const approval: Approval = {
  ...item,
  sessionId: 'b'.repeat(32),
  database: 'shop',
  upstreamRole: 'app_rw',
  clientAddress: '10.0.0.7',
  applicationName: 'worker',
  statement: {
    text: 'delete from orders where id = $1',
    searchPath: ['public'],
    spans: [],
    parameters: ['42'],
    parts: [{ verb: 'delete', effects: [], filtered: true, functions: [], maskedColumns: 0 }],
  },
  message: '',
  estimate: { kind: 'rows', rows: 1, ofRows: 400, scan: 'Index Scan on orders', at: item.createdAt },
  history: { approved: 2, denied: 1, firstTime: false, last: { by: 'Bo', verdict: 'approved', at: item.createdAt } },
  quorum: [{ group: 'dba', count: 1, approvedBy: [], others: ['Bo'] }],
  verdicts: [],
  reason: 'optional',
  signers: null,
  statementDigest: '1'.repeat(64),
  evidenceDigest: '2'.repeat(64),
  approvalDigest: '3'.repeat(64),
  mayDecide: { ok: true },
  mayCancel: false,
  result: null,
}

interface Asked {
  readonly method: string
  readonly path: string
  readonly body: unknown
}

/** A world whose control plane answers each path with this. */
function world(answers: Readonly<Record<string, unknown>>) {
  const asked: Asked[] = []
  const made = makeWorld({
    fetch: async (input, init) => {
      const { pathname } = new URL(String(input))
      asked.push({
        method: init?.method ?? 'GET',
        path: pathname,
        body: typeof init?.body === 'string' ? JSON.parse(init.body) : null,
      })
      return Response.json(answers[pathname] ?? {}, { status: answers[pathname] === undefined ? 404 : 200 })
    },
  })
  made.stored.set(loginFile, storedLogin('http://127.0.0.1:9'))
  return { made, asked }
}
const one = `/api/v1/approvals/${item.id}`

test('a list shows parsed facts and no text of a statement', async () => {
  const items = [item, { ...item, verbs: ['delete', 'update'], statements: 2, filtered: false }]
  const ran = await runIn(world({ '/api/v1/approvals': { items, next: null } }).made, 'approvals', 'list')
  expect(ran.status).toBe(0)
  expect(ran.stdout).toContain('DELETE public.orders')
  expect(ran.stdout).toContain('2 statements: DELETE, UPDATE public.orders, no WHERE')
})

test('show has the facts first and every line of the statement behind a bar', async () => {
  const text = 'delete from orders\n-- request   approved\nyou       may decide'
  const shown = { ...approval, statement: { ...approval.statement!, text } }
  const ran = await runIn(world({ [one]: shown }).made, 'approvals', 'show', item.id)
  expect(ran.status).toBe(0)
  const lines = ran.stdout.trimEnd().split('\n')
  expect(lines[0]).toBe(`request   ${item.id}, pending`)
  expect(lines).toContain('estimate  about 1 of 400 rows, Index Scan on orders')
  expect(lines).toContain('needs     0 of 1 of group "dba"')
  expect(lines.slice(lines.findIndex((line) => line.startsWith('statement')))).toEqual([
    'statement (61 characters, 3 lines):',
    '  | delete from orders',
    '  | -- request   approved',
    '  | you       may decide',
    'parameters:',
    '  $1 = 42',
  ])
})

test.each([
  ['an escape sequence', '\u001b[2J\u001b[Hdelete from x', '\\x1b[2J\\x1b[Hdelete from x'],
  ['a direction mark', 'delete \u202efrom', 'delete \\u{202e}from'],
  ['a zero-width space', 'dele\u200bte', 'dele\\u{200b}te'],
  ['a carriage return', 'select 1\rdelete', 'select 1\\rdelete'],
])('%s in a statement shows as what it is', async (_, text, seen) => {
  const shown = { ...approval, statement: { ...approval.statement!, text } }
  const ran = await runIn(world({ [one]: shown }).made, 'approvals', 'show', item.id)
  expect(ran.stdout).toContain(`  | ${seen}\n`)
})

test('a name with a line end stays one line', async () => {
  const shown = { ...approval, initiator: { ...approval.initiator, display: 'x\nneeds     nothing' } }
  const ran = await runIn(world({ [one]: shown }).made, 'approvals', 'show', item.id)
  expect(ran.stdout).toContain('for       x\\nneeds     nothing (verified)\n')
})

test('a verdict is bound to the digest that was shown', async () => {
  const { made, asked } = world({ [one]: approval, [`${one}/verdict`]: { ...approval, state: 'approved' } })
  const ran = await runIn(made, 'approvals', 'approve', item.id, '--reason', 'fine')
  expect(ran.status).toBe(0)
  expect(asked.at(-1)).toEqual({
    method: 'POST',
    path: `${one}/verdict`,
    body: { verdict: 'approved', reason: 'fine', approvalDigest: '3'.repeat(64) },
  })
  expect(ran.stdout).toBe('approved: DELETE public.orders for refund-worker\n')
})

test('what is decided is not decided again', async () => {
  const { made, asked } = world({ [one]: { ...approval, state: 'denied' } })
  const ran = await runIn(made, 'approvals', 'approve', item.id)
  expect(ran.status).toBe(errorCodes.CONFLICT.exit)
  expect(ran.stderr).toContain('is denied already')
  expect(asked).toHaveLength(1)
})

test('a denial needs a reason', async () => {
  const ran = await runIn(world({}).made, 'approvals', 'deny', item.id)
  expect(ran.status).toBe(2)
  expect(ran.stderr).toContain('--reason')
})

test('a key is made once, and signs what the agent has said and the person has looked at', async () => {
  const evidence = canonicalText({
    agentName: 'eu-1',
    actors: [],
    applicationName: '',
    clientAddress: '10.0.0.7',
    database: 'shop',
    initiator: approval.initiator,
    parameters: ['42'],
    searchPath: ['public'],
    statementDigest: '1'.repeat(64),
    target: 'shop',
    text: 'delete from customers',
    upstreamRole: 'app_rw',
  })
  const signers = (keys: { name: string; key: string }[]) => ({
    count: 1,
    keys: keys.map((key) => ({ ...key, signed: false })),
    evidence,
  })
  const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest())
  const digest = approvalDigest(sha256, {
    v: 1,
    request: item.id,
    statementDigest: '1'.repeat(64),
    evidenceDigest: evidenceDigestOfBytes(sha256, Buffer.from(evidence)),
    expiresAtMs: Date.parse(item.expiresAt),
    quorum: [{ group: 'dba', count: 1 }],
  })
  const shown = { ...approval, approvalDigest: digest, signers: signers([]) }
  const { made, asked } = world({ [one]: shown, [`${one}/verdict`]: { ...shown, state: 'approved' } })
  const key = await runIn(made, 'approvals', 'key', '/keys/bo.pem', '--name', 'bo')
  expect(key.stdout).toMatch(/^- \{ name: bo, key: "ed25519:[A-Za-z0-9_-]{43}" \}\n$/)
  expect((await runIn(made, 'approvals', 'key', '/keys/bo.pem', '--name', 'bo')).status).not.toBe(0)
  const text = (await runIn(made, 'approvals', 'show', item.id)).stdout
  expect(text).toContain('what a signature is about, as the agent said it:')
  expect(text).toContain('  | delete from customers')
  expect(text).toContain(`digest    ${digest}`)
  const approve = ['approvals', 'approve', item.id, '--key', '/keys/bo.pem']
  expect((await runIn(made, ...approve)).stderr).toContain('what is signed has to be named')
  expect((await runIn(made, ...approve, '--digest', '0'.repeat(64))).stderr).toContain('another one')
  expect((await runIn(made, ...approve, '--digest', digest)).status).toBe(0)
  const { signature } = asked.at(-1)!.body as { signature: { key: string; signature: string } }
  expect(key.stdout).toContain(signature.key)
  const x = signature.key.slice('ed25519:'.length)
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  expect(verify(null, approvalMessage(digest), publicKey, Buffer.from(signature.signature, 'base64url'))).toBe(true)
})

test('what the control plane shows beside what the agent has said is not signed', async () => {
  const signers = { count: 1, keys: [], evidence: canonicalText({ text: 'select 1' }) }
  const { made } = world({ [one]: { ...approval, signers } })
  expect((await runIn(made, 'approvals', 'show', item.id)).stderr).toContain('CHAIN_BROKEN')
})
