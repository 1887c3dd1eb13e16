// What a caller is told about a statement that waits for a person: the notice, and the errors that end the wait. Names of
// people and their reasons come from outside and have been made printable before.
import { SallyportError } from '@sallyport/base/errors'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { HoldAnswer } from '../link/holds.ts'
import type { Judged } from './gate.ts'
import type { Terms } from './held.ts'
import { cut } from './recorded.ts'

/** A notice before the wait. */
export interface HoldNotice {
  readonly message: string
  /** Where the request is. */
  readonly hint: string
}

/** Characters of a reviewer's reason that the caller gets. */
const reasonCharsMax = 1_000
const dayMs = 86_400_000

export function holdNotice(
  all: readonly Judged[],
  terms: Terms,
  expiresAtMs: number,
  nowMs: number,
  url: string,
): HoldNotice {
  const held = all.filter(({ decision }) => decision.kind === 'hold')
  const [first] = held
  const others = all.length - 1
  const what = first === undefined ? 'the statement' : statementText(first.facts)
  const more = others > 0 ? ` and ${others} more ${others === 1 ? 'statement' : 'statements'}` : ''
  const needs = others > 0 ? 'need' : 'needs'
  const rule = `rule "${terms.rule.policy}/${terms.rule.rule}"`
  const until = momentText(expiresAtMs, nowMs)
  return {
    message: `held for approval: ${what}${more} ${needs} ${quorumText(terms)} (${rule}), expires ${until}`,
    hint: url,
  }
}

/** `DELETE on public.orders`; of several objects the first. */
function statementText(facts: StatementFacts): string {
  const verb = facts.verb.toUpperCase()
  const direct = facts.effects.filter(({ via, baseline }) => via === 'direct' && !baseline)
  const own = direct.find(({ operation }) => operation === facts.verb) ?? direct[0]
  return own === undefined ? verb : `${verb} on ${own.object}`
}

const quorumText = ({ approval }: Terms): string =>
  approval.reviewers.map(({ group, count }) => `${count} of group "${group}"`).join(' and ')

/** The time of day, with the date when it is not within a day. UTC. */
function momentText(atMs: number, nowMs: number): string {
  const text = new Date(atMs).toISOString()
  return `${atMs - nowMs < dayMs ? text.slice(11, 19) : text.slice(0, 19)}Z`
}

export const holdPending = (request: string, url: string): SallyportError =>
  new SallyportError('HOLD_PENDING', `the statement waits for approval: request ${request} at ${url}`, {
    hint: 'nothing ran; the same statement sent again attaches to the request, and runs once it is approved',
  })

export const holdExpired = (request: string, url: string): SallyportError =>
  new SallyportError(
    'HOLD_EXPIRED',
    `nobody approved the statement in time: request ${request} at ${url} has expired`,
    {
      hint: 'send the statement again to ask anew',
    },
  )

export function holdDenied({ decidedBy, reason }: HoldAnswer, url: string): SallyportError {
  const who = decidedBy.length === 0 ? 'a reviewer' : decidedBy.map((name) => `"${name}"`).join(' and ')
  const why = reason === '' ? 'no reason given' : cut(reason, reasonCharsMax)
  return new SallyportError('HOLD_DENIED', `denied by ${who}: ${why}`, { hint: `the request is at ${url}` })
}

export const holdCancelled = (): SallyportError =>
  new SallyportError('STATEMENT_CANCELLED', 'canceling statement due to user request', {
    hint: 'nothing ran; its request for approval stays open',
  })

/** The agent has no answer that it could believe, or no control plane to ask. */
export const holdUnavailable = (why: string, cause?: unknown): SallyportError =>
  new SallyportError('HOLD_UNAVAILABLE', `the statement needs approval, and ${why}`, {
    hint: 'nothing ran; send the statement again later',
    cause,
  })

/** Whoever runs the control plane cannot make up for them. */
export const holdUnsigned = (): SallyportError =>
  new SallyportError(
    'HOLD_UNSIGNED',
    "the statement needs approval, and its approval lacks signatures by keys of the agent's floor",
    {
      hint: 'nothing ran; reviewers sign with "sallyport approvals approve --key"',
    },
  )

export const holdTooLong = (bytes: number): SallyportError =>
  new SallyportError(
    'STATEMENT_TOO_LONG',
    `the statement needs approval, and is longer than ${bytes} bytes with all that a reviewer is shown`,
    {
      hint: 'send it in several parts, or with smaller values',
    },
  )

export const tokenExpired = (): SallyportError =>
  new SallyportError('TOKEN_EXPIRED', 'the token of this session has expired', {
    hint: 'connect again with a new token',
  })
