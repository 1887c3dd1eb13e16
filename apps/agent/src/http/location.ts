// Where a redirect leads: to the gateway when it stays at the target, unchanged when it leaves it (THREATS ). Nobody
// follows it here.
import type { HttpTargetDocument } from '@sallyport/policy/document'
import { isFieldValue } from '@sallyport/wire/http/fields'

/** Null where there is none, or one that would show an address behind the gateway that no request reaches. */
export function locationOf(location: string | undefined, { metadata, spec }: HttpTargetDocument): string | null {
  if (location === undefined || !isFieldValue(location)) return null
  const base = new URL(spec.url)
  const prefix = base.pathname.replace(/\/$/, '')
  // Relative to a directory: it stays below the path that was asked for.
  if (!/^([a-z][a-z0-9+.-]*:|\/)/i.test(location)) return /^[^\\]*$/.test(location) ? location : null
  if (!URL.canParse(location, spec.url)) return null
  const url = new URL(location, base)
  if (url.origin !== base.origin) return url.username === '' && url.password === '' ? url.href : null
  if (url.pathname !== prefix && !url.pathname.startsWith(`${prefix}/`)) return null
  return `/${metadata.name}${url.pathname.slice(prefix.length)}${url.search}${url.hash}`
}
