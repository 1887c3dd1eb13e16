// HTTP of the console's own device login: the CLI that starts and asks, the person who looks and decides.
import {
  DeviceDecided,
  DeviceDecision,
  DeviceFindRequest,
  DeviceLogin,
  DevicePollRequest,
  DevicePollResponse,
  DeviceStartRequest,
  DeviceStartResponse,
} from '@sallyport/api/device'
import { assert } from '@sallyport/base/assert'
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { actorOf } from '../http/actor.ts'
import { type App, at, type RateLimit } from '../http/route.ts'
import { originOf } from './browser.ts'
import { decideDevice, findDevice, pollDevice, startDeviceLogin } from './device.ts'
import { pollMs } from './device-rules.ts'
import { meOf } from './me.ts'
import { findActor } from './session.ts'

const IdPath = z.object({ id: z.string().max(64) })

export function deviceRoutes(app: App, deps: Deps, rateLimit: RateLimit): void {
  // As many as the starts of one address can make, each at its pace.
  const polls = { ...rateLimit, max: rateLimit.max * Math.ceil(rateLimit.timeWindow / pollMs) }
  app.route({
    ...at('deviceStart', { rateLimit }),
    schema: { body: DeviceStartRequest, response: { 200: DeviceStartResponse } },
    handler: async (request) => await startDeviceLogin(deps, request.body.host, originOf(request)),
  })
  app.route({
    ...at('devicePoll', { rateLimit: polls }),
    schema: { body: DevicePollRequest, response: { 200: DevicePollResponse } },
    handler: async (request) => await poll(deps, request.body.deviceCode),
  })
  app.route({
    ...at('deviceFind', { rateLimit }),
    schema: { body: DeviceFindRequest, response: { 200: DeviceLogin } },
    handler: async (request) => await findDevice(deps, actorOf(request), request.body.userCode, request.ip),
  })
  app.route({
    ...at('deviceDecide', { rateLimit }),
    schema: { params: IdPath, body: DeviceDecision, response: { 200: DeviceDecided } },
    handler: async (request) => {
      await decideDevice(deps, actorOf(request), request.params.id, request.body.decision)
      return {}
    },
  })
}

async function poll(deps: Deps, deviceCode: string): Promise<DevicePollResponse> {
  const polled = await pollDevice(deps, deviceCode).catch((thrown: unknown) => {
    deps.metrics.logins.inc({ kind: 'cli', outcome: 'refused' })
    throw thrown
  })
  if (polled.kind === 'wait') return { state: 'pending', intervalSeconds: polled.intervalSeconds }
  deps.metrics.logins.inc({ kind: 'cli', outcome: 'ok' })
  const actor = await findActor(deps, 'cli', polled.token)
  assert(actor !== null, 'a login that was just opened is not found')
  const login = { accessToken: polled.token, expiresAt: polled.expiresAt.toISOString(), me: meOf(actor) }
  return { state: 'confirmed', provider: polled.provider, login }
}
