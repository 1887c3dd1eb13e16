// An assessed text as the limits leave it: the same, refused because a budget is used up, or with the limits of shadow mode
// that would have refused it. Only for texts that are about to run; denied ones count too (THREATS ).
import type { SallyportError } from '@sallyport/base/errors'
import type { EntryShadow } from '@sallyport/ledger/entry'
import type { CompiledLimit } from '@sallyport/policy/limits'
import type { Limiter } from '../limits/limiter.ts'
import type { Assessed } from './assess.ts'
import type { Judged } from './gate.ts'

export function limited(limiter: Limiter, assessed: Assessed): Assessed {
  const asked = askedOf(assessed)
  if (asked === null || asked.policies.limits === 0) return assessed
  const { policies, catalog, all } = asked
  const { refusal, shadow } = limiter.charge(
    all.map(({ facts }) => facts),
    policies,
    catalog,
  )
  const noted = shadow.size === 0 ? all : all.map((judged, at) => withShadow(judged, shadow.get(at) ?? []))
  const stopped = refusal === null ? undefined : noted[refusal.at]
  if (refusal !== null && stopped !== undefined) {
    const guarded = all.some((one) => one.guarded)
    const judged = { ...deniedBy(stopped, refusal.limit, refusal.error), guarded }
    return { kind: 'refused', error: refusal.error, judged, position: null, under: null }
  }
  if (assessed.kind === 'clear') return { ...assessed, all: noted }
  const [judged] = noted
  return assessed.kind === 'refused' && judged !== undefined ? { ...assessed, judged } : assessed
}

function askedOf(assessed: Assessed) {
  if (assessed.kind === 'clear') return assessed
  if (assessed.kind !== 'refused' || assessed.judged === null || assessed.under === null) return null
  return { ...assessed.under, all: [assessed.judged] }
}

/** For the entry: which limit it was, in the place of the rule. */
export function deniedBy(judged: Judged, { policy, version, name }: CompiledLimit, error: SallyportError): Judged {
  const { shadow } = judged.decision
  const { code, message, hint = '' } = error
  return { ...judged, decision: { kind: 'deny', code, message, hint, policy, version, rule: name, trace: [], shadow } }
}

const withShadow = (judged: Judged, more: readonly EntryShadow[]): Judged =>
  more.length === 0
    ? judged
    : { ...judged, decision: { ...judged.decision, shadow: [...judged.decision.shadow, ...more] } }
