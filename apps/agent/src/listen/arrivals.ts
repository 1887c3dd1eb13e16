// Connections of HTTP as admission counts them: each is nobody's until a request on it has shown who calls, and what is refused
// before that is told later where it was often (THREATS ).
import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import type { Arrivals } from '../http/arrivals.ts'
import type { Admission, Entered } from './admission.ts'

export interface CountedArrivals extends Arrivals {
  /** What requests know is the TLS of a connection: this is one that was counted. */
  secured(socket: Socket): void
  /** Nothing can be said on one that is not. */
  isSecured(socket: object): boolean
  /** Ends those that are not, and will not be. */
  endUnsecured(): void
}

export function countArrivals(server: Server, admission: Admission): CountedArrivals {
  const byPeer = new Map<string, { readonly entered: Entered; readonly socket: Socket }>()
  const bySocket = new WeakMap<object, Entered>()
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => {})
    const entered = admission.enter(socket.remoteAddress ?? '')
    if (typeof entered === 'string') return void socket.destroy()
    const peer = peerOf(socket)
    byPeer.set(peer, { entered, socket })
    socket.once('close', () => {
      if (byPeer.get(peer)?.socket === socket) byPeer.delete(peer)
      entered.leave()
    })
  })
  return {
    // Node does not say which connection it has encrypted; no two of them have the same peer.
    secured(socket) {
      const peer = peerOf(socket)
      const counted = byPeer.get(peer)
      if (counted === undefined) return
      bySocket.set(socket, counted.entered)
      byPeer.delete(peer)
    },
    isSecured: (socket) => bySocket.has(socket),
    endUnsecured() {
      for (const { socket } of byPeer.values()) socket.destroy()
    },
    known: (socket) => bySocket.get(socket)?.authenticated(),
    refusedMs: (socket) => bySocket.get(socket)?.refused() ?? 0,
  }
}

const peerOf = ({ remoteAddress = '', remotePort = 0 }: Socket): string => `${remoteAddress} ${remotePort}`
