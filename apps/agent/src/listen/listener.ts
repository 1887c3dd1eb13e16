// Accepts connections, counts them and gives each a deadline until it has authenticated. It never reads a byte itself.
import type { Sessions } from '../session/sessions.ts'
import type { ListenerDeps, TlsMaterial } from './deps.ts'

export type { ListenerDeps, TlsMaterial }

export interface Listener {
  /** The port it listens on. */
  readonly port: number
  readonly sessions: Sessions
  /** For connections from now on. Throws CONFIG_INVALID when the PEM strings do not fit; the old ones stay. */
  replaceTls(tls: TlsMaterial): void
  /** Stops accepting, ends sessions that are idle, waits up to `drainMs` for the others, then ends them too. */
  close(drainMs: number): Promise<void>
}

/** Listens. Rejects with PORT_TAKEN, NO_PERMISSION or CONFIG_INVALID. */
export function startListener(deps: ListenerDeps): Promise<Listener> {
  void deps
  throw new Error('written by the data path room')
}
