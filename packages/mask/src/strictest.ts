// Which of several masks on one column wins: the strictest method and, apart from it, the strictest predicates (DESIGN §4).
// The order of the rules never matters.
import { jsonPathText } from './json/path.ts'
import type { ColumnMask, ProtectedColumn } from './plan.ts'
import { type MaskMethod, maskMethodNames, type Predicates, predicateNames } from './rule.ts'

/** The name of a method: `partial` for every `{ partial: … }`. */
export const methodName = (method: MaskMethod): (typeof maskMethodNames)[number] =>
  typeof method === 'string' ? method : 'partial'

/** A method as people read it: `redact`, `partial(4)`. */
export const methodText = (method: MaskMethod): string =>
  typeof method === 'string' ? method : `partial(${method.partial.keepLast})`

/** A mask of a result column as people read it: `redact`, `$.contact.email email`. */
export const columnMaskText = (mask: ColumnMask): string =>
  typeof mask === 'string' || 'partial' in mask
    ? methodText(mask)
    : mask.json.map(({ path, method }) => `${jsonPathText(path)} ${methodText(method)}`).join(', ')

const keepLast = (method: MaskMethod): number => (typeof method === 'string' ? 0 : method.partial.keepLast)

/** Negative when `left` is stricter than `right`. */
export function compareMethods(left: MaskMethod, right: MaskMethod): number {
  const rank = maskMethodNames.indexOf(methodName(left)) - maskMethodNames.indexOf(methodName(right))
  return rank !== 0 ? rank : keepLast(left) - keepLast(right)
}

export const strictestMethod = (left: MaskMethod, right: MaskMethod): MaskMethod =>
  compareMethods(left, right) <= 0 ? left : right

export const strictestPredicates = (left: Predicates, right: Predicates): Predicates =>
  predicateNames.indexOf(left) <= predicateNames.indexOf(right) ? left : right

/**
 * Two protections of one column as one; the rule named is that of the stricter method, ties by name. What hides the whole column
 * hides its parts; of two that hide parts all parts are hidden.
 */
export function strictestColumn(left: ProtectedColumn, right: ProtectedColumn): ProtectedColumn {
  const predicates = strictestPredicates(left.predicates, right.predicates)
  const { relaxed, orderShown, ...winner } = winnerOf(left, right)
  const isRelaxed = left.relaxed === true && right.relaxed === true
  const isOrderShown = left.orderShown === true && right.orderShown === true
  return {
    ...winner,
    ...(isRelaxed ? { relaxed: true } : {}),
    ...(isOrderShown ? { orderShown: true } : {}),
    predicates,
  }
}

function winnerOf(left: ProtectedColumn, right: ProtectedColumn): ProtectedColumn {
  if (left.parts === undefined && right.parts !== undefined) return left
  if (right.parts === undefined && left.parts !== undefined) return right
  const order = compareMethods(left.method, right.method)
  const winner = order < 0 || (order === 0 && left.rule <= right.rule) ? left : right
  if (left.parts === undefined || right.parts === undefined) return winner
  const all = [...left.parts, ...right.parts]
  return { ...winner, parts: all.sort((one, other) => compareText(partKey(one), partKey(other))) }
}

const partKey = ({ path, rule }: NonNullable<ProtectedColumn['parts']>[number]): string => JSON.stringify([path, rule])
const compareText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)
