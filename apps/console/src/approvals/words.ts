// A request in a few words, for titles, lists and announcements. Pure.
import type { ApprovalItem } from '@sallyport/api/approvals'
import { count } from '../util/format.ts'

/** `Ana through refund-worker`. */
export function callerOf({ initiator, actors }: Pick<ApprovalItem, 'initiator' | 'actors'>): string {
  const [outermost] = actors
  return outermost === undefined ? initiator.display : `${initiator.display} through ${outermost.display}`
}

/** `Delete public.orders and 2 more`. */
export function titleOf(item: Pick<ApprovalItem, 'verbs' | 'objects' | 'objectsInAll'>): string {
  const verbs = [...new Set(item.verbs)].join(', ')
  const [object] = item.objects
  const more = item.objectsInAll > 1 ? ` and ${count(item.objectsInAll - 1)} more` : ''
  const words = `${verbs}${object === undefined ? '' : ` ${object}${more}`}`.trim()
  return words === '' ? 'Request' : words.charAt(0).toUpperCase() + words.slice(1)
}

/** Objects of HTTP are routes, and nothing else begins with a slash. */
export const isHttp = ({ objects }: Pick<ApprovalItem, 'objects'>): boolean => objects[0]?.startsWith('/') === true

/** What is held, in a word. */
export const nounOf = (item: Pick<ApprovalItem, 'objects'>): 'request' | 'statement' =>
  isHttp(item) ? 'request' : 'statement'

export const stateWords: Readonly<Record<ApprovalItem['state'], string>> = {
  pending: 'waiting',
  approved: 'approved',
  denied: 'denied',
  expired: 'expired',
  run: 'ran',
  cancelled: 'withdrawn',
}
