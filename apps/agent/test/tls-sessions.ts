// Whether sessions of TLS go on, by connections that do nothing else.
import { once } from 'node:events'
import { type ConnectionOptions, connect } from 'node:tls'

/** Of so many connections behind a first one: whether each went on with the session that began there. */
export async function resumed(to: ConnectionOptions, times: number): Promise<boolean[]> {
  const first = connect(to)
  const kept = new Promise<Buffer>((resolve) => first.once('session', resolve))
  await once(first, 'secureConnect')
  // TLS 1.3 sends tickets behind the handshake.
  first.resume()
  const session = await kept
  first.destroy()
  const all: boolean[] = []
  for (let round = 0; round < times; round++) {
    const next = connect({ ...to, session })
    await once(next, 'secureConnect')
    all.push(next.isSessionReused())
    next.destroy()
  }
  return all
}
