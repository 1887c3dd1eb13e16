// The buttons that decide. Nothing is preselected; a high risk asks twice; a denial asks why; a button that cannot be
// pressed says the reason.
import type { Approval } from '@sallyport/api/approvals'
import { Ban, Check, ShieldAlert } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { Button } from '../ui/Button.tsx'
import { useKeys } from '../ui/Keys.tsx'
import { announce } from '../util/announce.ts'
import { type Deciding, denyChips, reasonCharactersMax, reasonOf } from './decide.ts'
import type { Flag } from './risk.ts'
import type { VerdictState } from './useVerdict.ts'
import { Withdraw } from './Withdraw.tsx'

interface BarProps extends VerdictState {
  readonly approval: Approval
  readonly flags: readonly Flag[]
  /** Opens and closes the statement. */
  readonly onExpand: () => void
}

export function DecisionBar(props: BarProps) {
  const { approval, act } = props
  const may = approval.state === 'pending' && approval.mayDecide.ok
  useKeys('This request', [
    ...(may
      ? [
          { keys: 'a', label: 'Approve once', run: () => act({ do: 'approve' }) },
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
      className="border-t border-line bg-surface px-4 py-3 max-md:fixed max-md:inset-x-0 max-md:bottom-0 max-md:z-20 max-md:pb-[max(0.75rem,env(safe-area-inset-bottom))] md:sticky md:bottom-0 md:rounded-b-xl"
    >
      {props.deciding.step === 'reasoning' ? <Reasoning {...props} deciding={props.deciding} /> : <Choice {...props} />}
    </section>
  )
}

function Choice({ approval, flags, deciding, act }: BarProps) {
  const isArmed = deciding.step === 'armed'
  const approve = useRef<HTMLButtonElement>(null)
  const risks = flags.filter((flag) => flag.isHigh).map((flag) => flag.word)
  const asked = risks.join(', ')
  useEffect(() => {
    if (!isArmed) return
    approve.current?.focus()
    announce(`High risk: ${asked}. Press again to approve, Escape to step back.`, true)
  }, [isArmed, asked])
  if (!approval.mayDecide.ok) return <Closed why={approval.mayDecide.why} approval={approval} />
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
      <p className="text-xs text-ink-3 max-sm:hidden">
        {isArmed ? (
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
      {isDenial ? (
        <fieldset className="mt-1.5 flex flex-wrap gap-1.5">
          <legend className="sr-only">Common reasons</legend>
          {denyChips.map((chip) => (
            <button
              key={chip}
              type="button"
              aria-pressed={deciding.chips.includes(chip)}
              onClick={() => act({ do: 'chip', chip })}
              className="min-h-7 rounded-full border border-line px-2.5 text-xs text-ink-2 hover:border-line-strong aria-pressed:border-deny aria-pressed:bg-deny-soft aria-pressed:font-medium aria-pressed:text-deny"
            >
              {chip}
            </button>
          ))}
        </fieldset>
      ) : null}
      <textarea
        id="reason"
        ref={text}
        rows={2}
        maxLength={reasonCharactersMax}
        value={deciding.text}
        onChange={(event) => act({ do: 'type', text: event.target.value })}
        placeholder={isDenial ? 'What should they do instead?' : 'For example the ticket'}
        className="mt-2 block w-full rounded-lg border border-line-strong bg-surface px-3 py-2"
      />
      <div className="mt-2 flex flex-wrap items-start gap-2">
        <Button
          type="submit"
          large
          kind={isDenial ? 'deny' : 'approve'}
          {...(missing ? { why: 'Give a reason first' } : {})}
        >
          {isDenial ? 'Deny' : 'Approve once'}
        </Button>
        <Button large kind="quiet" onClick={() => act({ do: 'back' })}>
          Back
        </Button>
      </div>
    </form>
  )
}
