// The versions that a person has looked at before they save. The save replaces these and nothing else: what somebody else
// wrote meanwhile is refused by the control plane (CONFLICT), in the same transaction that would have overwritten it.
import { type ApplyResult, ExpectedVersion } from '@sallyport/api/resources'

/** `edited`: the policy and the version that the draft began from; null for a new policy, which takes nobody's place. */
export function expectedOf(
  { changes }: Pick<ApplyResult, 'changes'>,
  edited: { readonly name: string; readonly version: number } | null,
): ExpectedVersion[] {
  return changes.flatMap((change) => {
    const expected = ExpectedVersion.safeParse({
      kind: change.kind,
      name: change.name,
      version: seenVersion(change, edited),
    })
    return expected.success ? [expected.data] : []
  })
}

function seenVersion(
  { kind, name, change, version }: ApplyResult['changes'][number],
  edited: { readonly name: string; readonly version: number } | null,
): number {
  if (kind === 'Policy' && edited === null) return 0
  if (kind === 'Policy' && edited?.name === name) return edited.version
  switch (change) {
    case 'created':
      return 0
    case 'updated':
      return version - 1
    case 'unchanged':
      return version
  }
}
