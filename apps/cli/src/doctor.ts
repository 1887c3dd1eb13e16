// sallyport doctor: tests each step between this machine and a target, from the address to the agent's TLS, and says how
// to mend what fails. It sends no credential but the login's own, and that to the control plane alone.
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { MyTargets } from '@sallyport/api/resources'
import { Me } from '@sallyport/api/signin'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { z } from 'zod'
import { reasonOf, urlOf } from './api.ts'
import type { AddCommand, Session } from './app.ts'
import { escapeText } from './escape.ts'
import { controlPlaneUrl, isLoopback } from './settings.ts'
import { requestToken } from './token.ts'

/** One step of the way to an agent, in milliseconds. */
const probeMsMax = 10_000
/** Clocks that differ by more than this are worth a word, in milliseconds. */
const skewMsWarn = 5_000

export interface Check {
  readonly name: string
  readonly state: 'pass' | 'warn' | 'fail'
  readonly detail: string
  readonly fix?: string
}

export interface ProbeResult {
  readonly protocol: string
  readonly validTo: string
}
/**
 * TCP, for databases PostgreSQL's SSLRequest, and a TLS handshake that is verified in full. Throws what failed.
 */
export type Probe = (address: {
  readonly host: string
  readonly port: number
  readonly ca: string
  readonly protocol: 'postgres' | 'http'
}) => Promise<ProbeResult>

export const addDoctor: AddCommand = (parent, app) => {
  parent
    .command('doctor [target]')
    .description('test every step to the control plane and to the agents; say how to mend what fails')
    .addHelpText('after', '\nExamples:\n  sallyport doctor\n  sallyport doctor shop --json')
    .action((target: string | undefined) => app.run((session) => doctor(session, target)))
}

async function doctor(session: Session, target: string | undefined): Promise<void> {
  const checks: Check[] = []
  for await (const check of runChecks(session, target)) {
    checks.push(check)
    if (!session.out.json) session.out.raw(`${checkText(check)}\n`)
  }
  const isHealthy = checks.every((check) => check.state !== 'fail')
  if (!isHealthy) session.exit(7)
  session.out.result({ healthy: isHealthy, checks }, () => '')
}

function checkText(check: Check): string {
  const line = `${check.state}  ${check.name}: ${check.detail}`
  return check.fix === undefined ? escapeText(line) : `${escapeText(line)}\n      fix: ${escapeText(check.fix)}`
}

async function* runChecks(session: Session, target: string | undefined): AsyncGenerator<Check> {
  const address = attempt('address', () => controlPlaneUrl(session.world, session.url))
  yield address.check
  if (address.value === undefined) return
  const origin = address.value
  const answer = await attemptAsync('control plane', () => reach(session, origin))
  yield answer.check
  if (answer.value === undefined) return
  yield encryption(origin)
  yield clockCheck(answer.value, session.world.clock.nowMs())
  yield (await attemptAsync('store', () => ready(session))).check
  const login = await attemptAsync('login', async () => {
    const me = await session.api().call('me', Me)
    return { detail: `${me.display}, roles ${me.roles.join(', ')}, until ${me.expiresAt}`, value: me }
  })
  yield login.check
  if (login.value !== undefined) yield* targetChecks(session, target)
}

interface Attempt<T> {
  readonly check: Check
  readonly value: T | undefined
}

const failed = (name: string, thrown: unknown): Attempt<never> => {
  const error = thrown instanceof SallyportError ? thrown : undefined
  const fix = error?.hint ?? 'run it again with the operator of the control plane'
  const detail = error?.message ?? `cannot be tested${reasonOf(thrown)}`
  return { check: { name, state: 'fail', detail, fix }, value: undefined }
}

function attempt(name: string, run: () => string): Attempt<string> {
  try {
    const value = run()
    return { check: { name, state: 'pass', detail: value }, value }
  } catch (thrown) {
    return failed(name, thrown)
  }
}

async function attemptAsync<T>(name: string, run: () => Promise<{ detail: string; value: T }>): Promise<Attempt<T>> {
  try {
    const { detail, value } = await run()
    return { check: { name, state: 'pass', detail }, value }
  } catch (thrown) {
    return failed(name, thrown)
  }
}

/** The `Date` of any answer, for the clock. */
async function reach(session: Session, origin: string): Promise<{ detail: string; value: number | null }> {
  await session.publicApi().call('health', z.looseObject({ status: z.literal('ok') }))
  const response = await session.world.fetch(urlOf(origin, 'health', {}), { signal: AbortSignal.timeout(probeMsMax) })
  await response.body?.cancel()
  const date = Date.parse(response.headers.get('date') ?? '')
  return { detail: 'answers', value: Number.isNaN(date) ? null : date }
}

async function ready(session: Session): Promise<{ detail: string; value: true }> {
  await session.publicApi().call('ready', z.looseObject({ status: z.literal('ok') }))
  return { detail: 'ready', value: true }
}

function encryption(origin: string): Check {
  const url = new URL(origin)
  if (url.protocol === 'https:') return { name: 'tls', state: 'pass', detail: 'https, certificate verified' }
  const fix = 'fine for a demo; anything else needs https'
  return { name: 'tls', state: 'warn', detail: isLoopback(url) ? 'plain http on this machine' : 'plain http', fix }
}

/** Tokens live by clocks: past the leeway of the agents they are refused. */
export function clockCheck(serverMs: number | null, nowMs: number): Check {
  const name = 'clock'
  if (serverMs === null)
    return {
      name,
      state: 'warn',
      detail: 'the control plane does not say its time',
      fix: 'look for a proxy in between',
    }
  // HTTP dates are whole seconds.
  const skewMs = Math.max(0, Math.abs(nowMs - serverMs - 500) - 500)
  const detail = skewMs < 1_000 ? 'agrees' : `differs by ${Math.round(skewMs / 1_000)} s`
  const fix = 'set the clock of this machine by NTP'
  if (skewMs > limits.clockLeewaySeconds * 1_000) return { name, state: 'fail', detail, fix }
  return skewMs > skewMsWarn ? { name, state: 'warn', detail, fix } : { name, state: 'pass', detail }
}

async function* targetChecks(session: Session, wanted: string | undefined): AsyncGenerator<Check> {
  const listed = await attemptAsync('targets', async () => {
    const { items } = await session.api().call('myTargets', MyTargets)
    return { detail: items.map((item) => item.name).join(', ') || 'none is open to you', value: items }
  })
  const items = (listed.value ?? []).filter((item) => wanted === undefined || item.name === wanted)
  const fix = 'ask an administrator for a policy that names one of your groups'
  if (wanted !== undefined && listed.value !== undefined && items.length === 0) {
    yield { name: 'targets', state: 'fail', detail: `"${wanted}" is not open to you`, fix }
    return
  }
  yield items.length === 0 && listed.value !== undefined ? { ...listed.check, state: 'warn', fix } : listed.check
  for (const item of items) {
    const name = `agent of ${item.name}`
    if (item.connection === null)
      yield { name, state: 'fail', detail: 'no agent serves it yet', fix: 'sallyport agent join NAME' }
    else yield (await attemptAsync(name, () => probeTarget(session, item.name))).check
  }
}

async function probeTarget(session: Session, target: string): Promise<{ detail: string; value: true }> {
  const { connection } = await requestToken(session, target, undefined)
  const { host, port, ca, url } = connection
  try {
    const { protocol, validTo } = await session.world.probe({
      host,
      port,
      ca,
      protocol: url === null ? 'postgres' : 'http',
    })
    return { detail: `${host}:${port}, ${protocol}, certificate until ${validTo}`, value: true }
  } catch (cause) {
    throw new SallyportError('UPSTREAM_UNREACHABLE', `${host}:${port} cannot be used${reasonOf(cause)}`, {
      cause,
      hint: 'check that the agent runs, that its address is right and that no firewall is in between',
    })
  }
}

// PostgreSQL, "Message Formats", SSLRequest: length 8, code 80877103; the server answers one byte, S for yes.
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

async function requestTls(socket: Socket, address: string): Promise<void> {
  socket.write(sslRequest)
  const answer: unknown = await once(socket, 'data')
  if (!Buffer.isBuffer(answer) || answer.length !== 1 || answer[0] !== 0x53)
    throw new SallyportError('TLS_REQUIRED', `${address} does not speak TLS`)
}

/** The real probe. */
export const probeAgent: Probe = async ({ host, port, ca, protocol }) => {
  const signal = AbortSignal.timeout(probeMsMax)
  const socket = connectTcp({ host, port, signal })
  try {
    await once(socket, 'connect')
    if (protocol === 'postgres') await requestTls(socket, `${host}:${port}`)
    const secure = connectTls({ socket, ca, host, ...(isIP(host) === 0 ? { servername: host } : {}) })
    await once(secure, 'secureConnect')
    const result = { protocol: secure.getProtocol() ?? 'TLS', validTo: secure.getPeerCertificate().valid_to }
    secure.destroy()
    return result
  } finally {
    socket.destroy()
  }
}

/** The first value of an event; rejects with the error, or when the other side closes. */
const once = (socket: Socket, event: 'connect' | 'data' | 'secureConnect'): Promise<unknown> =>
  new Promise((resolve, reject) => {
    socket.once(event, resolve)
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('closed')))
  })

/** For a CancelRequest: nobody answers it. */
export function sendOnce(host: string, port: number, bytes: Uint8Array): void {
  const socket = connectTcp({ host, port, timeout: probeMsMax })
  for (const event of ['timeout', 'error']) socket.once(event, () => socket.destroy())
  socket.end(bytes)
}
