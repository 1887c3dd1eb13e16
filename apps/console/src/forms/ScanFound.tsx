// What a scan found, column by column, and which of the proposed labels are accepted. Nothing is written before the review.
import type { Scan } from '@sallyport/api/scans'
import { useQuery } from '@tanstack/react-query'
import { CircleCheck, TriangleAlert } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { resourcesQuery } from '../api/queries.ts'
import { Badge } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import { EmptyState, ErrorState, Skeleton } from '../ui/States.tsx'
import { type Column, Table } from '../ui/Table.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { count, plural } from '../util/format.ts'
import { ScanReview } from './ScanReview.tsx'
import { type Accepted, acceptedOf, evidenceText, type FoundColumn, isOpen, keyOf, type ScanResult } from './scans.ts'

/** Names of relations that are written out. */
const unreadShown = 20

export function ScanFound({ scan, result }: { readonly scan: Scan; readonly result: ScanResult }) {
  const labels = useQuery(resourcesQuery('labels'))
  const [declined, setDeclined] = useState<ReadonlySet<string>>(new Set())
  const [all, setAll] = useState(false)
  // As it was when it was opened: what changes meanwhile must not slip under the press.
  const [reviewed, setReviewed] = useState<Accepted | null>(null)
  const open = result.columnsFound.filter(isOpen)
  const covered = result.columnsFound.filter((column) => column.label !== null && !isOpen(column))
  const rest = result.columnsFound.filter((column) => column.label === null)
  const accepted = new Set(open.map(keyOf).filter((key) => !declined.has(key)))
  const toggle = (key: string) =>
    setDeclined((before) => new Set(before.has(key) ? [...before].filter((each) => each !== key) : [...before, key]))
  if (labels.data === undefined)
    return labels.isError ? (
      <ErrorState error={labels.error} retry={() => void labels.refetch()} />
    ) : (
      <Skeleton label="Loading the labels" rows={4} />
    )
  const change = acceptedOf(result, scan.target, labels.data.items, accepted)
  const why =
    change === null
      ? 'A stored label has a shape that this console does not know; apply with the command line.'
      : accepted.size === 0
        ? 'Nothing is accepted'
        : undefined
  const rows = [...open, ...(all ? [...covered, ...rest] : [])]
  return (
    <section aria-label="What the scan found" className="space-y-3">
      <Told scan={scan} result={result} open={open.length} covered={covered.length} />
      {rows.length === 0 ? (
        <AllLabelled covered={covered.length} />
      ) : (
        <Table
          caption="Columns, what they look like, and the labels that are proposed"
          columns={columnsOf(accepted, toggle)}
          rows={rows}
          rowKey={keyOf}
        />
      )}
      <div className="flex flex-wrap items-start justify-between gap-3">
        {covered.length + rest.length === 0 ? (
          <span />
        ) : (
          <Button kind="quiet" onClick={() => setAll(!all)} aria-expanded={all}>
            {all ? 'Show proposals only' : `Show ${plural(covered.length + rest.length, 'other column')}`}
          </Button>
        )}
        {open.length === 0 ? null : (
          <Button kind="primary" onClick={() => setReviewed(change)} {...(why === undefined ? {} : { why })}>
            Review {plural(accepted.size, 'column')}…
          </Button>
        )}
      </div>
      {reviewed !== null ? <ScanReview scan={scan.id} change={reviewed} onClose={() => setReviewed(null)} /> : null}
    </section>
  )
}

function Told(props: {
  readonly scan: Scan
  readonly result: ScanResult
  readonly open: number
  readonly covered: number
}) {
  const { scan, result, open, covered } = props
  const { unread } = result
  return (
    <div className="space-y-2">
      <h2 className="text-base font-semibold">
        {open === 0 ? 'Nothing new to label' : `${plural(open, 'proposal')} to decide on`}
      </h2>
      <p className="text-ink-2">
        {plural(result.columns, 'column')} of {plural(result.relations, 'relation')} looked at as{' '}
        <span className="font-mono text-[0.92em]">{result.role}</span>
        {scan.doneAt === null ? '' : ', '}
        {scan.doneAt === null ? null : <TimeAgo at={scan.doneAt} />}
        {covered === 0 ? '.' : `; ${plural(covered, 'column')} with a proposal labelled already.`}
      </p>
      {result.isCut ? (
        <Warning>Not every relation was looked at: the scan took too long. Scan fewer rows.</Warning>
      ) : null}
      {unread.length === 0 ? null : (
        <Warning>
          The role could not read all of <VisibleText text={unread.slice(0, unreadShown).join(', ')} />
          {unread.length > unreadShown ? `, and ${count(unread.length - unreadShown)} more` : ''}. What it cannot read,
          no caller reads through it.
        </Warning>
      )}
    </div>
  )
}

const Warning = ({ children }: { readonly children: ReactNode }) => (
  <p className="flex items-start gap-2 rounded-lg bg-hold-soft px-3 py-2 text-hold">
    <TriangleAlert aria-hidden size={16} className="mt-0.5 shrink-0" />
    <span className="min-w-0 [overflow-wrap:anywhere]">{children}</span>
  </p>
)

const AllLabelled = ({ covered }: { readonly covered: number }) => (
  <EmptyState title={covered === 0 ? 'Nothing looks like personal data or a secret' : 'Every proposal is labelled'}>
    {covered === 0
      ? 'A sample is no proof: free text and rare values can be missed. Label what you know by hand.'
      : 'Masks by label apply to these columns. Scan again when the schema changes.'}
  </EmptyState>
)

function columnsOf(accepted: ReadonlySet<string>, toggle: (key: string) => void): readonly Column<FoundColumn>[] {
  return [
    {
      name: 'column',
      head: 'Column',
      grow: true,
      cell: (row) => <Choice row={row} isAccepted={accepted.has(keyOf(row))} toggle={toggle} />,
    },
    {
      name: 'label',
      head: 'Proposed label',
      cell: (row) => (row.label === null ? <None /> : <Badge tone="mask">{row.label}</Badge>),
      isSpare: (row) => row.label === null,
    },
    {
      name: 'evidence',
      head: 'Because',
      cell: (row) => <Because row={row} />,
      isSpare: (row) => row.label === null && evidenceText(row) === '',
    },
    {
      name: 'labelled',
      head: 'Labelled now',
      cell: (row) => (row.labelled.length === 0 ? <None /> : row.labelled.join(', ')),
      isSpare: (row) => row.labelled.length === 0,
    },
  ]
}

const None = () => <span className="text-ink-3">–</span>

function Choice(props: {
  readonly row: FoundColumn
  readonly isAccepted: boolean
  readonly toggle: (key: string) => void
}) {
  const { row, isAccepted, toggle } = props
  const name = (
    <span className="min-w-0 font-mono text-[13px] break-all">
      <span className="text-ink-3">
        <VisibleText text={`${row.schema}.${row.relation}.`} />
      </span>
      <VisibleText text={row.column} />
    </span>
  )
  if (!isOpen(row))
    return (
      <span className="flex min-h-6 items-center gap-3">
        {row.label === null ? (
          <span aria-hidden className="size-4 shrink-0" />
        ) : (
          <CircleCheck aria-label="labelled already" size={16} className="shrink-0 text-allow" />
        )}
        {name}
      </span>
    )
  return (
    <label className="flex min-h-6 cursor-pointer items-center gap-3">
      <input
        type="checkbox"
        className="size-4 shrink-0 accent-accent"
        checked={isAccepted}
        aria-label={`Accept ${row.label} for ${row.schema}.${row.relation}.${row.column}`}
        onChange={() => toggle(keyOf(row))}
      />
      <span className={isAccepted ? '' : 'line-through decoration-ink-3'}>{name}</span>
    </label>
  )
}

function Because({ row }: { readonly row: FoundColumn }) {
  const text = evidenceText(row)
  if (row.evidence === 'name')
    return (
      <span className="text-ink-2 md:whitespace-nowrap">its name{text === '' ? ', not its values' : `; ${text}`}</span>
    )
  return text === '' ? <None /> : <span className="text-ink-2 tabular-nums md:whitespace-nowrap">{text}</span>
}
