// The buttons that decide. Nothing is preselected; a high risk asks twice; a denial asks why; a button that cannot be
// pressed says the reason. What is decided is the business of whoever shows them.
import { useQueryClient } from '@tanstack/react-query'
import { Ban, Check, ShieldAlert } from 'lucide-react'
import { type ReactNode, useEffect, useRef } from 'react'
import { Button } from '../ui/Button.tsx'
import { useKeys } from '../ui/Keys.tsx'
import { useNow } from '../ui/useNow.ts'
import { announce } from '../util/announce.ts'
import { sentence } from '../util/format.ts'
import { type Deciding, denyChips, reasonCharactersMax, reasonOf } from './decide.ts'
import type { VerdictState } from './useVerdict.ts'

/** Milliseconds after the expiry at which the server is asked what became of it. */
const expiredMs = 1_500

export interface ControlsProps extends Pick<VerdictState, 'deciding' | 'act'> {
  /** Why the signed-in person cannot decide, or null. */
  readonly why: string | null
  /** On the button: "Approve once". */
  readonly approveWord: string
  /** Who reads the reason of a denial: "The caller". */
  readonly asker: string
  /** What is dangerous about it, in a few words each. */
  readonly risks: readonly string[]
  /** Beside the buttons, where nothing is dangerous. */
  readonly note: string
  /** Why it can be denied here and not approved. */
  readonly approveWhy?: string | undefined
  /** Takes it back: for whoever asked. */
  readonly withdraw?: ReactNode
  /** Below the buttons. */
  readonly children?: ReactNode
}

/** Why the signed-in person cannot decide it, or null. The clock runs out before the server says so. */
export function useWhyNot(
  asked: {
    readonly id: string
    readonly mayDecide: { readonly ok: true } | { readonly ok: false; readonly why: string }
    readonly expiresAt: string
    readonly isPending: boolean
  },
  kind: 'approval' | 'grant',
): string | null {
  const { id, mayDecide, expiresAt, isPending } = asked
  const isOver = useNow() >= Date.parse(expiresAt)
  const queries = useQueryClient()
  useEffect(() => {
    if (!isOver || !isPending) return
    const timer = setTimeout(() => void queries.invalidateQueries({ queryKey: [kind, id] }), expiredMs)
    return () => clearTimeout(timer)
  }, [isOver, isPending, kind, id, queries])
  if (!mayDecide.ok) return sentence(mayDecide.why)
  return isOver ? 'It has expired; nothing ran' : null
}

export function DecisionControls(props: ControlsProps) {
  const { why, act, approveWhy, approveWord } = props
  useKeys('This request', [
    ...(why === null && approveWhy === undefined
      ? [{ keys: 'a', label: approveWord, run: () => act({ do: 'approve' }) }]
      : []),
    ...(why === null
      ? [
          { keys: 'd', label: 'Deny, with a reason', run: () => act({ do: 'deny' }) },
          { keys: 'Escape', label: 'Step back', run: () => act({ do: 'back' }) },
        ]
      : []),
  ])
  return (
    <section
      aria-label="Decision"
      className="shrink-0 border-t border-line bg-surface px-4 py-3 max-md:fixed max-md:inset-x-0 max-md:bottom-0 max-md:z-20 max-md:max-h-[70dvh] max-md:overflow-y-auto max-md:pb-[max(0.75rem,env(safe-area-inset-bottom))] md:sticky md:bottom-0 md:rounded-b-xl"
    >
      {props.deciding.step === 'reasoning' ? (
        <Reasoning {...props} deciding={props.deciding} />
      ) : why === null ? (
        <Choice {...props} />
      ) : (
        <div className="flex flex-wrap items-start gap-x-3 gap-y-2">
          <Button large kind="approve" icon={<Check aria-hidden size={18} />} why={why}>
            {approveWord}
          </Button>
          {props.withdraw}
        </div>
      )}
    </section>
  )
}

function Choice({ deciding, act, approveWord, risks, note, approveWhy, withdraw, children }: ControlsProps) {
  const isArmed = deciding.step === 'armed'
  const approve = useRef<HTMLButtonElement>(null)
  const asked = risks.join(', ')
  useEffect(() => {
    if (!isArmed) return
    approve.current?.focus()
    announce(`High risk: ${asked}. Press again to approve, Escape to step back.`, true)
  }, [isArmed, asked])
  const sending = deciding.step === 'sending' ? deciding.verdict : null
  return (
    <div className={`flex flex-wrap gap-x-3 gap-y-2 ${approveWhy === undefined ? 'items-center' : 'items-start'}`}>
      <Button
        ref={approve}
        large
        kind="approve"
        keys="a"
        icon={isArmed ? <ShieldAlert aria-hidden size={18} /> : <Check aria-hidden size={18} />}
        busy={sending === 'approved'}
        onClick={() => act({ do: 'approve' })}
        {...(approveWhy === undefined ? {} : { why: approveWhy })}
        className={`max-sm:grow ${isArmed ? 'ring-3 ring-deny ring-offset-2 ring-offset-surface' : ''}`}
      >
        {isArmed ? 'Press again to approve' : approveWord}
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
        {approveWhy !== undefined ? null : isArmed ? (
          <b className="text-deny">{asked}</b>
        ) : risks.length > 0 ? (
          'High risk: approving takes two presses.'
        ) : (
          note
        )}
      </p>
      {withdraw}
      {children}
    </div>
  )
}

function Reasoning({
  deciding,
  act,
  approveWord,
  asker,
}: Pick<ControlsProps, 'act' | 'approveWord' | 'asker'> & {
  readonly deciding: Extract<Deciding, { step: 'reasoning' }>
}) {
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
        {isDenial ? `Why not? ${asker} reads this.` : 'Why? It is kept with the approval.'}
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
          {isDenial ? 'Deny' : approveWord}
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
