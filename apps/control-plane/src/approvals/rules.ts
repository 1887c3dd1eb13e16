// Who may read, decide and withdraw a held request, and when its quorum is reached. Pure: people, groups and time come in.
// Four eyes and quorum count people by (issuer, subject), never by login, name or address (THREATS ).
import type { ApprovalState } from '@sallyport/api/approvals'
import type { SallyportErrorCode } from '@sallyport/base/errors'
import { principalKey } from '@sallyport/base/identity'
import type { RoleName } from '@sallyport/policy/document'

/** A signed-in person with the groups and roles of this moment. */
export interface Reader {
  readonly personId: string
  readonly issuer: string
  readonly subject: string
  readonly groups: readonly string[]
  readonly roles: readonly RoleName[]
}

export interface QuorumEntry {
  readonly group: string
  readonly count: number
}

interface Named {
  readonly issuer: string
  readonly subject: string
}

/** What the rules need of a request. */
export interface RuledRequest {
  readonly state: ApprovalState
  readonly expiresAt: Date
  readonly quorum: readonly QuorumEntry[]
  readonly initiator: Named & { readonly assurance: 'verified' | 'claimed' }
  readonly actors: readonly Named[]
}

export interface GivenVerdict {
  readonly personId: string
  readonly personKey: string
  readonly personName: string
  /** Groups of the person when they decided. */
  readonly groups: readonly string[]
  readonly verdict: 'approved' | 'denied'
  readonly reason: string
  readonly at: Date
  /** The key that has signed it, where the agent's floor wants that. */
  readonly signerKey: string | null
  readonly signature: string | null
}

export type Permission =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: SallyportErrorCode; readonly why: string }

const refused = (code: SallyportErrorCode, why: string): Permission => ({ ok: false, code, why })

const isSame = (left: Named, right: Named): boolean => principalKey(left) === principalKey(right)

/** Two entries for one group ask for that many people together. */
export function mergedQuorum(quorum: readonly QuorumEntry[]): QuorumEntry[] {
  const counts = new Map<string, number>()
  for (const { group, count } of quorum) counts.set(group, (counts.get(group) ?? 0) + count)
  return [...counts].map(([group, count]) => ({ group, count }))
}

/** Of a claimed initiator nobody is: whoever writes a comment would give away what is in the request. */
const isInitiator = (person: Named, { initiator }: Pick<RuledRequest, 'initiator'>): boolean =>
  initiator.assurance === 'verified' && isSame(person, initiator)

const isInQuorum = (request: Pick<RuledRequest, 'quorum'>, groups: readonly string[]): boolean =>
  request.quorum.some(({ group }) => groups.includes(group))

/** Whether the request exists at all for this person (THREATS ). */
export function mayRead(reader: Reader, request: RuledRequest): boolean {
  if (reader.roles.includes('admin') || reader.roles.includes('auditor')) return true
  if (reader.roles.includes('reviewer') && isInQuorum(request, reader.groups)) return true
  return isInitiator(reader, request)
}

const groupsText = (quorum: readonly QuorumEntry[]): string =>
  mergedQuorum(quorum)
    .map(({ group }) => `"${group}"`)
    .join(' or ')

/** The right to decide, without regard to what others decided: role, group and four eyes. */
export function hasRight(person: Reader, request: RuledRequest): Permission {
  const forbidden = (why: string) => refused('VERDICT_FORBIDDEN', why)
  if (isSame(person, request.initiator)) return forbidden('you asked for this yourself; somebody else decides')
  if (request.actors.some((actor) => isSame(person, actor)))
    return forbidden('the request came through you; somebody else decides')
  if (!person.roles.includes('reviewer')) return forbidden('this needs the role "reviewer"')
  if (!isInQuorum(request, person.groups)) return forbidden(`members of ${groupsText(request.quorum)} decide this`)
  return { ok: true }
}

/** May this person decide now? */
export function mayDecide(
  person: Reader,
  request: RuledRequest,
  verdicts: readonly GivenVerdict[],
  nowMs: number,
): Permission {
  const right = hasRight(person, request)
  if (!right.ok) return right
  const over = settledText(request, verdicts, nowMs)
  if (over !== null) return refused('CONFLICT', over)
  const own = verdicts.find((given) => given.personId === person.personId)
  return own === undefined ? right : refused('CONFLICT', `you have ${own.verdict} this already`)
}

/** Only the initiator, and only while nobody has decided. */
export function mayCancel(person: Reader, request: RuledRequest, nowMs: number): boolean {
  return isInitiator(person, request) && request.state === 'pending' && request.expiresAt.getTime() > nowMs
}

/** Why nothing can be decided any more; null while it is pending. */
export function settledText(
  request: Pick<RuledRequest, 'state' | 'expiresAt'>,
  verdicts: readonly GivenVerdict[],
  nowMs: number,
): string | null {
  const by = (verdict: GivenVerdict['verdict']): string => {
    const names = verdicts.filter((given) => given.verdict === verdict).map((given) => `"${given.personName}"`)
    return names.length === 0 ? '' : ` by ${names.join(', ')}`
  }
  switch (request.state) {
    case 'pending':
      return request.expiresAt.getTime() > nowMs ? null : 'this request has expired'
    case 'approved':
      return `this request is approved${by('approved')}`
    case 'run':
      return `this request was approved${by('approved')} and has run`
    case 'denied':
      return `this request was denied${by('denied')}`
    case 'expired':
      return 'this request has expired'
    case 'cancelled':
      return 'this request was withdrawn'
  }
}

/** A reason as it is stored: PostgreSQL's text holds no NUL, and no half of a surrogate pair. */
export const storedReason = (given: string): string =>
  new TextDecoder().decode(new TextEncoder().encode(given.replaceAll('\0', ''))).trim()

export interface QuorumProgress extends QuorumEntry {
  readonly approvedBy: readonly GivenVerdict[]
}

/** Who counts for which group. One person counts once in an entry, however many verdicts or logins they have. */
export function progressOf(
  quorum: readonly QuorumEntry[],
  verdicts: readonly GivenVerdict[],
): readonly QuorumProgress[] {
  const approvals = verdicts.filter((given) => given.verdict === 'approved')
  return mergedQuorum(quorum).map((entry) => {
    const people = new Map<string, GivenVerdict>()
    for (const given of approvals)
      if (given.groups.includes(entry.group) && !people.has(given.personKey)) people.set(given.personKey, given)
    return { ...entry, approvedBy: [...people.values()] }
  })
}

/** One denial denies; an empty quorum is never reached. */
export function outcomeOf(
  quorum: readonly QuorumEntry[],
  verdicts: readonly GivenVerdict[],
  signaturesWanted = 0,
): 'pending' | 'approved' | 'denied' {
  if (verdicts.some((given) => given.verdict === 'denied')) return 'denied'
  const progress = progressOf(quorum, verdicts)
  const isReached = progress.length > 0 && progress.every((entry) => entry.approvedBy.length >= entry.count)
  return isReached && signedBy(verdicts).size >= signaturesWanted ? 'approved' : 'pending'
}

/** Keys that have signed an approval. */
export const signedBy = (verdicts: readonly GivenVerdict[]): ReadonlySet<string> =>
  new Set(
    verdicts.flatMap(({ verdict, signerKey }) => (verdict === 'approved' && signerKey !== null ? [signerKey] : [])),
  )
