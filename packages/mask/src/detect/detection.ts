// What the detectors look for in the results of a chain, and how each finding is hidden: the second line behind lineage.
// It decides nothing about columns, and a value without a finding is not proven to hold nothing.
import type { KeyedHash } from '../replace.ts'
import { type DetectorName, detectorNames, type MaskMethod } from '../rule.ts'
import { methodText, strictestMethod } from '../strictest.ts'
import type { Finding } from './finding.ts'
import { type Hide, hideBy } from './hide.ts'

/** Masks with `detect` that apply to a chain. */
export interface Detection {
  readonly methods: ReadonlyMap<DetectorName, MaskMethod>
  readonly kinds: ReadonlySet<DetectorName>
  /** `policy/rule` of each. */
  readonly rules: readonly string[]
}

/** One rule of a policy: what it looks for. */
export interface DetectRule {
  readonly kinds: readonly DetectorName[]
  readonly method: MaskMethod
  readonly rule: string
}

/** All rules as one, the strictest method for each kind; null without a rule. */
export function detectionOf(rules: readonly DetectRule[]): Detection | null {
  if (rules.length === 0) return null
  const methods = new Map<DetectorName, MaskMethod>()
  for (const { kinds, method } of rules)
    for (const kind of kinds) {
      const known = methods.get(kind)
      methods.set(kind, known === undefined ? method : strictestMethod(known, method))
    }
  return { methods, kinds: new Set(methods.keys()), rules: [...new Set(rules.map(({ rule }) => rule))].sort() }
}

/** What either looks for, by the stricter method where both do. */
export function bothDetections(one: Detection | null, other: Detection | null): Detection | null {
  if (one === null || other === null) return one ?? other
  const methods = new Map(one.methods)
  for (const [kind, method] of other.methods) {
    const known = methods.get(kind)
    methods.set(kind, known === undefined ? method : strictestMethod(known, method))
  }
  return { methods, kinds: new Set(methods.keys()), rules: [...new Set([...one.rules, ...other.rules])].sort() }
}

const widened = new WeakMap<Detection, Detection>()
const everything: Detection = {
  methods: new Map(detectorNames.map((name) => [name, 'redact'])),
  kinds: new Set(detectorNames),
  rules: [],
}

/** The same, and everything else that detectors can find, redacted: where nothing better is known of a result. */
export function widestDetection(detection: Detection | null): Detection {
  if (detection === null) return everything
  const known = widened.get(detection)
  if (known !== undefined) return known
  const methods = new Map([...everything.methods, ...detection.methods])
  const made = { methods, kinds: everything.kinds, rules: detection.rules }
  widened.set(detection, made)
  return made
}

/** Hides each finding by the method of its kind. */
export function hideEach({ methods }: Detection, hash: KeyedHash): Hide {
  const hides = new Map([...methods].map(([kind, method]) => [kind, hideBy(method, hash)]))
  return (value: string, finding: Finding) => hides.get(finding.kind)?.(value, finding) ?? ''
}

/** As people read it: `email, card: redact; jwt: hash`. */
export function detectionText({ methods }: Detection): string {
  const byMethod = new Map<string, DetectorName[]>()
  for (const [kind, method] of methods) {
    const text = methodText(method)
    byMethod.set(text, [...(byMethod.get(text) ?? []), kind])
  }
  return [...byMethod].map(([method, kinds]) => `${kinds.join(', ')}: ${method}`).join('; ')
}
