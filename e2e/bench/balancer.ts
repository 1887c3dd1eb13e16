// What stands before the replicas of a control plane: TCP, in turn, and the next one where one does not answer.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

export interface Balancer {
  readonly address: string
  /** Connections that have been opened since the last call, each with when, in milliseconds of performance.now. */
  takeOpened(): readonly number[]
  close(): Promise<void>
}

export async function openBalancer(ports: readonly number[]): Promise<Balancer> {
  let turn = 0
  let opened: number[] = []
  const server = createServer({ noDelay: true }, (client) => {
    opened.push(performance.now())
    client.on('error', () => {})
    const reach = (left: number): void => {
      const upstream = connect({ host: '127.0.0.1', port: ports[turn++ % ports.length] ?? 0, noDelay: true })
      upstream.once('connect', () => {
        client.pipe(upstream).pipe(client)
        client.once('close', () => upstream.destroy())
        upstream.once('close', () => client.destroy())
      })
      upstream.on('error', () => {
        if (upstream.connecting || upstream.bytesRead > 0 || left === 0) client.destroy()
        else reach(left - 1)
      })
    }
    reach(ports.length - 1)
  }).listen(0, '127.0.0.1')
  server.maxConnections = 100_000
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address !== 'object') throw new Error('a TCP server has a numeric address')
  return {
    address: `localhost:${address.port}`,
    takeOpened() {
      const taken = opened
      opened = []
      return taken
    },
    async close() {
      server.close()
    },
  }
}
