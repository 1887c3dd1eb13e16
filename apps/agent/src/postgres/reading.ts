// Reads from targets into one piece of memory that all connections of the process share: a piece of its own for each read, as
// sockets take it by themselves, costs more than all else of a short answer, and large results come in larger pieces this way.
// Whoever listens to `data` gets bytes of its own, but a session, which has used what it got when it returns.
// INVARIANT: bytes in the shared memory are good until their listener returns, and nobody keeps a view of them.
import type { OnReadOpts, Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** In bytes: what the target has sent while a session was busy comes with one read. */
const sharedBytes = 262_144
let shared: Buffer | null = null

/** Connections whose listener keeps no view. */
const passing = new WeakSet<Duplex>()

/** For a socket that is about to be made: `owner` answers it once it has been. */
export function readTogether(owner: () => Socket): OnReadOpts {
  shared ??= Buffer.allocUnsafeSlow(sharedBytes)
  return {
    buffer: shared,
    callback(length: number, bytes: Uint8Array) {
      const socket = owner()
      const view = Buffer.from(bytes.buffer, bytes.byteOffset, length)
      socket.emit('data', passing.has(socket) ? view : Buffer.from(view))
      return true
    },
  }
}

/** From here on its listener gets views of the shared memory. */
export const passViews = (socket: Duplex): void => void passing.add(socket)

export const keepBytes = (socket: Duplex): void => void passing.delete(socket)
