// One trace across sessions: what a call did at each target, by time, each step below the one that led to it.
import type { TracedStatement } from '@sallyport/api/recordings'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Route as RouteIcon } from 'lucide-react'
import { RequestError } from '../api/errors.ts'
import { traceQuery } from '../api/queries.ts'
import { traceRoute } from '../router.tsx'
import { Badge } from '../ui/Badge.tsx'
import { CopyButton } from '../ui/CopyButton.tsx'
import { PageHead, useTitle } from '../ui/Frame.tsx'
import { ErrorState, Panel, Skeleton } from '../ui/States.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { count, duration, plural } from '../util/format.ts'
import { paths } from '../util/paths.ts'

export function TracePage() {
  const { id } = traceRoute.useParams()
  const trace = useQuery(traceQuery(id))
  if (trace.data !== undefined) return <Timeline id={id} items={trace.data.items} isCut={trace.data.cut} />
  if (trace.isPending) return <Skeleton label="Loading the trace" rows={6} />
  if (trace.error instanceof RequestError && trace.error.status === 404) return <NotThere />
  return <ErrorState error={trace.error} retry={() => void trace.refetch()} />
}

function NotThere() {
  useTitle('No such trace')
  return (
    <Panel
      icon={<RouteIcon size={22} />}
      title="Nothing of this trace is recorded"
      action={
        <Link to={paths.sessions()} className="link">
          See all sessions
        </Link>
      }
    >
      <p>A trace has 32 hex digits, as in the traceparent that a caller sends.</p>
    </Panel>
  )
}

interface TimelineOf {
  readonly id: string
  readonly items: readonly TracedStatement[]
  readonly isCut: boolean
}

function Timeline({ id, items, isCut }: TimelineOf) {
  const targets = new Set(items.map(({ target }) => target))
  const startMs = Date.parse(items[0]?.at ?? '')
  return (
    <>
      <PageHead
        title="Trace"
        lead={`${plural(items.length, 'step')} at ${plural(targets.size, 'target')}. Of which trace a step is, its caller says.`}
      >
        <span className="flex min-w-0 items-center gap-1 font-mono text-[13px] text-ink-2">
          <span className="break-all">{id}</span>
          <CopyButton text={id} what="the trace" />
        </span>
      </PageHead>
      <ol className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface shadow-card">
        {items.map((item) => (
          <Step key={`${item.session} ${item.seq}`} item={item} afterMs={Date.parse(item.at) - startMs} />
        ))}
      </ol>
      {isCut ? <p className="mt-3 text-xs text-ink-3">Only the first {count(items.length)} steps are shown.</p> : null}
    </>
  )
}

/** Deeper ones stand as deep as this: a phone is narrow. */
const depthMax = 4

const kindWords: Readonly<Record<string, string>> = { http: 'HTTP', mcp: 'MCP', simple: 'SQL', extended: 'SQL' }

function Step({ item, afterMs }: { readonly item: TracedStatement; readonly afterMs: number }) {
  const { session, seq, target, protocol, initiator, text, objects, depth } = item
  return (
    <li className="px-4 py-3" style={{ paddingInlineStart: `${1 + Math.min(depth, depthMax)}rem` }}>
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1 text-xs text-ink-3">
        <span className="tabular-nums">+{count(afterMs)} ms</span>
        <Badge tone="accent" icon={null}>
          {kindWords[protocol] ?? protocol}
        </Badge>
        <span className="font-medium text-ink-2">{target}</span>
        <span>
          for {initiator.display}
          {initiator.assurance === 'claimed' ? ' (claimed)' : ''}
        </span>
        <End item={item} />
      </div>
      <Link
        to="/sessions/$id"
        params={{ id: session }}
        search={{ e: seq }}
        className="link mt-1 block font-mono text-[13px] leading-5 [overflow-wrap:anywhere]"
      >
        <VisibleText text={text === '' ? '(no text)' : text} />
      </Link>
      {objects.length === 0 ? null : (
        <p className="mt-1 text-xs [overflow-wrap:anywhere] text-ink-3">{objects.join(', ')}</p>
      )}
    </li>
  )
}

function End({ item: { kind, code, result, durationUs, rows } }: { readonly item: TracedStatement }) {
  if (code !== null) return <Badge tone="deny">{code}</Badge>
  if (kind === 'held') return <Badge tone="hold">held</Badge>
  if (result === null) return <span>no end recorded</span>
  if (result === 'failed') return <Badge tone="deny">failed</Badge>
  return (
    <>
      <Badge tone="allow">done</Badge>
      {durationUs === null ? null : <span>{duration(durationUs)}</span>}
      {rows === null || rows === 0 ? null : <span>{plural(rows, 'row')}</span>}
    </>
  )
}
