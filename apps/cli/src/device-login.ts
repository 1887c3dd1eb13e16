// A login that a person confirms in the console (RFC 8628 in shape): shows address and code, asks at the pace that the
// control plane names until it has the login, and stops when nothing can come of it any more.
import { DevicePollResponse, DeviceStartResponse } from '@sallyport/api/device'
import { SallyportError } from '@sallyport/base/errors'
import type { Session } from './app.ts'
import { escapeText } from './escape.ts'

export type Confirmed = Extract<DevicePollResponse, { state: 'confirmed' }>

export async function loginInConsole(session: Session): Promise<Confirmed> {
  const { world, out } = session
  const api = session.publicApi()
  const started = await api.call('deviceStart', DeviceStartResponse, { body: { host: world.hostname } })
  const untilMs = world.clock.nowMs() + started.expiresInSeconds * 1_000
  out.message(`open  ${escapeText(started.verificationUriComplete)}\ncode  ${escapeText(started.userCode)}`)
  out.message('sign in there, compare the code, and confirm; waiting until you have, Ctrl-C stops')
  let intervalMs = started.intervalSeconds * 1_000
  while (world.clock.nowMs() < untilMs) {
    await world.pause(intervalMs, world.interrupted)
    const answer = await ask(session, started.deviceCode)
    if (answer?.state === 'confirmed') return answer
    if (answer !== null) intervalMs = answer.intervalSeconds * 1_000
  }
  throw new SallyportError('LOGIN_FAILED', 'the code was not confirmed in time', { hint: 'run: sallyport login' })
}

/** Null when there was no answer this time: a network that is away for a moment ends nothing (RFC 8628, 3.5). */
async function ask(session: Session, deviceCode: string): Promise<DevicePollResponse | null> {
  try {
    return await session.publicApi().call('devicePoll', DevicePollResponse, { body: { deviceCode } })
  } catch (thrown) {
    const isAway =
      thrown instanceof SallyportError &&
      (thrown.code === 'CONTROL_PLANE_UNREACHABLE' || thrown.code === 'TOO_MANY_REQUESTS')
    if (!isAway || session.world.interrupted.aborted) throw thrown
    return null
  }
}
