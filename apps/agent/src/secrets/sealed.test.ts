// Credentials that were sealed for this agent open here, for their target at its address, and the key stays in its file.
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Secret } from '@sallyport/base/secret'
import { TargetDocument } from '@sallyport/policy/document'
import { seal } from '@sallyport/sealed/sealed'
import { afterAll, expect, test } from 'vitest'
import { boundTo, resolveCredential } from './broker.ts'
import { AgentSources, loadSealingKey, sealingKeyPath } from './sealed.ts'

const agentId = 'c'.repeat(32)
const parent = mkdtempSync(join(tmpdir(), 'sallyport-sealing-'))
afterAll(() => rmSync(parent, { recursive: true, force: true }))
const directory = () => mkdtempSync(join(parent, 'agent-'))
const targetAt = (host: string) =>
  TargetDocument.parse({
    apiVersion: 'sallyport.dev/v1',
    kind: 'Target',
    metadata: { name: 'orders' },
    spec: {
      protocol: 'postgres',
      agents: ['eu-1'],
      host,
      database: 'o',
      roles: [{ name: 'r', password: { env: 'X' } }],
    },
  })

test('the key is made once, even by two starts at the same moment, and only the agent reads it', async () => {
  const folder = directory()
  const [first, second] = await Promise.all([loadSealingKey(folder, agentId), loadSealingKey(folder, agentId)])
  const third = await loadSealingKey(folder, agentId)
  for (const key of [second, third]) expect(key.recipient).toEqual(first.recipient)
  expect(statSync(sealingKeyPath(folder)).mode & 0o077).toBe(0)
})

test('a sealed credential opens for its target, and not when the control plane moves it (THREATS R-6.17)', async () => {
  const folder = directory()
  const key = await loadSealingKey(folder, agentId)
  const sources = new AgentSources({ X: 'from the environment' }, key)
  const here = boundTo(targetAt('db.internal'))
  expect(here).toEqual({ target: 'orders', address: 'db.internal:5432' })
  const text = await seal(key.recipient, { ...here, version: 1 }, new Secret('hunter2-hunter2'))
  const reference = { sealed: { version: 1, agents: { [agentId]: text } } }
  expect((await resolveCredential(reference, sources, here)).reveal()).toBe('hunter2-hunter2')
  expect((await resolveCredential({ env: 'X' }, sources, here)).reveal()).toBe('from the environment')
  const refused = { code: 'CREDENTIAL_UNAVAILABLE' }
  await expect(resolveCredential(reference, sources, boundTo(targetAt('db.evil')))).rejects.toMatchObject(refused)
  await expect(resolveCredential(reference, sources, { ...here, target: 'mine' })).rejects.toMatchObject(refused)
  const bumped = { sealed: { ...reference.sealed, version: 2 } }
  await expect(resolveCredential(bumped, sources, here)).rejects.toMatchObject(refused)
  const other = new AgentSources({}, await loadSealingKey(directory(), 'd'.repeat(32)))
  const stolen = { sealed: { version: 1, agents: { ['d'.repeat(32)]: text } } }
  await expect(resolveCredential(stolen, other, here)).rejects.toMatchObject(refused)
  await expect(resolveCredential(reference, other, here)).rejects.toMatchObject(refused)
  await expect(resolveCredential(reference, {}, here)).rejects.toMatchObject(refused)
})

test('neither the key nor what was opened can be printed', async () => {
  const folder = directory()
  const sources = new AgentSources({}, await loadSealingKey(folder, agentId))
  const raw = readFileSync(sealingKeyPath(folder))
  expect(inspect(sources, { depth: 9, showHidden: true })).not.toContain(raw.subarray(0, 8).toString('hex'))
  expect(JSON.stringify(sources)).toBe('{"environment":{}}')
})
