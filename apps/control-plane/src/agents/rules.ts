// What may be asked for when an agent joins or renews: pure checks of names, addresses and tokens (THREATS ).
import { SallyportError } from '@sallyport/base/errors'
import { isResourceName } from '@sallyport/base/ids'

/** Names in one listener's certificate. */
export const serverNamesMax = 20
/** A certificate request, in characters of PEM; one for P-256 has about 600. */
export const csrCharsMax = 8_192
/** An agent that was not heard of for longer counts as offline, in milliseconds: three heartbeats. */
export const onlineMs = 30_000

const dnsLabel = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const dnsName = new RegExp(`^(?=.{1,253}$)${dnsLabel}(?:\\.${dnsLabel})*$`)
/** RFC 1123: the last label of a host name is never all digits, so that it cannot be taken for an address. */
const endsInDigits = /(?:^|\.)[0-9]+$/
const ipv4 = /^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}$/

export type CertificateName = { readonly type: 'dns' | 'ip'; readonly value: string }

/** A DNS name or an IP address as it stands in a certificate, or undefined. Wildcards are refused. */
export function certificateName(text: string): CertificateName | undefined {
  const name = text.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  if (ipv4.test(name)) return { type: 'ip', value: name }
  if (name.includes(':')) {
    const value = ipv6Of(name)
    return value === undefined ? undefined : { type: 'ip', value }
  }
  if (dnsName.test(name) && !endsInDigits.test(name)) return { type: 'dns', value: name }
  return undefined
}

/** Canonical text of an IPv6 address. The URL parser knows every spelling of RFC 4291 and refuses zones. */
function ipv6Of(text: string): string | undefined {
  if (!/^[0-9a-f:.]{2,45}$/.test(text)) return undefined
  const url = `http://[${text}]/`
  return URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : undefined
}

/** The host of `host:port`, without brackets, or undefined when it is none. */
export function hostOf(address: string): string | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]{1,253})):[0-9]{1,5}$/.exec(address)
  return match?.[1] ?? match?.[2]
}

/** By which names an agent goes. */
export interface NamedAgent {
  readonly id: string
  /** In its listener's certificate; empty where a release before this one made it. */
  readonly serverNames: readonly string[]
  readonly advertise: string
  readonly advertiseHttp: string
}

/**
 * Names that this agent cannot have: those of the control plane and of other agents' certificates. Where an agent says that it is
 * reached takes no name from anybody, and counts only while no certificate of it is known. What an agent has it keeps.
 */
export function takenNames(
  agents: readonly NamedAgent[],
  agentId: string,
  ownNames: readonly string[],
): ReadonlySet<string> {
  const self = agents.find(({ id }) => id === agentId)
  // Enrolled by a release that looked at where others are reached and at nothing else: it keeps what it got by that.
  const isFormer = self?.serverNames.length === 0
  const others = agents.filter(({ id }) => id !== agentId)
  const taken = new Set(others.flatMap((other) => (isFormer ? hostsOf([other.advertise]) : namesOf(other))))
  for (const name of self?.serverNames ?? []) taken.delete(name)
  for (const name of ownNames) taken.add(name.toLowerCase())
  return taken
}

const hostsOf = (addresses: readonly string[]): string[] =>
  addresses.flatMap((address) => certificateName(hostOf(address) ?? '')?.value ?? [])

const namesOf = ({ serverNames, advertise, advertiseHttp }: NamedAgent): readonly string[] =>
  serverNames.length > 0 ? serverNames : hostsOf([advertise, advertiseHttp])

const loopback = new Set(['localhost', '127.0.0.1', '::1'])

/**
 * Names of a listener's certificate. Every agent's callers trust our authority for the name that they dial, so no agent
 * gets a name that the control plane or another agent goes by. Loopback names prove nothing and are free for all.
 */
export function checkServerNames(names: readonly string[], taken: ReadonlySet<string>): CertificateName[] {
  if (names.length === 0 || names.length > serverNamesMax)
    throw new SallyportError('REQUEST_INVALID', `a listener needs 1 to ${serverNamesMax} server names`)
  const checked = new Map<string, CertificateName>()
  for (const text of names) {
    const name = certificateName(text)
    if (name === undefined)
      throw new SallyportError('REQUEST_INVALID', 'a server name is neither a DNS name nor an IP address', {
        hint: 'wildcards are not possible; name every host',
      })
    if (taken.has(name.value) && !loopback.has(name.value))
      throw new SallyportError('CONFLICT', `the server name "${name.value}" belongs to somebody else`)
    checked.set(name.value, name)
  }
  return [...checked.values()]
}

export function checkAgentName(name: string): void {
  if (!isResourceName(name))
    throw new SallyportError('REQUEST_INVALID', 'an agent name has lowercase letters, digits and hyphens, at most 63')
}

export function checkAdvertise(advertise: string): void {
  const port = Number(/:([0-9]{1,5})$/.exec(advertise)?.[1] ?? 0)
  if (hostOf(advertise) === undefined || port < 1 || port > 65_535)
    throw new SallyportError('REQUEST_INVALID', 'the advertised address is no "host:port"')
}

/** Of the agent's software, as it is shown to people. */
export const checkedVersion = (version: string): string =>
  /^[0-9A-Za-z.+-]{1,64}$/.test(version) ? version : 'unknown'

export type AgentState = 'online' | 'offline' | 'revoked'

export function stateOf(
  agent: { readonly revokedAt: Date | null; readonly lastSeenAt: Date | null },
  nowMs: number,
): AgentState {
  if (agent.revokedAt !== null) return 'revoked'
  return agent.lastSeenAt !== null && agent.lastSeenAt.getTime() + onlineMs > nowMs ? 'online' : 'offline'
}

/** The row of a revoked agent gives its name back: names are unique, and a host that is set up anew keeps its own. */
export const retiredName = (name: string, id: string): string => `${name}~${id}`
export const shownName = (name: string): string => name.replace(/~[0-9a-f]{32}$/, '')
