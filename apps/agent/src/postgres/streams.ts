// What a session does to its two streams beside writing bytes to them: holding them back, and letting go of them.
import type { Duplex } from 'node:stream'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'

export function flow(stream: Duplex, wanted: boolean): void {
  if (wanted && stream.isPaused()) stream.resume()
  else if (!wanted && !stream.isPaused()) stream.pause()
}

export function closeSoon(stream: Duplex): void {
  stream.removeAllListeners('data')
  stream.on('error', () => {})
  stream.resume()
  const timer = setTimeout(() => stream.destroy(), limits.lingerMsMax)
  timer.unref()
  stream.once('close', () => clearTimeout(timer))
}

export const connectionLost = (cause: Error | undefined): SallyportError =>
  new SallyportError('UPSTREAM_UNREACHABLE', 'the connection to the target was lost', { hint: 'connect again', cause })
