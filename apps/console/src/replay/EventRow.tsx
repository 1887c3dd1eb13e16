// One statement in the list: when, what was decided, what it did, how many rows, how long. Never the whole text.
import { memo } from 'react'
import { VisibleText } from '../ui/VisibleText.tsx'
import { count, duration, plural } from '../util/format.ts'
import type { SessionColumns } from './columns.ts'
import { offset } from './format.ts'
import { laneLooks } from './lanes.tsx'
import type { EntryShelf } from './shelf.ts'
import { storyOf } from './story.ts'

/** Characters of a statement's text beside its objects. */
const previewMax = 180

export const rowId = (row: number): string => `statement-${row}`

/** The columns of a row, wide: time, lane with the number of masked values, statement, rows, took. */
export const columnsShape =
  'lg:grid lg:grid-cols-[5rem_6.25rem_minmax(0,1fr)_2.75rem_3.5rem] lg:items-center lg:gap-x-2'

interface EventRowProps {
  readonly columns: SessionColumns
  readonly row: number
  /** Its place among the rows that show, from 1, and how many those are. */
  readonly place: number
  readonly of: number
  readonly top: number
  readonly height: number
  readonly isChosen: boolean
  readonly onChoose: (row: number) => void
  readonly shelf: EntryShelf
  /** Columns and shelf grow in place; these tell a row that is drawn from them anew. */
  readonly indexVersion: unknown
  readonly shelfVersion: number
}

/** Drawn again only when something of it changed: a cursor that moves touches two rows, not all. */
export const EventRow = memo(function EventRow(props: EventRowProps) {
  const { columns, row, place, of, top, height, isChosen, onChoose, shelf } = props
  const lane = columns.laneOf(row)
  const look = laneLooks[lane]
  const rows = columns.rows[row] ?? -1
  const story = storyOf(shelf.entries, columns.seq[row] ?? -1)
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the listbox has the keys
    <div
      id={rowId(row)}
      role="option"
      tabIndex={-1}
      aria-selected={isChosen}
      aria-setsize={of}
      aria-posinset={place}
      onClick={() => onChoose(row)}
      style={{ top, height }}
      className={`absolute inset-x-0 cursor-default contain-strict border-b border-line/60 px-3 max-lg:py-1.5 ${columnsShape} ${isChosen ? 'bg-accent-soft shadow-[inset_3px_0_0_var(--accent)]' : lane === 'denied' || lane === 'failed' ? 'bg-deny-soft/35 hover:bg-deny-soft/70' : 'hover:bg-surface-2'}`}
    >
      <span className="hidden font-mono text-xs text-ink-3 tabular-nums lg:block">
        {offset(columns.atMs[row] ?? 0)}
      </span>
      <span className="flex items-center justify-between gap-2 lg:contents">
        <span className={`inline-flex items-center gap-1.5 text-xs font-medium ${look.ink}`}>
          {look.icon}
          {look.word}
          <MaskedCount masked={story?.outcome?.maskedValues ?? 0} />
        </span>
        <span className="font-mono text-[11px] text-ink-3 tabular-nums lg:hidden">
          {offset(columns.atMs[row] ?? 0)}
          {rows < 0 ? '' : ` · ${plural(rows, 'row')}`}
        </span>
      </span>
      <span className="block min-w-0 truncate text-[13px]">
        <RowStatement verb={columns.verbOf(row)} object={columns.objectOf(row)} text={story?.begun.text} />
      </span>
      <span className={numberCell}>{rows < 0 ? <None /> : count(rows)}</span>
      <span className={numberCell}>{rows < 0 ? <None /> : duration(columns.durationUs[row] ?? 0)}</span>
    </div>
  )
})

const numberCell = 'hidden text-right text-xs text-ink-2 tabular-nums lg:block'
const None = () => <span className="text-ink-3">–</span>

/** Values that were masked in the result; nothing while the outcome is not loaded. */
function MaskedCount({ masked }: { readonly masked: number }) {
  return masked === 0 ? null : (
    <span title={plural(masked, 'masked value')} className="font-normal text-mask tabular-nums">
      {count(masked)}
    </span>
  )
}

function RowStatement({
  verb,
  object,
  text,
}: {
  readonly verb: string
  readonly object: string
  readonly text: string | undefined
}) {
  return (
    <>
      <span className="font-medium">
        <VisibleText text={verb || 'statement'} />
      </span>{' '}
      <span className="text-ink-2">
        <VisibleText text={object} />
      </span>
      {text === undefined ? null : (
        <span className="ml-3 font-mono text-xs text-ink-3 max-lg:ml-2">
          <VisibleText text={text.slice(0, previewMax).replace(/\s+/g, ' ')} />
        </span>
      )}
    </>
  )
}
