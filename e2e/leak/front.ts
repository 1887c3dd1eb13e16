// One port in front of the agents of both legs, as the suite wants it: the name in the ClientHello says which one is meant.
// Bytes pass on as they are; what names nobody goes to the first leg.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** Code of an SSLRequest (PostgreSQL manual, Message Formats). */
const sslRequest = 80_877_103

export interface Front {
  readonly port: number
  close(): Promise<void>
}

/** The name that a caller of this database puts into its ClientHello; names of hosts have no underscore. */
export const serverNameOf = (database: string): string => database.replaceAll('_', '-')

/** `ports`: of the agent that serves each database. */
export async function openFront(ports: ReadonlyMap<string, number>): Promise<Front> {
  const sockets = new Set<Socket>()
  const front = createServer((caller) => {
    sockets.add(caller)
    caller.on('error', () => {}).on('close', () => sockets.delete(caller))
    void route(caller, ports).catch(() => caller.destroy())
  }).listen(0, '127.0.0.1')
  await once(front, 'listening')
  const address = front.address()
  if (address === null || typeof address !== 'object') throw new Error('a TCP server has a numeric address')
  return {
    port: address.port,
    async close() {
      for (const socket of sockets) socket.destroy()
      front.close()
      await once(front, 'close')
    },
  }
}

async function route(caller: Socket, ports: ReadonlyMap<string, number>): Promise<void> {
  const [asked]: Buffer[] = await once(caller, 'data')
  const isSslRequest = asked?.length === 8 && asked.readInt32BE(4) === sslRequest
  if (isSslRequest) caller.write('S')
  const [hello = Buffer.alloc(0)]: Buffer[] = isSslRequest ? await once(caller, 'data') : []
  caller.pause()
  const [first = 0] = ports.values()
  const named = [...ports].find(([database]) => hello.includes(serverNameOf(database)))
  const agent = connect(named?.[1] ?? first, '127.0.0.1')
  agent.on('error', () => caller.destroy()).on('close', () => caller.destroy())
  caller.on('close', () => agent.destroy())
  agent.write(asked ?? '')
  // The agent says S as well; the caller has been told.
  if (isSslRequest) await once(agent, 'data')
  agent.write(hello)
  caller.pipe(agent).pipe(caller)
}
