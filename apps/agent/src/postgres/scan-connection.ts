// Where a scan connects: the target as the current snapshot has it, as its default role, with the credential read anew.
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { isPostgresTarget } from '@sallyport/policy/document'
import type { Snapshots } from '../link/current.ts'
import type { Scan } from '../link/scans.ts'
import { type CredentialSources, resolveLogin } from '../secrets/broker.ts'
import { scanTarget } from './scan.ts'
import { connectUpstream } from './upstream.ts'

export interface ScanConnectionDeps {
  readonly snapshots: Snapshots
  readonly clock: Clock
  readonly environment: CredentialSources
  /** Cryptographically strong. */
  readonly random: (bytes: number) => Uint8Array
}

export function openScan({ snapshots, clock, environment, random }: ScanConnectionDeps): Scan {
  return async ({ target: name, rows }, stopped) => {
    const { host, port, tls, roles, database } = targetOf(snapshots, name)
    const [role] = roles
    if (role === undefined) throw new SallyportError('CREDENTIAL_UNAVAILABLE', `target "${name}" has no role`)
    const connect: Parameters<typeof scanTarget>[0]['connect'] = async (parameters, signal) => {
      const bound = { target: name, address: `${host}:${port}`, user: role.name }
      const { user, password } = await resolveLogin(role.password, environment, bound)
      return await connectUpstream({ host, port, tls, user, password, database, parameters, signal, random })
    }
    return await scanTarget({ target: name, role: role.name, clock, connect }, rows, stopped)
  }
}

function targetOf(snapshots: Snapshots, name: string) {
  const target = snapshots.current().targets.get(name)
  if (target === undefined) throw new SallyportError('TARGET_UNKNOWN', `this agent does not serve "${name}"`)
  const { document } = target
  if (isPostgresTarget(document)) return document.spec
  throw new SallyportError('FEATURE_UNSUPPORTED', `"${name}" is no database; only databases are scanned`)
}
