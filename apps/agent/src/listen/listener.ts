// Accepts connections, counts them and gives each a deadline until it has authenticated. It never reads a byte itself.
import { createServer, type Socket } from 'node:net'
import { createBudgets } from '../limits/budgets.ts'
import { cancelKeys } from '../postgres/cancel.ts'
import { openCatalogs } from '../postgres/catalogs.ts'
import { watchCredentials } from '../postgres/credential-watch.ts'
import { Departures } from '../postgres/departures.ts'
import { openEstimates } from '../postgres/estimate.ts'
import { createPool } from '../postgres/pool.ts'
import { type Shared, serveConnection } from '../postgres/serve.ts'
import { refuseConnection } from '../postgres/turn-away.ts'
import { factsCache } from '../session/analysis.ts'
import { createCallers } from '../session/callers.ts'
import { openSessions, type Sessions } from '../session/sessions.ts'
import { tokenVerifier } from '../session/verified.ts'
import { type Admission, createAdmission } from './admission.ts'
import { type ListenerBounds, type ListenerDeps, listenerBounds, type TlsMaterial } from './deps.ts'
import { listening } from './listening.ts'
import { createMemoryGuard } from './memory.ts'
import { isFrom } from './sources.ts'
import { encryptBy, type TlsIdentity, tlsIdentity } from './tls.ts'

export type { ListenerDeps, TlsMaterial }

export interface Listener {
  /** The port it listens on. */
  readonly port: number
  readonly sessions: Sessions
  /** For connections from now on. Throws CONFIG_INVALID when the PEM strings do not fit; the old ones stay. */
  replaceTls(tls: TlsMaterial): void
  /** Stops accepting, ends sessions as they become idle, waits up to `drainMs` for the others, then ends them too. */
  close(drainMs: number): Promise<void>
}

/** Listens. Rejects with PORT_TAKEN, NO_PERMISSION or CONFIG_INVALID. */
export async function startListener(deps: ListenerDeps): Promise<Listener> {
  const bounds: ListenerBounds = { ...listenerBounds, ...deps.bounds }
  let tls = tlsIdentity(deps.tls)
  const sessions = deps.sessions ?? openSessions()
  const catalogs = deps.catalogs ?? openCatalogs(deps)
  const cancels = deps.cancels ?? cancelKeys(deps.random)
  const estimates = openEstimates()
  const pool = deps.pool ?? createPool()
  const shared: Shared = {
    deps,
    sessions,
    cancels,
    facts: factsCache(),
    catalogs,
    estimates,
    budgets: deps.budgets ?? createBudgets(deps.clock),
    pool,
    credentials: watchCredentials(deps.environment, () => performance.now()),
    departures: new Departures(),
    callers: deps.callers ?? createCallers(bounds.connectionsPerCallerMax),
    verifier: tokenVerifier(),
  }
  const memory = deps.memory ?? createMemoryGuard(() => deps.clock.nowMs())
  const doors = openDoors(
    bounds,
    deps,
    shared,
    deps.admission ?? createAdmission(bounds, memory, () => deps.clock.nowMs()),
    () => tls,
  )
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => doors.take(socket))
  const port = await listening(server, deps.host, deps.port)
  const stopReviewing = deps.snapshots.onChange((snapshot) => sessions.review(snapshot))
  deps.log.info({ host: deps.host, port }, 'listening')
  return {
    port,
    sessions,
    replaceTls(material) {
      tls = tlsIdentity(material)
    },
    async close(drainMs) {
      stopReviewing()
      server.close()
      doors.closePreAuth()
      sessions.drain('the agent stops')
      await atMost(drainMs, sessions.empty())
      sessions.closeAll('the agent stops')
      await doors.empty()
      pool.close()
      catalogs.close()
    },
  }
}

interface Doors {
  take(socket: Socket): void
  closePreAuth(): void
  empty(): Promise<void>
}

/** Each has a deadline until it has logged in. */
function openDoors(
  bounds: ListenerBounds,
  deps: ListenerDeps,
  shared: Shared,
  admission: Admission,
  tls: () => TlsIdentity,
): Doors {
  const served = new Set<Promise<void>>()
  const preAuth = new Set<Socket>()
  return {
    take(socket) {
      socket.on('error', () => {})
      const address = socket.remoteAddress
      if (address === undefined) return void socket.destroy()
      const entered = admission.enter(address)
      if (typeof entered === 'string') return refuseConnection(socket, address, deps, entered)
      const gone = new AbortController()
      const deadline = setTimeout(() => socket.destroy(), bounds.preAuthMsMax)
      const authenticated = (): void => {
        clearTimeout(deadline)
        preAuth.delete(socket)
        entered.authenticated()
      }
      preAuth.add(socket)
      deps.metrics.connections.inc()
      socket.once('close', () => {
        authenticated()
        gone.abort(new Error('the client vanished'))
        deps.metrics.connections.dec()
      })
      const encrypt = encryptBy(socket, tls())
      const { messageMsMax, stalledMsMax } = bounds
      const connection = {
        socket,
        address,
        comesFrom: (sources: readonly string[]) => isFrom(sources, address),
        encrypt,
        tls: deps.clientTls ?? 'required',
        onAuthenticated: authenticated,
        onRefused: entered.refused,
        messageMsMax,
        stalledMsMax,
        signal: gone.signal,
      }
      const serving = serveConnection(connection, shared).finally(() => {
        entered.leave()
        served.delete(serving)
      })
      served.add(serving)
    },
    closePreAuth() {
      for (const socket of preAuth) socket.destroy()
    },
    async empty() {
      await Promise.all(served)
    },
  }
}

async function atMost(ms: number, done: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([done, late])
  clearTimeout(timer)
}
