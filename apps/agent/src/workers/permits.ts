// Shares out, among the workers, the connections that a target and role may have: each worker opens as many as it holds permits
// for. A permit that comes free goes to whoever waits and has the fewest; a worker that waits and has less than its part gets one of
// who has more, as soon as it comes free there.
// INVARIANT: the permits of a group are never more than its bound.
import { limits } from '@sallyport/base/limits'
import type { After } from '../link/holds.ts'
import type { ShareNews } from '../postgres/pool-share.ts'

export interface Permits {
  /** A worker that has started; the result takes it out again, with all that it had. */
  enter(tell: (news: ShareNews) => void): PermitHolder
}

export interface PermitHolder {
  more(group: string, max: number): boolean
  give(group: string, count: number): void
  wait(group: string, caller: string, max: number): boolean
  waited(group: string, caller: string): void
  /** It is gone. */
  leave(): void
}

interface Holder {
  readonly tell: (news: ShareNews) => void
}

/** What one worker has of one group. */
interface Part {
  permits: number
  /** Sessions that wait there, by caller. */
  readonly callers: Map<string, number>
  /** Permits on their way to sessions that wait. */
  promised: number
  /** Permits that it was asked for. */
  owed: number
  /** It was told that others wait. */
  isTold: boolean
}

interface Group {
  max: number
  readonly parts: Map<Holder, Part>
  /** The next turn of who has nothing, where there are fewer connections than workers. */
  turn: (() => void) | null
}

/** A worker keeps its only connection for so long while others have none, in milliseconds. */
const turnMs = 50

const sumOf = (group: Group, of: (part: Part) => number): number => {
  let sum = 0
  for (const part of group.parts.values()) sum += of(part)
  return sum
}
const waitingOf = ({ callers }: Part): number => [...callers.values()].reduce((sum, count) => sum + count, 0)
const needOf = (part: Part): number => Math.max(0, waitingOf(part) - part.promised)
const permitsOf = (group: Group): number => sumOf(group, ({ permits }) => permits)

export function createPermits(after: After): Permits {
  const groups = new Map<string, Group>()

  const groupOf = (name: string, max: number): Group => {
    const known = groups.get(name)
    if (known !== undefined) {
      known.max = max
      return known
    }
    const made: Group = { max, parts: new Map(), turn: null }
    groups.set(name, made)
    return made
  }

  /** After each change: who waits gets what is free, then what others have too much of. */
  const settle = (name: string, group: Group): void => {
    for (const [holder, part] of group.parts)
      if (part.permits === 0 && part.callers.size === 0) {
        if (part.isTold) holder.tell({ kind: 'wanted', group: name, isWanted: false })
        group.parts.delete(holder)
      }
    for (let next = neediest(group); next !== null && permitsOf(group) < group.max; next = neediest(group)) {
      const [holder, part] = next
      part.permits += 1
      part.promised += 1
      toTheEnd(group, holder, part)
      holder.tell({ kind: 'granted', group: name })
    }
    tellWanted(name, group)
    // What nobody waits for any more is owed no more.
    if (sumOf(group, needOf) === 0) for (const [holder, part] of group.parts) owe(name, holder, part, 0)
    shift(name, group)
    if (!isStarved(group)) {
      group.turn?.()
      group.turn = null
    } else group.turn ??= after(turnMs, () => takeTurn(name, group))
    if (group.parts.size === 0) groups.delete(name)
  }
  const takeTurn = (name: string, group: Group): void => {
    group.turn = null
    const [holder, part] = [...group.parts].find(([, one]) => one.permits > one.owed) ?? []
    if (holder === undefined || part === undefined || !isStarved(group)) return
    owe(name, holder, part, part.owed + 1)
  }
  return {
    enter(tell) {
      const holder: Holder = { tell }
      return holderOf(holder, groups, groupOf, settle)
    },
  }
}

function holderOf(
  holder: Holder,
  groups: Map<string, Group>,
  groupOf: (name: string, max: number) => Group,
  settle: (name: string, group: Group) => void,
): PermitHolder {
  const partOf = (group: Group): Part => {
    const part = group.parts.get(holder) ?? { permits: 0, callers: new Map(), promised: 0, owed: 0, isTold: false }
    group.parts.set(holder, part)
    return part
  }
  const count = ({ callers }: Part, caller: string, by: 1 | -1): void => {
    const now = (callers.get(caller) ?? 0) + by
    if (now > 0) callers.set(caller, now)
    else callers.delete(caller)
  }
  return {
    more(name, max) {
      const group = groupOf(name, max)
      const isFree = permitsOf(group) < max
      if (isFree) partOf(group).permits += 1
      settle(name, group)
      return isFree
    },
    give(name, amount) {
      const group = groups.get(name)
      const part = group?.parts.get(holder)
      if (group === undefined || part === undefined) return
      part.permits = Math.max(0, part.permits - amount)
      owe(name, holder, part, Math.max(0, part.owed - amount))
      toTheEnd(group, holder, part)
      settle(name, group)
      // One at a time: it may have more to give.
      if (part.isTold && part.permits > 0) holder.tell({ kind: 'wanted', group: name, isWanted: true })
    },
    wait(name, caller, max) {
      const group = groupOf(name, max)
      const isFull =
        sumOf(group, waitingOf) >= limits.poolWaitingMax ||
        sumOf(group, ({ callers }) => callers.get(caller) ?? 0) >= limits.poolWaitingPerCallerMax
      if (!isFull) count(partOf(group), caller, 1)
      settle(name, group)
      return !isFull
    },
    waited(name, caller) {
      const group = groups.get(name)
      const part = group?.parts.get(holder)
      if (group === undefined || part === undefined) return
      part.promised = Math.max(0, part.promised - 1)
      count(part, caller, -1)
      settle(name, group)
    },
    leave() {
      for (const [name, group] of groups) {
        if (group.parts.delete(holder)) settle(name, group)
      }
    },
  }
}

/** Says how much that is now: what was said before, and may be on its way, counts no more. */
function owe(name: string, holder: Holder, part: Part, count: number): void {
  if (count === part.owed) return
  part.owed = count
  holder.tell({ kind: 'owed', group: name, count })
}

/** Among equals it comes last. */
function toTheEnd({ parts }: Group, holder: Holder, part: Part): void {
  parts.delete(holder)
  parts.set(holder, part)
}

/** Who waits and has the fewest. */
function neediest(group: Group): readonly [Holder, Part] | null {
  let found: readonly [Holder, Part] | null = null
  for (const one of group.parts)
    if (needOf(one[1]) > 0 && (found === null || one[1].permits < found[1].permits)) found = one
  return found
}

function tellWanted(name: string, group: Group): void {
  for (const [holder, part] of group.parts) {
    const isWanted = sumOf(group, needOf) - needOf(part) > 0
    if (isWanted === part.isTold || (isWanted && part.permits === 0)) continue
    part.isTold = isWanted
    holder.tell({ kind: 'wanted', group: name, isWanted })
  }
}

/** What is everybody's part, while all of them want more. */
const fairOf = (group: Group): number => Math.max(1, Math.floor(group.max / group.parts.size))

/** Asks who has more than their part for what those lack who have less. */
function shift(name: string, group: Group): void {
  const fair = fairOf(group)
  let lacking = sumOf(group, (part) => Math.min(needOf(part), Math.max(0, fair - part.permits)))
  lacking -= sumOf(group, ({ owed }) => owed)
  for (const [holder, part] of group.parts)
    for (; lacking > 0 && part.permits - part.owed > fair; lacking -= 1) {
      owe(name, holder, part, part.owed + 1)
    }
}

/** Somebody has nothing and waits, nobody has more than their part, and nothing is on its way. */
const isStarved = (group: Group): boolean =>
  [...group.parts.values()].some((part) => part.permits === 0 && needOf(part) > 0) &&
  sumOf(group, ({ owed }) => owed) === 0
