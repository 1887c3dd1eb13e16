// Identical requests as one row: the same statement by the same caller at the same target. Pure; order is kept.
import type { ApprovalItem } from '@sallyport/api/approvals'

export interface Group {
  /** The one to decide first: a caller that waits in its connection before one that does not, then the oldest. */
  readonly first: ApprovalItem
  readonly items: readonly ApprovalItem[]
}

const whoKey = ({ issuer, subject, assurance }: ApprovalItem['initiator']): readonly string[] => [
  issuer,
  subject,
  assurance,
]

/** Requests with the same key ask for the same thing. The state is part of it: what is decided is not what waits. */
export const groupKey = (item: ApprovalItem): string =>
  JSON.stringify([
    item.state,
    item.target,
    item.fingerprint,
    item.mine,
    whoKey(item.initiator),
    ...item.actors.map(whoKey),
  ])

const urgency = (item: ApprovalItem): number => (item.waiting > 0 ? 0 : 1)

export function groupsOf(items: readonly ApprovalItem[]): readonly Group[] {
  const groups = new Map<string, ApprovalItem[]>()
  for (const item of items) {
    const key = groupKey(item)
    const members = groups.get(key)
    if (members === undefined) groups.set(key, [item])
    else members.push(item)
  }
  return [...groups.values()].flatMap((members) => {
    const [first] = members.toSorted((a, b) => urgency(a) - urgency(b) || a.createdAt.localeCompare(b.createdAt))
    return first === undefined ? [] : [{ first, items: members }]
  })
}

/** The id after (`by` 1) or before (-1) the open one; the first when none is open or it has left the list. */
export function neighbour(ids: readonly string[], open: string | undefined, by: 1 | -1): string | undefined {
  const at = open === undefined ? -1 : ids.indexOf(open)
  if (at === -1) return ids[0]
  return ids[Math.min(ids.length - 1, Math.max(0, at + by))]
}
