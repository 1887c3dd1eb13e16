// The console's own device login, in the shape of RFC 8628: a CLI gets two codes, a person who is signed in with a browser –
// by whatever provider – reads who asks and confirms, and the CLI gets a login that is good once and no longer than the one
// that confirmed it. Codes are kept as digests, for ten minutes.
import type { DeviceLogin, DeviceStartResponse } from '@sallyport/api/device'
import { readUserCode } from '@sallyport/api/device'
import { SallyportError } from '@sallyport/base/errors'
import { inRowTransaction } from '../agents/store.ts'
import { appendAction } from '../audit/store.ts'
import type { Deps } from '../deps.ts'
import { type Actor, actorKey } from '../http/actor.ts'
import {
  deviceLoginMsMax,
  deviceLoginsMax,
  hostOf,
  judgePoll,
  pollMs,
  shownUserCode,
  userCodeOf,
} from './device-rules.ts'
import {
  addDeviceLogin,
  decideDeviceLogin,
  findDeviceLogin,
  findOpenDeviceLogin,
  keepPoll,
  takeDeviceLogin,
} from './device-store.ts'
import { loginIdleMsMax } from './rules.ts'
import { hashToken, type LoginOrigin, openLogin } from './session.ts'
import { lockLoginWithPerson } from './store.ts'

/** Opens a login that waits for a person. */
export async function startDeviceLogin(
  deps: Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'config' | 'vault'>,
  host: string,
  from: LoginOrigin,
): Promise<DeviceStartResponse> {
  const nowMs = deps.clock.nowMs()
  const deviceCode = deps.randomBytes(32).toString('base64url')
  const userCode = freshUserCode(deps)
  const isAdded = await addDeviceLogin(
    deps.db,
    {
      id: deps.randomBytes(16).toString('hex'),
      deviceHash: hashToken(deviceCode),
      userHash: deps.vault.digest('device-user-code', userCode),
      host: hostOf(host),
      client: from.client ?? '',
      address: from.address ?? '',
      intervalMs: pollMs,
      createdAt: new Date(nowMs),
      expiresAt: new Date(nowMs + deviceLoginMsMax),
    },
    deviceLoginsMax,
  )
  if (!isAdded)
    throw new SallyportError('TOO_MANY_REQUESTS', 'too many logins wait to be confirmed', {
      hint: 'try again in some minutes',
    })
  const verificationUri = `${deps.config.publicUrl}/device`
  const shown = shownUserCode(userCode)
  return {
    deviceCode,
    userCode: shown,
    verificationUri,
    verificationUriComplete: `${verificationUri}?code=${shown}`,
    expiresInSeconds: deviceLoginMsMax / 1_000,
    intervalSeconds: pollMs / 1_000,
  }
}

function freshUserCode(deps: Pick<Deps, 'randomBytes'>): string {
  // Six bytes in 256 do not count: sixty-four that are not enough for eight letters never come.
  const code = userCodeOf(deps.randomBytes(64))
  if (code !== null) return code
  throw new SallyportError('INTERNAL', 'the random numbers are not random')
}

/** Throws LOGIN_REQUIRED: a login that a program holds must not make others. */
function checkBrowser(actor: Actor): void {
  if (actor.login.kind === 'browser') return
  throw new SallyportError('LOGIN_REQUIRED', 'a login is confirmed by a person, in the console', {
    hint: 'open the address that "sallyport login" printed in a browser',
  })
}

const gone = (message: string): SallyportError =>
  new SallyportError('NOT_FOUND', message, { hint: 'run "sallyport login" again' })

/** Who asks with this code. Throws NOT_FOUND for whatever is no open code. */
export async function findDevice(
  deps: Pick<Deps, 'db' | 'clock' | 'vault'>,
  actor: Actor,
  text: string,
  address: string,
): Promise<DeviceLogin> {
  checkBrowser(actor)
  const code = readUserCode(text)
  const now = new Date(deps.clock.nowMs())
  const hash = code === null ? null : deps.vault.digest('device-user-code', code)
  const found = hash === null ? null : await findOpenDeviceLogin(deps.db, hash, now)
  if (code === null || found === null) throw gone('no login waits with this code: it is good once, for ten minutes')
  return {
    id: found.id,
    userCode: shownUserCode(code),
    host: found.host,
    client: found.client,
    address: found.address,
    isSameAddress: found.address === address,
    createdAt: found.createdAt.toISOString(),
    expiresAt: found.expiresAt.toISOString(),
  }
}

/** Confirms or refuses a login, once, under the name of whoever does. Throws NOT_FOUND. */
export async function decideDevice(
  deps: Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'log'>,
  actor: Actor,
  id: string,
  decision: 'confirm' | 'refuse',
): Promise<void> {
  checkBrowser(actor)
  const at = new Date(deps.clock.nowMs())
  const state = decision === 'confirm' ? 'confirmed' : 'refused'
  await inRowTransaction(deps.db, async (tx) => {
    const login = await decideDeviceLogin(tx, id, { state, loginId: actor.login.id }, at)
    if (login === null) throw gone('this login was decided before, or took longer than ten minutes')
    await appendAction(tx, {
      id: deps.randomBytes(16).toString('hex'),
      at,
      actor: actorKey(actor),
      action: `${decision}-login`,
      object: `Person/${actorKey(actor)}`,
      detail: { host: login.host, address: login.address },
    })
  })
  deps.log.info({ event: 'device-login', decision, person: actor.personId })
}

const loginGone = (message: string): SallyportError =>
  new SallyportError('LOGIN_FAILED', message, { hint: 'run "sallyport login" again' })

/** What a CLI that asks is told: to wait, or its login. Throws LOGIN_FAILED when nothing can come of it any more. */
export async function pollDevice(
  deps: Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'vault' | 'log'>,
  deviceCode: string,
): Promise<
  | { readonly kind: 'wait'; readonly intervalSeconds: number }
  | { readonly kind: 'login'; readonly token: string; readonly expiresAt: Date; readonly provider: string }
> {
  const nowMs = deps.clock.nowMs()
  const found = await findDeviceLogin(deps.db, hashToken(deviceCode))
  if (found === null || found.expiresAt.getTime() <= nowMs)
    throw loginGone('the code was not confirmed within ten minutes, or was used before')
  const poll = judgePoll(found, nowMs)
  if (poll.kind === 'wait') {
    await keepPoll(deps.db, found.id, new Date(nowMs), poll.intervalMs)
    return { kind: 'wait', intervalSeconds: Math.ceil(poll.intervalMs / 1_000) }
  }
  if (!(await takeDeviceLogin(deps.db, found.id, poll.kind))) throw loginGone('the code was used before')
  if (poll.kind === 'refused') throw loginGone('the login was refused in the console')
  return await openConfirmed(deps, found)
}

/**
 * INVARIANT: who confirmed must still be signed in, and what comes of it ends with that login at the latest. Whoever ends that login
 * at this very moment waits, and finds what came of it (people/end.ts).
 */
async function openConfirmed(
  deps: Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'vault' | 'log'>,
  { loginId, address, client }: { readonly loginId: string | null; readonly address: string; readonly client: string },
) {
  const nowMs = deps.clock.nowMs()
  const opened = await inRowTransaction(deps.db, async (tx) => {
    const by = loginId === null ? null : await lockLoginWithPerson(tx, loginId)
    const isOver =
      by === null ||
      by.revokedAt !== null ||
      by.person.disabledAt !== null ||
      by.expiresAt.getTime() <= nowMs ||
      by.lastUsedAt.getTime() + loginIdleMsMax <= nowMs
    if (isOver) throw loginGone('the login that confirmed this one has ended meanwhile')
    const { provider, personId } = by
    const from = { provider, confirmedBy: by.id, address, client, endsAt: by.expiresAt }
    const { token, expiresAt } = await openLogin({ ...deps, db: tx }, personId, 'cli', from)
    return { token, expiresAt, provider, personId }
  })
  const { personId, ...login } = opened
  deps.log.info({ event: 'login', kind: 'cli', provider: login.provider, person: personId })
  return { kind: 'login' as const, ...login }
}
