// Rules and masks as sentences that a person can check without knowing the language. Pure; pieces, so that the page sets
// names and conditions apart without putting markup together.
import { duringText } from '../util/format.ts'
import type { MaskView, RuleView } from './documents.ts'

export interface Piece {
  readonly kind: 'text' | 'name' | 'code'
  readonly text: string
}

const word = (text: string): Piece => ({ kind: 'text', text })
const named = (text: string): Piece => ({ kind: 'name', text })
const code = (text: string): Piece => ({ kind: 'code', text })

/** `a`, `a and b`, `a, b and c`. */
function listed(items: readonly Piece[], last: 'and' | 'or'): Piece[] {
  return items.flatMap((item, index) => {
    if (index === 0) return [item]
    return [word(index === items.length - 1 ? ` ${last} ` : ', '), item]
  })
}

/** The sentence as plain text, for search, tests and assistive technology. */
export const plainText = (pieces: readonly Piece[]): string => pieces.map((piece) => piece.text).join('')

export function ruleSentence(rule: RuleView): readonly Piece[] {
  const what = [...operationsText(rule), ...objectsText(rule)]
  const when =
    rule.when === undefined ? [] : [word(rule.effect === 'deny' ? ' when ' : ', but only when '), code(rule.when)]
  const shadow = rule.mode === 'shadow' ? [word('. Shadow: only recorded, not enforced.')] : [word('.')]
  const during = rule.during === undefined ? [] : [word(`, only ${duringText(rule.during)}`)]
  return [...subject(rule), ...what, ...when, ...during, ...approvalText(rule), ...shadow]
}

function subject(rule: RuleView): Piece[] {
  switch (rule.effect) {
    case 'allow':
    case 'hold':
      return [...callersText(rule.callers, 'Nobody'), word(' may ')]
    case 'grant':
      return [...callersText(rule.callers, 'Nobody'), word(` may ask for up to ${rule.longest} in which they may `)]
    case 'deny':
      return isEveryone(rule.callers)
        ? [word('Nobody may ')]
        : [...callersText(rule.callers, 'Nobody'), word(' may not ')]
    default:
      return [...callersText(rule.callers, 'Anyone'), word(': '), named(rule.effect), word(' ')]
  }
}

/** `any: true` beside other keys widens nothing: keys are ANDed. */
const isEveryone = (callers: RuleView['callers']): boolean =>
  callers === undefined ||
  (callers.groups === undefined && callers.kinds === undefined && callers.principals === undefined)

function callersText(callers: RuleView['callers'], none: string): Piece[] {
  if (callers === undefined) return [word(none)]
  const kinds = callers.kinds ?? []
  const kind = kinds.length !== 1 ? null : kinds[0] === 'user' ? 'People' : 'Workloads'
  const groups = callers.groups ?? []
  const principals = callers.principals ?? []
  const pieces: Piece[] = [word(kind ?? (groups.length > 0 ? 'Members' : principals.length > 0 ? '' : 'Anyone'))]
  if (groups.length > 0) pieces.push(word(kind === null ? ' of ' : ' in '), ...listed(groups.map(named), 'or'))
  if (principals.length > 0) {
    if (plainText(pieces) !== '') pieces.push(word(', if it is '))
    pieces.push(
      ...listed(
        principals.map((one) => named(`${one.subject} of ${one.issuer}`)),
        'or',
      ),
    )
  }
  return pieces
}

function operationsText({ operations }: RuleView): Piece[] {
  return operations === undefined ? [word('do anything')] : listed(operations.map(named), 'or')
}

function objectsText({ objects, operations }: RuleView): Piece[] {
  if (objects === undefined || objects.includes('**')) return operations === undefined ? [] : [word(' anything')]
  return [word(' on '), ...listed(objects.map(named), 'or')]
}

function approvalText({ approval, effect }: RuleView): Piece[] {
  if ((effect !== 'hold' && effect !== 'grant') || approval === undefined) return []
  const reviewers = approval.reviewers.flatMap(({ group, count }, index) => [
    word(index === 0 ? '' : ' and '),
    word(count === 1 ? 'one of ' : `${count} of `),
    named(group),
  ])
  const reason = approval.reason === 'required' ? ' with a reason' : ''
  return [word(', once '), ...reviewers, word(` approved it${reason} within ${approval.expires}`)]
}

export function maskSentence(mask: MaskView): readonly Piece[] {
  const isMany = mask.label !== undefined || Math.max(mask.columns?.length ?? 0, mask.path?.length ?? 0) > 1
  const shown = word(` ${isMany ? 'show' : 'shows'} ${methodText(mask.method)}`)
  const [it, its] = isMany ? ['they', 'their'] : ['it', 'its']
  const ordered = mask.order === 'shown' ? [word(`; rows may come in the order of ${its} values`)] : []
  return [...maskedText(mask), shown, ...unlessText(mask), ...predicatesText(mask, it), ...ordered, word('.')]
}

function maskedText(mask: MaskView): Piece[] {
  if (mask.detect !== undefined) return [word('Whatever looks like '), ...listed(mask.detect.map(named), 'or')]
  const parts = mask.path === undefined ? [] : [...listed(mask.path.map(named), 'and'), word(' in ')]
  const columns = listed((mask.columns ?? []).map(named), 'and')
  if (mask.label === undefined) return columns.length === 0 ? [word('Nothing')] : [...parts, ...columns]
  return [
    ...parts,
    ...columns,
    word(columns.length > 0 ? ' and columns' : parts.length > 0 ? 'columns' : 'Columns'),
    word(' with the label '),
    named(mask.label),
  ]
}

/** What a caller sees in place of the value; completes "shows …". */
export function methodText(method: MaskView['method']): string {
  if (typeof method !== 'string')
    return method.partial.keepLast === 0 ? 'no character' : `the last ${method.partial.keepLast} characters alone`
  switch (method) {
    case 'null':
      return 'NULL'
    case 'redact':
      return '[redacted]'
    case 'hash':
      return 'a keyed hash'
    case 'year':
      return 'the year alone'
    case 'email':
      return '***@ and the domain'
    default:
      return `what "${method}" leaves`
  }
}

function unlessText({ unless }: MaskView): Piece[] {
  const exempt = [...(unless?.groups ?? []), ...(unless?.subjects ?? [])]
  return exempt.length === 0 ? [word(' to everyone')] : [word(', but not to '), ...listed(exempt.map(named), 'or')]
}

function predicatesText(mask: MaskView, it: string): Piece[] {
  if (mask.detect !== undefined) return []
  switch (mask.predicates) {
    case 'none':
      return [word(`; ${it} cannot be filtered or sorted by`)]
    case 'equality':
      return [word(`; ${it} can be compared with one value at a time`)]
    case 'any':
      return [word(`; ${it} can be filtered and sorted by, so values can be guessed`)]
    default:
      return []
  }
}
