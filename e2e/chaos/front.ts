// A door in front of an agent through which the clients of the storm come, whatever their driver: it passes bytes on and
// can cut a connection at any byte. What it counts as open is open on at least one side.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface Front {
  readonly port: number
  /** Connections of which one side is still open. */
  readonly open: number
  /** What is open of them, for whoever waits in vain for the end of all. */
  describe(): string
  /** Cuts one of them at random, towards both sides: by a reset or by a plain close. False when there is none. */
  cut(random: () => number): boolean
  /** Closes what clients have left open. */
  hangUp(): void
  close(): Promise<void>
}

interface Passage {
  readonly client: Socket
  readonly agent: Socket
}

export async function openFront(agentPort: number): Promise<Front> {
  const passages = new Set<Passage>()
  const server = createServer({ noDelay: true }, (client) => {
    const agent = connect({ host: '127.0.0.1', port: agentPort, noDelay: true })
    const passage = { client, agent }
    passages.add(passage)
    const gone = () => {
      if (client.destroyed && agent.destroyed) passages.delete(passage)
    }
    for (const side of [client, agent]) side.on('error', () => {}).on('close', gone)
    // A side that ends is ended on the other one, after the bytes that are on their way.
    client.pipe(agent).pipe(client)
    client.on('close', () => agent.destroy())
    agent.on('close', () => client.destroySoon())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address !== 'object') throw new Error('a TCP server has a numeric address')
  return {
    port: address.port,
    get open() {
      return passages.size
    },
    describe: () =>
      [...passages].map(({ client, agent }) => `client ${stateOf(client)}, agent ${stateOf(agent)}`).join('; '),
    cut(random) {
      const all = [...passages]
      const found = all[Math.floor(random() * all.length)]
      if (found === undefined) return false
      if (random() < 0.5) found.agent.resetAndDestroy()
      else found.agent.destroy()
      found.client.resetAndDestroy()
      return true
    },
    hangUp() {
      for (const { client } of passages) client.destroy()
    },
    async close() {
      for (const { client, agent } of passages) {
        client.destroy()
        agent.destroy()
      }
      server.close()
      await once(server, 'close')
    },
  }
}

const stateOf = (socket: Socket): string =>
  `${socket.destroyed ? 'closed' : socket.readyState}, ${socket.bytesRead} B in, ${socket.bytesWritten} B out`
