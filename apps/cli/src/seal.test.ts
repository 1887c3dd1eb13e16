// What "seal" prints opens at the agent whose key it was given, and the credential stands nowhere else.
import { formatRecipient, makeSealingKey, openSealingKey } from '@sallyport/sealed/sealed'
import { expect, test } from 'vitest'
import { makeWorld, runIn } from '../test/world.ts'

const agentId = 'a'.repeat(32)
const secret = 'correct horse battery staple'
const worldOf = () => makeWorld({ readStdin: async () => `${secret}\n` })
const keyOf = async (id: string) => await openSealingKey(id, await makeSealingKey())

test('a credential is sealed for each agent, and opens there for its target, address and version alone', async () => {
  const keys = [await keyOf(agentId), await keyOf('b'.repeat(32))]
  const to = keys.map(({ recipient }) => formatRecipient(recipient))
  const parameters = [
    'seal',
    'orders',
    '--address',
    'db.internal:5432',
    '--credential-version',
    '2',
    '--to',
    ...to,
    '--json',
  ]
  const ran = await runIn(worldOf(), ...parameters)
  expect(ran.status).toBe(0)
  expect(`${ran.stdout}${ran.stderr}`).not.toContain(secret)
  const { version, agents } = JSON.parse(ran.stdout).result.sealed
  expect(version).toBe(2)
  for (const key of keys) {
    const sealed = agents[key.recipient.agentId]
    const bound = { target: 'orders', address: 'db.internal:5432', version: 2 }
    expect((await key.open(sealed, bound)).reveal()).toBe(secret)
    await expect(key.open(sealed, { ...bound, target: 'customers' })).rejects.toThrow()
  }
})

test('an API is bound to its origin, and what is no address or key is refused', async () => {
  const key = await keyOf(agentId)
  const line = formatRecipient(key.recipient)
  const ran = await runIn(worldOf(), 'seal', 'crm', '--address', 'https://api.example.com/v1', '--to', line)
  const sealed = /spsealed1\S+/.exec(ran.stdout)?.[0] ?? ''
  const bound = { target: 'crm', address: 'https://api.example.com', version: 1 }
  expect((await key.open(sealed, bound)).reveal()).toBe(secret)
  for (const [address, to] of [
    ['nowhere', line],
    ['db:5432', 'spseal1.x'],
  ] as const)
    expect((await runIn(worldOf(), 'seal', 'crm', '--address', address, '--to', to)).status).toBe(2)
})
