// The versions that a person has looked at before they save. The save replaces these and nothing else: what somebody else
// wrote meanwhile is refused by the control plane (CONFLICT), in the same transaction that would have overwritten it.
import { type ApplyResult, type ExpectedVersion, expectedOf as seenBy } from '@sallyport/api/resources'

/** `edited`: the policy and the version that the draft began from; null for a new policy, which takes nobody's place. */
export const expectedOf = (
  result: Pick<ApplyResult, 'changes'>,
  edited: { readonly name: string; readonly version: number } | null,
): ExpectedVersion[] =>
  seenBy(result).map((seen) => {
    if (seen.kind !== 'Policy') return seen
    if (edited === null) return { ...seen, version: 0 }
    return edited.name === seen.name ? { ...seen, version: edited.version } : seen
  })
