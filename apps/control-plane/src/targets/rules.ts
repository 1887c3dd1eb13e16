// How an agent's address is written, and which roles may be asked for. Pure.
import { SallyportError } from '@sallyport/base/errors'
import { isPostgresTarget, type TargetDocument } from '@sallyport/policy/document'

/** As `user` of a connection: the target's default role. */
export const defaultUser = 'sallyport'

/** None where the target knows no roles. */
export const roleNames = (target: TargetDocument): string[] =>
  isPostgresTarget(target) ? target.spec.roles.map((role) => role.name) : []

/** A role of the target; undefined stands for its default. Throws UPSTREAM_ROLE_FORBIDDEN. */
export function checkedRole(target: TargetDocument, role: string | undefined): string | undefined {
  if (role === undefined || role === defaultUser) return undefined
  const names = roleNames(target)
  if (names.includes(role)) return role
  const known = names.length === 0 ? 'it has none' : `it has ${names.map((name) => `"${name}"`).join(', ')}`
  throw new SallyportError('UPSTREAM_ROLE_FORBIDDEN', `"${target.metadata.name}" has no such role; ${known}`)
}

/** `host:port` or `[v6]:port` in its parts; null when it is neither. */
export function addressOf(advertise: string): { host: string; port: number } | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})$/.exec(advertise)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  return host === undefined || port < 1 || port > 65_535 ? null : { host, port }
}
