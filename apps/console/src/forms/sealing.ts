// What a target's document says about a credential that is sealed for it: where it is shown, and which version comes next.
import { z } from 'zod'
import type { TargetView } from './documents.ts'

/** `host:port` of a database, or the address of an API. */
export const shownAt = ({ spec: { host, port, url } }: TargetView): string => (url === '' ? `${host}:${port}` : url)

const Sealed = z.object({ sealed: z.object({ version: z.number().int().positive() }) })

/** One more than the highest of its roles, so that an older text is no newer one. */
export function nextVersion({ spec: { roles } }: TargetView): number {
  const versions = roles.map(({ password }) => Sealed.safeParse(password).data?.sealed.version ?? 0)
  return Math.max(0, ...versions) + 1
}
