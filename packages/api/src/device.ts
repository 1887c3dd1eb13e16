// The control plane's own device login (in the shape of RFC 8628): a CLI shows a code, a person confirms it in the console.
import { z } from 'zod'
import { CliLoginResponse } from './signin.ts'

/** Letters of a code that people read and type: no vowels, so no words; nothing that looks like another (RFC 8628, 6.1). */
export const userCodeLetters = 'BCDFGHJKLMNPQRSTVWXZ'
/** Letters of a code, without the hyphen in its middle. */
export const userCodeLength = 8

/** `wdjb mjht` as WDJBMJHT; null for what cannot be a code. */
export function readUserCode(text: string): string | null {
  const letters = text.toUpperCase().replace(/[\s-]/g, '')
  return new RegExp(`^[${userCodeLetters}]{${userCodeLength}}$`).test(letters) ? letters : null
}

/** POST /api/v1/auth/device. What the machine calls itself: shown to whoever confirms, believed by nobody. */
export const DeviceStartRequest = z.strictObject({ host: z.string().max(253) })
export const DeviceStartResponse = z.object({
  /** Of the CLI alone. */
  deviceCode: z.string(),
  /** For people. */
  userCode: z.string(),
  verificationUri: z.string(),
  verificationUriComplete: z.string(),
  expiresInSeconds: z.number().int().positive(),
  intervalSeconds: z.number().int().positive(),
})
export type DeviceStartResponse = z.infer<typeof DeviceStartResponse>

/** POST /api/v1/auth/device/poll. An answer that says to wait says how long. */
export const DevicePollRequest = z.strictObject({ deviceCode: z.string().min(1).max(100) })
export const DevicePollResponse = z.discriminatedUnion('state', [
  z.object({ state: z.literal('pending'), intervalSeconds: z.number().int().positive() }),
  z.object({ state: z.literal('confirmed'), provider: z.string(), login: CliLoginResponse }),
])
export type DevicePollResponse = z.infer<typeof DevicePollResponse>

/** POST /api/v1/auth/device/find: what a code asks for. */
export const DeviceFindRequest = z.strictObject({ userCode: z.string().min(1).max(40) })
export const DeviceLogin = z.object({
  id: z.string(),
  userCode: z.string(),
  /** As the machine calls itself. */
  host: z.string(),
  client: z.string(),
  /** From where the code was asked for, and whether the person who looks is at the same address. */
  address: z.string(),
  isSameAddress: z.boolean(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
})
export type DeviceLogin = z.infer<typeof DeviceLogin>

/** POST /api/v1/auth/device/:id/decide */
export const DeviceDecision = z.strictObject({ decision: z.enum(['confirm', 'refuse']) })
export const DeviceDecided = z.object({})
