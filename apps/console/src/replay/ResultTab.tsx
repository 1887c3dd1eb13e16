// How it ended, as far as the record tells: counts and times, never the values of the result.
import { rowsOf } from '@sallyport/ledger/rows'
import { Link } from '@tanstack/react-router'
import { Mono } from '../ui/Code.tsx'
import { bytes, count, duration, plural } from '../util/format.ts'
import { Block, NarrowPairs, Note } from './Block.tsx'
import type { EntryOf, Story } from './story.ts'

export function ResultTab({ story }: { readonly story: Story }) {
  const { outcome, intent, denied } = story
  return (
    <div className="space-y-5">
      {outcome === null ? <NoOutcome story={story} /> : <Outcome outcome={outcome} />}
      {intent === null || denied !== null ? null : <Masks intent={intent} masked={outcome?.maskedValues ?? 0} />}
      <p className="text-xs text-ink-3">Values of results are not recorded; counts and times are.</p>
    </div>
  )
}

function NoOutcome({ story: { denied, holdEnded, held, intent } }: { readonly story: Story }) {
  if (denied !== null)
    return (
      <Note tone="deny" title="It was refused">
        Nothing of it reached the target, so there is no result.
      </Note>
    )
  if (intent === null && held !== null)
    return (
      <Note tone="hold" title={holdEnded === null ? 'It waits' : 'It did not run here'}>
        Nothing of it has reached the target under this entry.
      </Note>
    )
  return (
    <Note tone="hold" title="No outcome is recorded">
      It was sent to the target. It still runs, or the agent was cut off before it heard how it ended.
    </Note>
  )
}

const endings: Readonly<Record<EntryOf<'outcome'>['result'], { readonly word: string; readonly why: string }>> = {
  done: { word: 'Done', why: '' },
  failed: { word: 'The target refused it', why: 'Its error went to the caller, without values that are masked.' },
  cancelled: { word: 'Cancelled', why: 'The caller or the agent stopped it while it ran.' },
  unknown: { word: 'Unknown', why: 'The connection to the target broke; it may have taken effect.' },
}

function Outcome({ outcome }: { readonly outcome: EntryOf<'outcome'> }) {
  const ending = endings[outcome.result]
  const isGood = outcome.result === 'done'
  return (
    <>
      {isGood ? null : (
        <Note tone="deny" title={ending.word}>
          {ending.why}
        </Note>
      )}
      <Block title="Outcome">
        <NarrowPairs
          pairs={[
            { name: 'Answer', value: outcome.tag === '' ? ending.word : <Mono>{outcome.tag}</Mono> },
            ...(outcome.sqlstate === '' ? [] : [{ name: 'SQLSTATE', value: <Mono>{outcome.sqlstate}</Mono> }]),
            { name: 'Rows', value: count(rowsOf(outcome)) },
            { name: 'Size', value: bytes(outcome.bytes) },
            { name: 'Took', value: duration(outcome.durationUs) },
            { name: 'Masked', value: plural(outcome.maskedValues, 'value') },
          ]}
        />
      </Block>
    </>
  )
}

function Masks({ intent, masked }: { readonly intent: EntryOf<'intent'>; readonly masked: number }) {
  return (
    <Block title="Masks in force">
      {intent.relaxed === true && (
        <p className="mb-1.5 text-warn">
          Relaxed: it could not be proven what this statement shows. Columns computed from masked ones were hidden, and
          detectors looked through all others.
        </p>
      )}
      {intent.masks.length === 0 ? (
        <p className="text-ink-2">None touched this statement.</p>
      ) : (
        <>
          <p className="mb-1.5 text-ink-2">
            {plural(intent.maskedColumns, 'column')} of the result hidden, {plural(masked, 'value')} replaced.
          </p>
          <ul className="space-y-1">
            {intent.masks.map((mask) => (
              <li key={mask}>
                <Link
                  to="/policies/$name"
                  params={{ name: mask.split('/')[0] ?? '' }}
                  search={{ tab: 'read' }}
                  className="link font-mono text-[13px] break-all"
                >
                  {mask}
                </Link>
              </li>
            ))}
          </ul>
        </>
      )}
    </Block>
  )
}
