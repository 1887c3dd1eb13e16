// Decides a held statement or request: approved for one run, denied with a reason, or signed on the command line.
import type { Approval } from '@sallyport/api/approvals'
import { useKeys } from '../ui/Keys.tsx'
import { DecisionControls, useWhyNot } from './DecisionControls.tsx'
import type { Flag } from './risk.ts'
import type { VerdictState } from './useVerdict.ts'
import { Withdraw } from './Withdraw.tsx'

interface BarProps extends VerdictState {
  readonly approval: Approval
  readonly flags: readonly Flag[]
  /** Opens and closes the statement. */
  readonly onExpand: () => void
}

export function DecisionBar({ approval, flags, deciding, act, onExpand }: BarProps) {
  const isPending = approval.state === 'pending'
  const why = useWhyNot({ ...approval, isPending }, 'approval')
  useKeys('This request', [{ keys: 'e', label: 'Expand the statement', run: onExpand }])
  if (!isPending) return null
  return (
    <DecisionControls
      deciding={deciding}
      act={act}
      why={why}
      approveWord="Approve once"
      asker="The caller"
      risks={flags.filter((flag) => flag.isHigh).map((flag) => flag.word)}
      note="Runs once, exactly as shown."
      approveWhy={approval.signers === null ? undefined : signingWhy}
      withdraw={<Withdraw approval={approval} className="ml-auto" />}
    >
      <Signing approval={approval} />
    </DecisionControls>
  )
}

const signingWhy = "The agent's floor wants approvals signed with a key; the command line does that"

/** Keys of reviewers are not in browsers: the page of whoever runs the control plane could use them. */
function Signing({ approval: { id, signers } }: Pick<BarProps, 'approval'>) {
  if (signers === null) return null
  const names = signers.keys.map(({ name, signed }) => `${name}${signed ? ' (has signed)' : ''}`).join(', ')
  return (
    <p className="basis-full text-xs text-ink-2">
      Wants {signers.count === 1 ? 'a signature' : `${signers.count} signatures`} with keys of {names}. Look at it, then
      sign: <code className="font-mono [overflow-wrap:anywhere]">sallyport approvals show {id}</code>
    </p>
  )
}
