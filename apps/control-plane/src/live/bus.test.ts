// The bus: a hint reaches this process whatever the carriers do, goes out by the first that is up, and comes in from all.
import { expect, it } from 'vitest'
import { type Bus, type CarrierEvents, type Hint, hintKinds, openBus } from './bus.ts'

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined }

/** A carrier in memory; `up` and `fails` are the test's. */
function fakeCarrier(name: string) {
  const state = { up: true, fails: false, sent: [] as string[], events: undefined as CarrierEvents | undefined }
  const open = async (events: CarrierEvents) => {
    state.events = events
    return {
      name,
      isUp: () => state.up,
      send: async (message: string) => {
        if (state.fails) throw new Error('gone')
        state.sent.push(message)
      },
      stop: async () => undefined,
    }
  }
  return { state, open }
}

const busOf = async (seed: number, ...carriers: ReturnType<typeof fakeCarrier>[]): Promise<Bus> =>
  await openBus(
    { log: silent, randomBytes: (size) => Buffer.alloc(size, seed) },
    carriers.map((carrier) => carrier.open),
  )

function ear(bus: Bus) {
  const heard: [string, Hint][] = []
  let gaps = 0
  bus.listen({ heard: (hint, from) => heard.push([from, hint]), gap: () => gaps++ })
  return { heard, gaps: () => gaps }
}
const turns = async () => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}
const hint: Hint = { kind: 'approval', id: 'abc' }

it('tells this process at once, without any carrier', async () => {
  const bus = await busOf(1)
  const { heard } = ear(bus)
  bus.publish(hint)
  expect(heard).toEqual([['here', hint]])
})

it.each([
  ['by the first carrier', true, false, [1, 0]],
  ['by the second at once when the first is down', false, false, [0, 1]],
  ['by the second at once when the first fails', true, true, [0, 1]],
] as const)('sends %s', async (_name, up, fails, counts) => {
  const [redis, store] = [fakeCarrier('redis'), fakeCarrier('store')]
  const bus = await busOf(1, redis, store)
  Object.assign(redis.state, { up, fails })
  bus.publish(hint)
  await turns()
  expect([redis.state.sent.length, store.state.sent.length]).toEqual(counts)
})

it('hears other replicas over every carrier, and not its own echo', async () => {
  const [redis, store] = [fakeCarrier('redis'), fakeCarrier('store')]
  const other = fakeCarrier('other')
  const bus = await busOf(1, redis, store)
  const { heard } = ear(bus)
  const elsewhere = await busOf(2, other)
  for (const kind of hintKinds) elsewhere.publish({ kind, id: `of/${kind}` })
  await turns()
  bus.publish(hint)
  await turns()
  for (const text of other.state.sent) {
    redis.state.events?.received(text)
    store.state.events?.received(text)
  }
  for (const text of redis.state.sent) redis.state.events?.received(text)
  expect(heard.filter(([from]) => from === 'here')).toHaveLength(1)
  expect(heard.filter(([from]) => from === 'elsewhere')).toHaveLength(hintKinds.length * 2)
})

it.each([
  '',
  'x',
  'approval abc',
  '0202020202020202 approval',
  '0202020202020202 drop abc',
  `${'02'.repeat(8)} kill a b`,
])('drops what is no message of ours: %j (R-6.19)', async (text) => {
  const carrier = fakeCarrier('redis')
  const bus = await busOf(1, carrier)
  const { heard } = ear(bus)
  carrier.state.events?.received(text)
  expect(heard).toEqual([])
})

it('asks everyone to look at everything after an outage, and not after the first start', async () => {
  const carrier = fakeCarrier('redis')
  const bus = await busOf(1, carrier)
  const { gaps } = ear(bus)
  carrier.state.events?.up()
  expect(gaps()).toBe(0)
  carrier.state.events?.down(new Error('gone'))
  carrier.state.events?.up()
  expect(gaps()).toBe(1)
})

it('goes on when a listener fails', async () => {
  const bus = await busOf(1)
  bus.listen({
    heard: () => {
      throw new Error('a bug')
    },
    gap: () => undefined,
  })
  const { heard } = ear(bus)
  bus.publish(hint)
  expect(heard).toHaveLength(1)
})
