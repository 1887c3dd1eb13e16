// What is said when a request would carry something that may not leave. Neither refusal names a value.
import { SallyportError } from '@sallyport/base/errors'
import type { EntryRule } from '@sallyport/ledger/entry'
import type { DetectorName } from '@sallyport/mask/rule'
import type { CompiledOutward } from '@sallyport/policy/http-rules'

/** Something in a request that may not leave. */
export interface OutwardFinding {
  /** `credential`: one that the agent knows. */
  readonly kind: DetectorName | 'credential'
  /** For the refusal: `the path`, `the field "x-key"`, `the body`. */
  readonly where: string
}

/** A credential that the agent knows never leaves; what else does not, a rule of a policy says. */
export function outwardRefusal(
  rules: readonly CompiledOutward[],
  { kind, where }: OutwardFinding,
): { readonly error: SallyportError; readonly rule: EntryRule | null } {
  const rule = kind === 'credential' ? undefined : rules.find(({ kinds }) => kinds.has(kind))
  if (kind === 'credential' || rule === undefined) return { error: credentialOutward(where), rule: null }
  const { policy, version, name, message } = rule
  return {
    error: new SallyportError(
      'OUTWARD_SECRET',
      `stopped by rule "${policy}/${name}": ${where} holds what looks like ${kindText(kind)}`,
      { hint: message ?? `leave it out, or ask the owner of policy "${policy}"` },
    ),
    rule: { policy, version, rule: name },
  }
}

export const credentialOutward = (where: string): SallyportError =>
  new SallyportError('OUTWARD_SECRET', `stopped: ${where} holds a credential that this agent knows`, {
    hint: 'leave it out: the agent puts in what the target asks for, and its owner should ask where it came from',
  })

/** What stops a request, and what stops it outside its body alone, where it is hidden. Where nothing can be hidden all of it stops. */
export function outwardKinds(
  rules: readonly CompiledOutward[],
  canHide: boolean,
): readonly [stops: ReadonlySet<DetectorName>, hides: ReadonlySet<DetectorName>] {
  const kindsOf = (hides: boolean): ReadonlySet<DetectorName> =>
    new Set(rules.filter(({ method }) => (canHide && method !== null) === hides).flatMap(({ kinds }) => [...kinds]))
  return [kindsOf(false), kindsOf(true)]
}

/** A rule hides members of a message in which nobody can. */
export const cannotHide = (): SallyportError =>
  new SallyportError(
    'BODY_UNREADABLE',
    'a rule hides parts of what is sent here, and it cannot be hidden in such a message',
    {
      hint: 'ask the owner of the policy to stop it in place of hiding it',
    },
  )

const kindText = (kind: DetectorName): string => `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`
