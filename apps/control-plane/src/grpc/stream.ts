// Reading a gRPC stream one message at a time, and writing with back-pressure.
import type { Readable, Writable } from 'node:stream'

/** Calls `take` for each message in order; the next one is not read before it is done. The first failure ends the reading. */
export function eachInOrder<T>(
  stream: Readable,
  take: (message: T) => Promise<void> | void,
  failed: (thrown: unknown) => void,
): void {
  let isOver = false
  stream.on('data', (message: T) => {
    if (isOver) return
    stream.pause()
    Promise.resolve(message)
      .then(take)
      .then(
        () => stream.resume(),
        (thrown: unknown) => {
          isOver = true
          // What still comes is read and dropped, so that the other side sees our status and not a full window.
          stream.resume()
          failed(thrown)
        },
      )
  })
}

/** Resolves when the stream can take more, or is gone. */
export async function written<T>(stream: Writable, message: T, isGone: () => boolean): Promise<void> {
  if (isGone() || stream.write(message)) return
  await new Promise<void>((resolve) => {
    const done = () => {
      for (const event of ['drain', 'close', 'error', 'cancelled', 'finish']) stream.off(event, done)
      resolve()
    }
    for (const event of ['drain', 'close', 'error', 'cancelled', 'finish']) stream.on(event, done)
  })
}
