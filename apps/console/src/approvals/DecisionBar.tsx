// The buttons that decide. Nothing is preselected; a high risk asks twice; a denial asks why; a button that cannot be
// pressed says the reason.
import type { Approval } from '@sallyport/api/approvals'
import { useQueryClient } from '@tanstack/react-query'
import { Ban, Check, ShieldAlert } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { Button } from '../ui/Button.tsx'
import { useKeys } from '../ui/Keys.tsx'
import { useNow } from '../ui/useNow.ts'
import { announce } from '../util/announce.ts'
import { sentence } from '../util/format.ts'
import { type Deciding, denyChips, reasonCharactersMax, reasonOf } from './decide.ts'
import type { Flag } from './risk.ts'
import type { VerdictState } from './useVerdict.ts'
import { Withdraw } from './Withdraw.tsx'

/** Milliseconds after the expiry at which the server is asked what became of it. */
const expiredMs = 1_500

interface BarProps extends VerdictState {
  readonly approval: Approval
  readonly flags: readonly Flag[]
  /** Opens and closes the statement. */
  readonly onExpand: () => void
}

export function DecisionBar(props: BarProps) {
  const { approval, act } = props
  const why = useWhyNot(approval)
  const may = approval.state === 'pending' && why === null
  useKeys('This request', [
    ...(may
      ? [
          ...(approval.signers === null
            ? [{ keys: 'a', label: 'Approve once', run: () => act({ do: 'approve' }) }]
            : []),
          { keys: 'd', label: 'Deny, with a reason', run: () => act({ do: 'deny' }) },
          { keys: 'Escape', label: 'Step back', run: () => act({ do: 'back' }) },
        ]
      : []),
    { keys: 'e', label: 'Expand the statement', run: props.onExpand },
  ])
  if (approval.state !== 'pending') return null
  return (
    <section
      aria-label="Decision"
      className="shrink-0 border-t border-line bg-surface px-4 py-3 max-md:fixed max-md:inset-x-0 max-md:bottom-0 max-md:z-20 max-md:max-h-[70dvh] max-md:overflow-y-auto max-md:pb-[max(0.75rem,env(safe-area-inset-bottom))] md:sticky md:bottom-0 md:rounded-b-xl"
    >
      {props.deciding.step === 'reasoning' ? (
        <Reasoning {...props} deciding={props.deciding} />
      ) : (
        <Choice {...props} why={why} />
      )}
    </section>
  )
}

/** Why the signed-in person cannot decide it, or null. The clock runs out before the server says so. */
function useWhyNot(approval: Approval): string | null {
  const isOver = useNow() >= Date.parse(approval.expiresAt)
  const queries = useQueryClient()
  useEffect(() => {
    if (!isOver || approval.state !== 'pending') return
    const timer = setTimeout(() => void queries.invalidateQueries({ queryKey: ['approval', approval.id] }), expiredMs)
    return () => clearTimeout(timer)
  }, [isOver, approval.state, approval.id, queries])
  if (!approval.mayDecide.ok) return sentence(approval.mayDecide.why)
  return isOver ? 'It has expired; nothing ran' : null
}

function Choice({ approval, flags, deciding, act, why }: BarProps & { readonly why: string | null }) {
  const isArmed = deciding.step === 'armed'
  const approve = useRef<HTMLButtonElement>(null)
  const risks = flags.filter((flag) => flag.isHigh).map((flag) => flag.word)
  const asked = risks.join(', ')
  useEffect(() => {
    if (!isArmed) return
    approve.current?.focus()
    announce(`High risk: ${asked}. Press again to approve, Escape to step back.`, true)
  }, [isArmed, asked])
  if (why !== null) return <Closed why={why} approval={approval} />
  const sending = deciding.step === 'sending' ? deciding.verdict : null
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
      <Button
        ref={approve}
        large
        kind="approve"
        keys="a"
        icon={isArmed ? <ShieldAlert aria-hidden size={18} /> : <Check aria-hidden size={18} />}
        busy={sending === 'approved'}
        onClick={() => act({ do: 'approve' })}
        {...(approval.signers === null ? {} : { why: signingWhy })}
        className={`max-sm:grow ${isArmed ? 'ring-3 ring-deny ring-offset-2 ring-offset-surface' : ''}`}
      >
        {isArmed ? 'Press again to approve' : 'Approve once'}
      </Button>
      {isArmed ? (
        <Button large onClick={() => act({ do: 'back' })} className="max-sm:grow">
          Back
        </Button>
      ) : (
        <Button
          large
          kind="danger"
          keys="d"
          icon={<Ban aria-hidden size={17} />}
          busy={sending === 'denied'}
          onClick={() => act({ do: 'deny' })}
          className="max-sm:grow"
        >
          Deny
        </Button>
      )}
      <Signing approval={approval} />
      <p className="text-xs text-ink-3 max-sm:hidden">
        {approval.signers !== null ? null : isArmed ? (
          <b className="text-deny">{asked}</b>
        ) : risks.length > 0 ? (
          'High risk: approving takes two presses.'
        ) : (
          'Runs once, exactly as shown.'
        )}
      </p>
      <Withdraw approval={approval} className="ml-auto" />
    </div>
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

function Closed({ why, approval }: { readonly why: string; readonly approval: Approval }) {
  return (
    <div className="flex flex-wrap items-start gap-x-3 gap-y-2">
      <Button large kind="approve" icon={<Check aria-hidden size={18} />} why={why}>
        Approve once
      </Button>
      <Withdraw approval={approval} className="ml-auto" />
    </div>
  )
}

function Reasoning({
  deciding,
  act,
}: Pick<BarProps, 'act'> & { readonly deciding: Extract<Deciding, { step: 'reasoning' }> }) {
  const text = useRef<HTMLTextAreaElement>(null)
  const isDenial = deciding.verdict === 'denied'
  const missing = reasonOf(deciding.chips, deciding.text) === ''
  useEffect(() => text.current?.focus(), [])
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        act({ do: 'send' })
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') act({ do: 'back' })
        else if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) act({ do: 'send' })
        else return
        event.preventDefault()
      }}
    >
      <label htmlFor="reason" className="font-semibold">
        {isDenial ? 'Why not? The caller reads this.' : 'Why? It is kept with the approval.'}
      </label>
      {isDenial ? <Chips chosen={deciding.chips} onToggle={(chip) => act({ do: 'chip', chip })} /> : null}
      <div className="mt-2 items-start gap-3 sm:flex">
        <textarea
          id="reason"
          ref={text}
          rows={2}
          maxLength={reasonCharactersMax}
          value={deciding.text}
          onChange={(event) => act({ do: 'type', text: event.target.value })}
          placeholder={isDenial ? 'What should they do instead?' : 'For example the ticket'}
          className="block w-full grow rounded-lg border border-line-strong bg-surface px-3 py-2 max-sm:mb-2"
        />
        <Button
          type="submit"
          large
          kind={isDenial ? 'deny' : 'approve'}
          {...(missing ? { why: 'Give a reason first' } : {})}
        >
          {isDenial ? 'Deny' : 'Approve once'}
        </Button>
        <Button large kind="quiet" onClick={() => act({ do: 'back' })} className="max-sm:ml-2">
          Back
        </Button>
      </div>
    </form>
  )
}

function Chips({
  chosen,
  onToggle,
}: {
  readonly chosen: readonly string[]
  readonly onToggle: (chip: string) => void
}) {
  return (
    <fieldset className="mt-1.5 flex flex-wrap gap-1.5">
      <legend className="sr-only">Common reasons</legend>
      {denyChips.map((chip) => (
        <button
          key={chip}
          type="button"
          aria-pressed={chosen.includes(chip)}
          onClick={() => onToggle(chip)}
          className="min-h-7 rounded-full border border-line px-2.5 text-xs text-ink-2 hover:border-line-strong aria-pressed:border-deny aria-pressed:bg-deny-soft aria-pressed:font-medium aria-pressed:text-deny"
        >
          {chip}
        </button>
      ))}
    </fieldset>
  )
}
