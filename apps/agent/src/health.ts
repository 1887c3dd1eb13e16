// Metrics and health over HTTP, on loopback unless configured otherwise: nothing in it names a person or shows a statement.
import { createServer } from 'node:http'
import { SallyportError } from '@sallyport/base/errors'
import type { Log } from './session/log.ts'

export interface HealthDeps {
  readonly host: string
  readonly port: number
  readonly metrics: { readonly contentType: string; text(): Promise<string> }
  readonly log: Log
  /** Null when statements can be allowed, else why not. */
  readonly notReady: () => string | null
}

const requestMsMax = 10_000

/** `/metrics`, `/healthz` (the process lives), `/readyz` (there is a good snapshot). Throws PORT_TAKEN or NO_PERMISSION. */
export async function startHealth(deps: HealthDeps): Promise<{ port: number; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    answer(deps, request.url ?? '')
      .then(({ status, type, text }) => response.writeHead(status, { 'content-type': type }).end(text))
      .catch((err: unknown) => {
        deps.log.error({ err }, 'metrics-failed')
        response.writeHead(500).end()
      })
  })
  server.requestTimeout = requestMsMax
  const { host, port } = deps
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const isForbidden = 'code' in cause && cause.code === 'EACCES'
      const message = `cannot listen on "${host}:${port}" for metrics`
      const hint = 'set SALLYPORT_METRICS_PORT'
      reject(new SallyportError(isForbidden ? 'NO_PERMISSION' : 'PORT_TAKEN', message, { cause, hint }))
    })
    server.listen(port, host, resolve)
  })
  const bound = server.address()
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(deps: HealthDeps, path: string): Promise<{ status: number; type: string; text: string }> {
  const plain = (status: number, text: string) => ({ status, type: 'text/plain; charset=utf-8', text: `${text}\n` })
  switch (path) {
    case '/metrics':
      return { status: 200, type: deps.metrics.contentType, text: await deps.metrics.text() }
    case '/healthz':
      return plain(200, 'ok')
    case '/readyz': {
      const reason = deps.notReady()
      return reason === null ? plain(200, 'ok') : plain(503, reason)
    }
    default:
      return plain(404, 'not found')
  }
}
