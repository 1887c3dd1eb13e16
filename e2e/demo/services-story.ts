// The part of the story about the shop's HTTP API and its tools for assistants: the same rules, masks and record as for the database,
// and scene (c), the leaky model.
import assert from 'node:assert/strict'
import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { type HttpCaller, httpCaller } from '../stack/http-caller.ts'
import { truth } from '../stack/shop.ts'
import { until } from '../stack/until.ts'
import type { Step, Told } from './story.ts'

interface Person {
  readonly name: string
  readonly email: string
  readonly phone: string
  readonly ssn: string
}

const personal = async ({ stack }: Told): Promise<Person> => {
  const sql = "SELECT name, email, phone, ssn FROM customers WHERE name LIKE 'Alma%' ORDER BY id LIMIT 1"
  const [alma] = await truth<Person>(stack, sql)
  assert(alma !== undefined)
  return alma
}

function assertNothingPersonal(text: string, { name, email, phone, ssn }: Person): void {
  assert(text.includes(name), `${name} is not in the answer`)
  for (const value of [email, phone, ssn]) assert(!text.includes(value), 'a personal value shows')
}

export const annAsksTheApi: Step = {
  title:
    "ann asks the shop's HTTP API with a token and no credential: the same data is masked, and no rule lets her delete",
  async run(told) {
    const { api } = told.services
    const person = await told.stack.as('ann')
    const caller = await until('the agent serves the API', () => httpCaller(person, 'shop-api'))
    try {
      const answer = await until('it answers', async () => {
        const given = await caller.get('/v1/customers?name=Alma')
        return given.status === 200 ? await given.text() : null
      })
      told.received.push({ name: 'ann, HTTP', bytes: Buffer.from(answer) })
      assertNothingPersonal(answer, await personal(told))
      const before = api.asked.length
      const refused = await caller.get('/v1/customers/1', { method: 'DELETE' })
      const problem = JSON.parse(await refused.text())
      assert.deepEqual([refused.status, problem.code], [403, 'POLICY_UNCOVERED'])
      assert.equal(api.asked.length, before, 'the API was asked')
      const [first] = JSON.parse(answer).customers
      return `${first.name}: ${first.email}; DELETE is ${refused.status} ${problem.code}`
    } finally {
      caller.close()
    }
  },
}

/** With a client of the official SDK, as an assistant has one. */
async function asAssistant<T>(told: Told, work: (client: Client) => Promise<T>): Promise<T> {
  const person = await told.stack.as('ann')
  const [caller, client] = await until('the agent serves the tools', () => connected(httpCaller(person, 'shop-tools')))
  try {
    return await work(client)
  } finally {
    await client.close()
    caller.close()
  }
}

async function connected(making: Promise<HttpCaller>): Promise<readonly [HttpCaller, Client]> {
  const caller = await making
  try {
    return [caller, await caller.mcp()]
  } catch (thrown) {
    caller.close()
    throw thrown
  }
}

export const assistantWorks: Step = {
  title:
    "a model works for ann with the shop's MCP server: it is shown the tools that she may use, and no person in results",
  async run(told) {
    return await asAssistant(told, async (client) => {
      const names = (await client.listTools()).tools.map(({ name }) => name)
      assert.deepEqual(names, ['find_customer', 'send_note'])
      const found = JSON.stringify(await client.callTool({ name: 'find_customer', arguments: { name: 'Alma' } }))
      told.received.push({ name: 'model', bytes: Buffer.from(found) })
      assertNothingPersonal(found, await personal(told))
      return `${names.join(', ')}; Alma Almeida without e-mail, phone and number`
    })
  },
}

/** Documentation's own example of a key: nobody's. */
const leakedKey = 'AKIAIOSFODNN7EXAMPLE'

export const modelLeaks: Step = {
  title: 'the model is talked into sending a key and a customer out: both calls are stopped, and recorded without them',
  async run(told) {
    const { services } = told
    const { email } = await personal(told)
    await asAssistant(told, async (client) => {
      for (const text of [`use our key ${leakedKey}`, `write to ${email}`, `sign in with ${services.credentials[0]}`]) {
        const thrown: unknown = await client
          .callTool({ name: 'send_note', arguments: { text } })
          .catch((error) => error)
        assert(thrown instanceof Error, 'the call was not refused')
        assert.match(JSON.stringify({ ...thrown }), /OUTWARD_SECRET/)
        told.received.push({
          name: 'model is refused',
          bytes: Buffer.from(`${thrown.message} ${JSON.stringify(thrown)}`),
        })
      }
      assert.deepEqual(services.tools.notes, [], 'a note went out')
      await client.callTool({ name: 'send_note', arguments: { text: 'three lamps, please' } })
      assert.deepEqual(services.tools.notes, ['three lamps, please'])
    })
    told.stopped.push(leakedKey)
    const { denied, texts } = await recorded(told)
    for (const secret of [leakedKey, email]) assert(!texts.includes(secret), 'the record repeats what was stopped')
    return `${denied} calls stopped (OUTWARD_SECRET), one harmless note sent`
  },
}

/** The entries of the model's calls, once all of them are there. */
async function recorded({ stack }: Told): Promise<{ readonly denied: number; readonly texts: string }> {
  const adam = await stack.as('adam')
  return await until('the calls are recorded', async () => {
    const { body } = await adam.get('/api/v1/sessions?target=shop-tools&limit=50')
    const items: { id: string }[] = body.items
    const entries = await Promise.all(items.map(({ id }) => adam.get(`/api/v1/sessions/${id}/entries?limit=500`)))
    const texts = entries.map(({ text }) => text).join('\n')
    const denied = texts.split('"OUTWARD_SECRET"').length - 1
    return denied >= 3 && texts.includes('three lamps') ? { denied: 3, texts } : null
  })
}
