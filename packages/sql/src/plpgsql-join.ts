// What a variable of PL/pgSQL holds when it holds one value or another, at different times. Only grows.
import { derived, type Value } from './values.ts'

/** One of two, at different times. What is no column's value leaves the other as it is, but for its length. */
export function joined(left: Value, right: Value): Value {
  if (isEqual(left, right)) return left
  const [plainer, other] = isPlain(left) ? [left, right] : [right, left]
  const type =
    left.type === right.type ? left.type : other.type === null || plainer.type === 'unknown' ? other.type : null
  if (!isPlain(plainer)) return derived([left, right], type)
  return { ...other, type, ...(other.sure === 'small' && plainer.sure !== 'small' ? { sure: 'large' as const } : {}) }
}

const isPlain = ({ sources, nulls }: Value): boolean => sources.size === 0 && nulls.size === 0

const isEqual = (left: Value, right: Value): boolean =>
  left.kind === right.kind &&
  left.type === right.type &&
  left.sources.size === right.sources.size &&
  left.nulls.size === right.nulls.size &&
  left.sure === right.sure &&
  [...left.sources].every((one) => right.sources.has(one)) &&
  [...left.nulls].every((one) => right.nulls.has(one))
