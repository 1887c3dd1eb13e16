// What is hidden in the bodies of requests before they leave: members by path, and what detectors find. The rules are those of
// `outward` that have a method; `unless` was evaluated for every verified principal by then.
import { detectionOf } from '@sallyport/mask/detect/detection'
import type { AnswerMasking } from './answers.ts'
import type { CompiledOutward } from './http-rules.ts'

/** The same object for the same rules: what is made of it can be kept by it. */
export type BodyMasking = AnswerMasking

/** Sets of rules in force of which the masking is kept; they hang on a rule, and go with its rulebook. */
const maskingsMax = 64
const maskings = new WeakMap<CompiledOutward, Map<string, BodyMasking>>()

const nameOf = ({ policy, name }: CompiledOutward): string => `${policy}/${name}`

/** Null where nothing is hidden in them. */
export function bodyMaskingOf(outward: readonly CompiledOutward[]): BodyMasking | null {
  const hiding = outward.filter(({ method }) => method !== null)
  const [first] = hiding
  if (first === undefined) return null
  const known = maskings.get(first) ?? new Map<string, BodyMasking>()
  maskings.set(first, known)
  const key = hiding.map(nameOf).join(' ')
  const kept = known.get(key)
  if (kept !== undefined) return kept
  const made = maskingBy(hiding)
  if (known.size >= maskingsMax) known.clear()
  known.set(key, made)
  return made
}

function maskingBy(hiding: readonly CompiledOutward[]): BodyMasking {
  const withMethod = hiding.flatMap((rule) => (rule.method === null ? [] : [{ ...rule, method: rule.method }]))
  const detecting = withMethod.filter(({ kinds }) => kinds.size > 0)
  return {
    parts: withMethod.flatMap(({ paths, method }) => paths.map((path) => ({ path, method }))),
    detection: detectionOf(
      detecting.map((rule) => ({ kinds: [...rule.kinds], method: rule.method, rule: nameOf(rule) })),
    ),
    rules: [...new Set(withMethod.map(nameOf))].sort(),
  }
}
