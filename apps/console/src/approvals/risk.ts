// What is dangerous about a request, from parsed facts alone. Pure. A high risk asks for a second press before it is
// approved; it never hides or decides anything.
import type { Approval, ApprovalItem } from '@sallyport/api/approvals'
import { count } from '../util/format.ts'
import { nounOf } from './words.ts'

export interface Flag {
  readonly kind:
    | 'unfiltered'
    | 'schema'
    | 'several'
    | 'production'
    | 'scan'
    | 'hidden'
    | 'lookalike'
    | 'claimed'
    | 'first'
    | 'everything'
    | 'long'
  /** Two or three words. */
  readonly word: string
  /** What it means, in a sentence. */
  readonly detail: string
  readonly isHigh: boolean
}

/** Rows from which on reading a whole table is worth a word. */
export const bigTableRows = 10_000

// Operations are DESIGN §4's closed list; verbs are the statement's own word and more of them exist.
const schemaWords = new Set([
  'create',
  'alter',
  'drop',
  'truncate',
  'grant',
  'revoke',
  'comment',
  'rename',
  'reindex',
  'cluster',
  'refresh',
  'vacuum',
  'admin',
])
const writeWords = new Set(['insert', 'update', 'delete', 'merge', 'copy', 'copy-file', 'call', 'do', 'lock'])
/** Methods of HTTP that ask for nothing to be changed (RFC 9110, 9.2.1); every other one may change something. */
const safeMethods = /^(?:http\.)?(?:get|head|options)$/
const method = /^(?:http\.[a-z]+|get|head|options|post|put|patch|delete)$/

export type Weight = 'schema' | 'write' | 'read'
/** How much an operation or verb can change. */
export function weightOf(word: string): Weight {
  const first = word.toLowerCase().split(' ')[0] ?? ''
  if (method.test(first)) return safeMethods.test(first) ? 'read' : 'write'
  if (schemaWords.has(first)) return 'schema'
  return writeWords.has(first) ? 'write' : 'read'
}

export const isProduction = (labels: Readonly<Record<string, string>>): boolean => /^prod/i.test(labels['env'] ?? '')

/** From the facts of the list. */
export function flagsOfItem(item: ApprovalItem): readonly Flag[] {
  const weights = item.verbs.map(weightOf)
  const flags: Flag[] = []
  const flag = (kind: Flag['kind'], isHigh: boolean, word: string, detail: string) =>
    flags.push({ kind, isHigh, word, detail })
  if (!item.filtered) flag('unfiltered', true, 'No WHERE', 'It changes every row of the table.')
  if (weights.includes('schema'))
    flag('schema', true, 'Changes schema', 'It changes definitions or empties whole tables.')
  if (item.statements > 1)
    flag('several', true, `${count(item.statements)} statements`, 'One approval runs all of them, in this order.')
  if (isProduction(item.targetLabels) && weights.some((weight) => weight !== 'read'))
    flag('production', true, 'Writes to production', `The target is labelled "${item.targetLabels['env']}".`)
  if ([item.initiator, ...item.actors].some((who) => who.assurance === 'claimed'))
    flag('claimed', false, 'Claimed identity', 'Somebody in the chain only said who they are; it was not proven.')
  return flags
}

/** From the whole request; `hidden` and `foreign` come from the statement's tally. */
export function flagsOf(
  approval: Approval,
  tally: { readonly hidden: number; readonly foreign: number },
): readonly Flag[] {
  const { estimate, history } = approval
  const operations = approval.statement?.parts.flatMap((part) => part.effects.map((effect) => effect.operation)) ?? []
  const flags = [...flagsOfItem({ ...approval, verbs: [...approval.verbs, ...operations] })]
  if (tally.hidden > 0)
    flags.push({
      kind: 'hidden',
      isHigh: true,
      word: tally.hidden === 1 ? '1 hidden character' : `${count(tally.hidden)} hidden characters`,
      detail: 'Characters that do not show are drawn as marks in the statement.',
    })
  if (tally.foreign > 0)
    flags.push({
      kind: 'lookalike',
      isHigh: false,
      word: 'Letters beyond ASCII',
      detail: 'Names or signs use letters that can look like others; they are marked in the statement.',
    })
  if (
    estimate.kind === 'rows' &&
    /\bseq(uential)? ?scan\b/i.test(estimate.scan) &&
    (estimate.ofRows ?? 0) >= bigTableRows
  )
    flags.push({
      kind: 'scan',
      isHigh: false,
      word: 'Reads the whole table',
      detail: `A sequential scan of about ${count(estimate.ofRows ?? 0)} rows.`,
    })
  if (history.firstTime)
    flags.push({
      kind: 'first',
      isHigh: false,
      word: 'First time',
      detail: `This caller has not sent this ${nounOf(approval)} in the last 30 days.`,
    })
  return flags
}

export const isHighRisk = (flags: readonly Flag[]): boolean => flags.some((flag) => flag.isHigh)
