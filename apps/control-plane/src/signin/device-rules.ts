// Codes of the console's own device login, how long they are good, and how often one may ask. Pure.
import { userCodeLength, userCodeLetters } from '@sallyport/api/device'

/** From the start of a login to its end at the CLI. */
export const deviceLoginMsMax = 600_000
/** How often a CLI asks. */
export const pollMs = 5_000
/** Who asks sooner waits longer from then on (RFC 8628, 3.5), up to a minute. */
export const slowDownMs = 5_000
export const pollMsMax = 60_000
/** Clocks and networks: an answer that took long must not make the next question come too early. */
export const pollLeewayMs = 1_000
/** Codes that are open at once. With 20^8 codes, a guess meets one with a chance of 1 to 2.5 million at most. */
export const deviceLoginsMax = 10_000
/** Characters of what a machine calls itself. */
export const hostCharsMax = 63

/** A code for people, from random bytes; null when they do not suffice (each byte counts only below a multiple of 20). */
export function userCodeOf(bytes: Uint8Array): string | null {
  const count = userCodeLetters.length
  const fair = [...bytes].filter((byte) => byte < 256 - (256 % count)).slice(0, userCodeLength)
  if (fair.length < userCodeLength) return null
  return fair.map((byte) => userCodeLetters[byte % count]).join('')
}

/** As it is shown and typed: WDJB-MJHT. */
export const shownUserCode = (code: string): string => `${code.slice(0, 4)}-${code.slice(4)}`

/** A name of a machine to show, never a key: what is no part of such a name is taken out. */
export function hostOf(text: string): string {
  const clean = text.replace(/[^A-Za-z0-9._-]/g, '').slice(0, hostCharsMax)
  return clean === '' ? 'unnamed' : clean
}

/** What a poll is answered with, and what the next one is held against. */
export type Poll =
  | { readonly kind: 'wait'; readonly intervalMs: number }
  | { readonly kind: 'confirmed' | 'refused'; readonly intervalMs: number }

export function judgePoll(
  login: { readonly state: string; readonly intervalMs: number; readonly lastPolledAt: Date | null },
  nowMs: number,
): Poll {
  const since = login.lastPolledAt === null ? Number.POSITIVE_INFINITY : nowMs - login.lastPolledAt.getTime()
  if (since + pollLeewayMs < login.intervalMs)
    return { kind: 'wait', intervalMs: Math.min(login.intervalMs + slowDownMs, pollMsMax) }
  if (login.state === 'confirmed' || login.state === 'refused')
    return { kind: login.state, intervalMs: login.intervalMs }
  return { kind: 'wait', intervalMs: login.intervalMs }
}
