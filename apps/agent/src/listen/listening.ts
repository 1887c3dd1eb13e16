// A server that listens, or why it cannot, in words that say what to do.
import type { Server } from 'node:net'
import { SallyportError } from '@sallyport/base/errors'

/** The port. Rejects with PORT_TAKEN, NO_PERMISSION or CONFIG_INVALID. */
export async function listening(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, port)))
    server.listen(port, host, resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new SallyportError('INTERNAL', 'no port was given')
  return address.port
}

function listenError(error: Error, host: string, port: number): SallyportError {
  const code = 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE')
    return new SallyportError('PORT_TAKEN', `port ${port} on "${host}" is taken`, {
      hint: 'stop the other process, or choose another port',
      cause: error,
    })
  if (code === 'EACCES')
    return new SallyportError('NO_PERMISSION', `port ${port} may not be used by this user`, {
      hint: 'choose a port above 1023',
      cause: error,
    })
  return new SallyportError('CONFIG_INVALID', `cannot listen on "${host}" port ${port}`, { cause: error })
}
