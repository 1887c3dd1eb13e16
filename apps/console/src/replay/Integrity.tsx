// The badge that says whether the record was verified in this browser, what it rests on, and the red notice when it does not
// verify. A record that fails is still shown, under that notice: an auditor must see what somebody changed.
import { BadgeCheck, CircleDashed, CircleHelp, LoaderCircle, ShieldAlert } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { Badge, type Tone } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { absoluteTime, count, plural } from '../util/format.ts'
import { Block, NarrowPairs, Note } from './Block.tsx'
import { Fingerprint } from './IntegrityTab.tsx'
import type { Integrity } from './integrity.ts'
import { PinField } from './PinField.tsx'
import type { SessionProof } from './proof.ts'
import type { ProofCheck } from './useProof.ts'

interface Look {
  readonly tone: Tone
  readonly icon: ReactNode
  readonly word: string
}

function lookOf(integrity: Integrity): Look {
  switch (integrity.kind) {
    case 'unchecked':
      return { tone: 'neutral', icon: <CircleDashed aria-hidden size={14} />, word: 'Record not verified yet' }
    case 'checking':
      return {
        tone: 'neutral',
        icon: <LoaderCircle aria-hidden size={14} className="animate-spin" />,
        word:
          integrity.entries === 0
            ? 'Verifying the record'
            : `Verifying the record, ${count(integrity.entries)} entries`,
      }
    case 'cannot':
      return { tone: 'hold', icon: <CircleHelp aria-hidden size={14} />, word: 'Record cannot be verified' }
    case 'verified':
      return {
        tone: 'allow',
        icon: <BadgeCheck aria-hidden size={14} />,
        word: integrity.newer > 0 ? `Record verified, ${count(integrity.newer)} newer` : 'Record verified',
      }
    case 'failed':
      return { tone: 'deny', icon: <ShieldAlert aria-hidden size={14} />, word: 'Record does not verify' }
  }
}

interface IntegrityProps {
  readonly integrity: Integrity
  readonly check: ProofCheck
  readonly agentName: string
  readonly agent: string
  readonly entries: number
}

export function IntegrityBadge(props: IntegrityProps) {
  const [open, setOpen] = useState(false)
  const look = lookOf(props.integrity)
  return (
    <>
      <button
        type="button"
        onClick={() => setOpen(true)}
        title="How this record was verified"
        className="inline-flex min-h-7 items-center rounded-md hover:brightness-95"
      >
        <Badge tone={look.tone} icon={look.icon}>
          {look.word}
        </Badge>
      </button>
      <span role="status" className="sr-only">
        {props.integrity.kind === 'checking' ? 'Verifying the record' : look.word}
      </span>
      <Dialog
        open={open}
        onClose={() => setOpen(false)}
        title="Integrity of this record"
        lead="Your browser fetched the signed export and verified it itself: hashes, chain and signatures."
        wide
        actions={<Actions {...props} />}
      >
        <Facts {...props} />
      </Dialog>
    </>
  )
}

function Actions({ integrity, check, entries }: IntegrityProps) {
  if (integrity.kind === 'checking') return <Button busy>Verifying</Button>
  return (
    <Button kind={integrity.kind === 'unchecked' ? 'primary' : 'plain'} onClick={check.check}>
      {integrity.kind === 'unchecked' ? `Verify ${plural(entries, 'entry', 'entries')}` : 'Verify again'}
    </Button>
  )
}

function Facts({ integrity, check, agent, agentName, entries }: IntegrityProps) {
  switch (integrity.kind) {
    case 'unchecked':
      return (
        <p>
          This record is long: {plural(entries, 'entry', 'entries')}. Verifying fetches all of it, which is written down
          in the audit log as an export.
        </p>
      )
    case 'checking':
      return <p>{count(integrity.entries)} entries so far. You can go on reading meanwhile.</p>
    case 'cannot':
      return (
        <Note tone="hold" title="Cannot verify">
          Because {integrity.reason}. The same check works offline: export the session and run{' '}
          <span className="font-mono text-[13px]">sallyport audit verify FILE</span>.
        </Note>
      )
    case 'failed':
    case 'verified':
      return check.state.kind === 'done' ? (
        <Report
          integrity={integrity}
          proof={check.state.proof}
          agent={agent}
          agentName={agentName}
          recheck={check.check}
        />
      ) : null
  }
}

function Report({
  integrity,
  proof: { report, heads },
  agent,
  agentName,
  recheck,
}: {
  readonly integrity: Integrity
  readonly proof: SessionProof
  readonly agent: string
  readonly agentName: string
  readonly recheck: () => void
}) {
  const key = report.agents.find((each) => each.id === agent)?.fingerprint ?? null
  const last = heads.at(-1)
  return (
    <div className="space-y-5">
      {integrity.kind === 'failed' ? <Troubles integrity={integrity} /> : null}
      <NarrowPairs
        pairs={[
          { name: 'Entries', value: `${count(report.entries)}, under ${plural(heads.length, 'signed head')}` },
          ...(last === undefined
            ? []
            : [{ name: 'Last head', value: `number ${count(last.counter)}, signed ${absoluteTime(last.atMs)}` }]),
          { name: 'Agent', value: agentName },
          {
            name: 'Record key',
            value:
              key === null ? 'the export names none for this agent' : <Fingerprint text={key} what="the fingerprint" />,
          },
        ]}
      />
      {key === null ? null : <PinField agent={agent} agentName={agentName} fingerprint={key} onChange={recheck} />}
      {report.notices.length === 0 ? null : (
        <Block title="Worth knowing">
          <ul className="list-disc space-y-1 pl-5 text-ink-2">
            {report.notices.slice(0, 10).map((notice) => (
              <li key={`${notice.reason} ${notice.line} ${notice.seq}`}>{notice.detail}</li>
            ))}
          </ul>
        </Block>
      )}
    </div>
  )
}

function Troubles({ integrity }: { readonly integrity: Extract<Integrity, { kind: 'failed' }> }) {
  return (
    <Note tone="deny" title={`${plural(integrity.troubles.length + integrity.leftOut, 'problem')} found`}>
      <ul className="mt-1 list-disc space-y-1 pl-5">
        {integrity.troubles.map((trouble) => (
          <li key={`${trouble.seq} ${trouble.text}`}>
            {trouble.seq === null ? '' : `Entry ${count(trouble.seq)}: `}
            {trouble.text}
          </li>
        ))}
      </ul>
      {integrity.leftOut === 0 ? null : <p className="mt-1">And {count(integrity.leftOut)} more.</p>}
    </Note>
  )
}

/** Stands above everything while the record does not verify. */
export function IntegrityAlarm({
  integrity,
  goTo,
}: {
  readonly integrity: Integrity
  readonly goTo: (seq: number) => void
}) {
  if (integrity.kind !== 'failed') return null
  const first = integrity.troubles.find((trouble) => trouble.seq !== null)
  const told = first ?? integrity.troubles[0]
  return (
    <div
      role="alert"
      className="mb-3 flex flex-wrap items-center gap-x-4 gap-y-2 rounded-xl border-2 border-deny bg-deny-soft px-4 py-3"
    >
      <ShieldAlert aria-hidden size={22} className="shrink-0 text-deny" />
      <div className="min-w-0 grow basis-60">
        <p className="font-semibold text-deny">
          This record does not verify. Somebody or something changed it after it was made.
        </p>
        <p className="text-ink-2">
          {told === undefined ? 'It is not what the agent signed.' : `${told.text}.`}{' '}
          {integrity.troubles.length + integrity.leftOut > 1
            ? `${plural(integrity.troubles.length + integrity.leftOut, 'problem')} in all.`
            : ''}
        </p>
      </div>
      {first?.seq === null || first === undefined ? null : (
        <Button kind="danger" onClick={() => goTo(first.seq ?? 0)}>
          Go to entry {count(first.seq)}
        </Button>
      )}
    </div>
  )
}
