// Cookies of ours: for this site alone, out of reach of scripts.
import { type Config, isSecure } from '../config.ts'

/** Lax: the cookie comes along when the provider sends the browser back, and never with another site's POST. */
export const cookieOptions = (config: Config) => ({
  path: '/',
  httpOnly: true,
  secure: isSecure(config),
  sameSite: 'lax' as const,
})
