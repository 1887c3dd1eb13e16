// What a session does to its two streams beside writing bytes to them: holding them back, and letting go of them.
import type { Duplex } from 'node:stream'
import { SallyportError } from '@sallyport/base/errors'

export const messageTooSlow = (msMax: number): SallyportError =>
  new SallyportError('PROTOCOL_VIOLATION', `a message was not whole within ${Math.ceil(msMax / 1_000)} seconds`, {
    hint: 'connect again; send less in one message',
  })

export function flow(stream: Duplex, wanted: boolean): void {
  if (wanted && stream.isPaused()) stream.resume()
  else if (!wanted && !stream.isPaused()) stream.pause()
}

/** How long a peer may take to read the last bytes, in milliseconds. */
const lingerMsMax = 2_000

export function closeSoon(stream: Duplex): void {
  stream.removeAllListeners('data')
  stream.on('error', () => {})
  stream.resume()
  const timer = setTimeout(() => stream.destroy(), lingerMsMax)
  timer.unref()
  stream.once('close', () => clearTimeout(timer))
}
