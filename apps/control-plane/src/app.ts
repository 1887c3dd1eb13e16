// The HTTP side of the control plane as one application: every plugin and every feature's routes, in order, by hand.
// Makes no connection and listens nowhere by itself; tests build the same application.
import type { Socket } from 'node:net'
import cookie from '@fastify/cookie'
import helmet from '@fastify/helmet'
import rateLimit from '@fastify/rate-limit'
import swagger from '@fastify/swagger'
import { SallyportError } from '@sallyport/base/errors'
import fastify, { LogController } from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import { agentsRoutes } from './agents/routes.ts'
import { approvalsRoutes } from './approvals/routes.ts'
import { auditRoutes } from './audit/routes.ts'
import { certificatesRoutes } from './certificates/routes.ts'
import { isSecure } from './config.ts'
import { consoleRoutes } from './console/routes.ts'
import type { Deps } from './deps.ts'
import { exchangeRoutes } from './exchange/routes.ts'
import { grantsRoutes } from './grants/routes.ts'
import { refuseConnection, registerErrors, sendFrameworkProblem } from './http/errors.ts'
import { healthRoutes } from './http/health.ts'
import { openapiOptions } from './http/openapi.ts'
import { registerPermit } from './http/permit.ts'
import type { App } from './http/route.ts'
import { liveRoutes } from './live/routes.ts'
import { webhooksRoutes } from './notifications/routes.ts'
import { overviewRoutes } from './overview/routes.ts'
import { peopleRoutes } from './people/routes.ts'
import { policyRoutes } from './policies/routes.ts'
import { quarantineRoutes } from './quarantine/routes.ts'
import { recordingsRoutes } from './recordings/routes.ts'
import { scansRoutes } from './scans/routes.ts'
import { scimRoutes } from './scim/routes.ts'
import { revocationsRoutes, serviceAccountsRoutes } from './service-accounts/routes.ts'
import { signinRoutes } from './signin/routes.ts'
import { sessionCookieName } from './signin/rules.ts'
import { targetRoutes } from './targets/routes.ts'
import { ticketsRoutes } from './tickets/routes.ts'

/** Bytes of a body, where a route does not say more. */
const bodyBytesMax = 65_536
/** Milliseconds for a whole request to arrive. */
const requestMsMax = 30_000

/** Builds the application. Throws when a route is not in the table of packages/api/src/routes.ts. */
export async function buildApp(deps: Deps): Promise<App> {
  const app: App = fastify({
    loggerInstance: deps.log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyBytesMax,
    requestTimeout: requestMsMax,
    trustProxy: [...deps.config.http.trustedProxies],
    // Ids are ours: one that a client sends could forge lines of the log.
    genReqId: () => deps.randomBytes(12).toString('hex'),
    requestIdHeader: false,
    frameworkErrors: sendFrameworkProblem,
    clientErrorHandler: refuseConnection,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 256 },
  }).withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  registerErrors(app)
  registerObservation(app, deps)
  registerStop(app)
  await registerPlugins(app, deps)
  registerPermit(app, deps)
  await app.register(swagger, openapiOptions(deps.config.publicUrl, sessionCookieName(deps.config)))
  healthRoutes(app, deps)
  signinRoutes(app, deps)
  peopleRoutes(app, deps)
  scimRoutes(app, deps)
  targetRoutes(app, deps)
  ticketsRoutes(app, deps)
  certificatesRoutes(app, deps)
  exchangeRoutes(app, deps)
  serviceAccountsRoutes(app, deps)
  revocationsRoutes(app, deps)
  policyRoutes(app, deps)
  scansRoutes(app, deps)
  quarantineRoutes(app, deps)
  agentsRoutes(app, deps)
  recordingsRoutes(app, deps)
  auditRoutes(app, deps)
  overviewRoutes(app, deps)
  webhooksRoutes(app, deps)
  await consoleRoutes(app, deps)
  approvalsRoutes(app, deps)
  grantsRoutes(app, deps)
  liveRoutes(app, deps)
  return app
}

async function registerPlugins(app: App, deps: Deps): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    strictTransportSecurity: isSecure(deps.config) ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
  })
  await app.register(cookie)
  await app.register(rateLimit, {
    global: false,
    errorResponseBuilder: () =>
      new SallyportError('TOO_MANY_REQUESTS', 'too many attempts from this address', { hint: 'wait a minute' }),
  })
}

/**
 * A server that stops lets requests finish and holds no connection beside them: not one on which an answer has just ended,
 * nor one that a browser opened ahead of a request and Node counts as busy until `headersTimeout`.
 */
function registerStop(app: App): void {
  const running = new Map<Socket, number>()
  let isStopping = false
  const count = (socket: Socket, by: 1 | -1): void => {
    const now = running.get(socket)
    if (now === undefined) return
    running.set(socket, now + by)
    // What was answered is on its way: the end of the connection follows it, whatever the client does.
    if (isStopping && now + by === 0) socket.destroySoon()
  }
  app.server.on('connection', (socket: Socket) => {
    // The server listens until all streams have been told that they are over.
    if (isStopping) return void socket.destroy()
    running.set(socket, 0)
    socket.once('close', () => running.delete(socket))
  })
  app.server.on('request', (request, response) => {
    count(request.socket, 1)
    response.once('close', () => count(request.socket, -1))
  })
  app.addHook('preClose', async () => {
    isStopping = true
    for (const [socket, requests] of running) if (requests === 0) socket.destroy()
  })
}

/** The id on every answer, nothing kept by caches unless a route says so, one line of log and one observation each. */
function registerObservation(app: App, deps: Deps): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    reply.header('cache-control', 'no-store')
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.config.name ?? 'none'
    const labels = { route, method: request.method, status: String(reply.statusCode) }
    deps.metrics.requestSeconds.observe(labels, reply.elapsedTime / 1_000)
    request.log.info({ event: 'request', route, status: reply.statusCode, ms: Math.round(reply.elapsedTime) })
  })
}
