// That these entries are the agent's: their hashes, the head that signs them, and whether what the page shows is what was
// signed. The page's copy came from one question, the proof from another: a lie would have to be told twice, and alike.
import type { Entry, Head } from '@sallyport/ledger/entry'
import { BadgeCheck, CircleAlert, CircleHelp } from 'lucide-react'
import type { ReactNode } from 'react'
import { Badge } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import type { Pair } from '../ui/Card.tsx'
import { CopyButton } from '../ui/CopyButton.tsx'
import { absoluteTime, count } from '../util/format.ts'
import { Block, NarrowPairs, Note } from './Block.tsx'
import { type EntryStanding, hashOf, headOver, type SessionProof, standingOf } from './proof.ts'
import { sha256 } from './sha256.ts'
import type { Story } from './story.ts'
import type { ProofCheck } from './useProof.ts'

interface IntegrityTabProps {
  readonly session: string
  readonly story: Story
  readonly tipSeq: number
  readonly proof: ProofCheck
}

export function IntegrityTab({ session, story, tipSeq, proof: { state, check } }: IntegrityTabProps) {
  switch (state.kind) {
    case 'idle':
      return (
        <Note tone="neutral" title="Not checked yet">
          <p>This record is long, so it is checked when you ask. Your browser then fetches and verifies all of it.</p>
          <div className="mt-2">
            <Button onClick={check}>Check {count(tipSeq + 1)} entries</Button>
          </div>
        </Note>
      )
    case 'running':
      return <Note tone="neutral" title={`Checking: ${count(state.entries)} of ${count(tipSeq + 1)} entries`} />
    case 'cannot':
      return (
        <Note tone="hold" title="Cannot verify here">
          <p>Because {state.reason}.</p>
          <div className="mt-2">
            <Button onClick={check}>Try again</Button>
          </div>
        </Note>
      )
    case 'done':
      return (
        <div className="space-y-5">
          {state.proof.report.ok ? null : (
            <Note tone="deny" title="The record as a whole does not verify">
              Do not rely on what stands here; see the red notice above.
            </Note>
          )}
          {story.entries.map((entry) => (
            <EntryProof key={entry.seq} session={session} entry={entry} proof={state.proof} tipSeq={tipSeq} />
          ))}
        </div>
      )
  }
}

const standings: Readonly<
  Record<EntryStanding, { readonly word: string; readonly tone: 'allow' | 'deny' | 'hold'; readonly icon: ReactNode }>
> = {
  proven: { word: 'as signed', tone: 'allow', icon: <BadgeCheck aria-hidden size={13} /> },
  differs: { word: 'not what was signed', tone: 'deny', icon: <CircleAlert aria-hidden size={13} /> },
  newer: { word: 'newer than the check', tone: 'hold', icon: <CircleHelp aria-hidden size={13} /> },
}

const names: Readonly<Record<Entry['kind'], string>> = {
  'session-opened': 'Opening',
  intent: 'Intent',
  denied: 'Denial',
  held: 'Hold',
  'hold-ended': 'End of the hold',
  outcome: 'Outcome',
  'session-closed': 'Closing',
}

function EntryProof({
  session,
  entry,
  proof,
  tipSeq,
}: {
  readonly session: string
  readonly entry: Entry
  readonly proof: SessionProof
  readonly tipSeq: number
}) {
  const standing = standings[proof.report.ok ? standingOf(sha256, proof, session, entry) : 'differs']
  const hash = hashOf(proof, entry.seq)
  return (
    <Block title={`${names[entry.kind]}, entry ${count(entry.seq)}`}>
      <div className="mb-2">
        <Badge tone={standing.tone} icon={standing.icon}>
          {proof.report.ok ? standing.word : 'not proven'}
        </Badge>
      </div>
      <NarrowPairs
        pairs={[
          { name: 'In the chain', value: `${count(entry.seq + 1)} of ${count(tipSeq + 1)}` },
          {
            name: 'Hash',
            value: hash === null ? 'not covered by this check' : <Fingerprint text={hash} what="the hash" />,
          },
          ...headPairs(headOver(proof.heads, entry.seq)),
        ]}
      />
    </Block>
  )
}

function headPairs(head: Head | null): readonly Pair[] {
  if (head === null) return [{ name: 'Head', value: 'none signs it yet' }]
  return [
    { name: 'Head', value: `${count(head.counter)} of this agent, up to entry ${count(head.seq)}` },
    { name: 'Signed', value: absoluteTime(head.atMs) },
    { name: 'By key', value: <Fingerprint text={head.key} what="the fingerprint" /> },
  ]
}

/** Hex in groups, so that eyes can compare it. */
export function Fingerprint({ text, what }: { readonly text: string; readonly what: string }) {
  return (
    <span className="flex items-start gap-1">
      <span className="min-w-0 font-mono text-xs leading-5 break-words">
        {text.match(/.{1,8}/g)?.join(' ') ?? text}
      </span>
      <CopyButton text={text} what={what} quiet />
    </span>
  )
}
