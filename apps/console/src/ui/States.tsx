// What a page shows when it has nothing to show: loading, empty, failed, forbidden. Each says what to do next.
import { CloudOff, Inbox, Lock, SearchX, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { useEffect, useState } from 'react'
import { RequestError } from '../api/errors.ts'
import { headline, sentence } from '../util/format.ts'
import { Button } from './Button.tsx'
import { CopyButton } from './CopyButton.tsx'

/** Milliseconds before a skeleton shows: quick answers do not flash. */
const skeletonAfterMs = 150

export function Skeleton({ rows = 6, label }: { readonly rows?: number; readonly label: string }) {
  const [shown, setShown] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), skeletonAfterMs)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div role="status" aria-label={label} className="space-y-3 py-2">
      {shown
        ? Array.from({ length: rows }, (_, row) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows of a skeleton have no identity
            <div key={row} className="h-11 animate-pulse rounded-lg bg-surface-2 motion-reduce:animate-none" />
          ))
        : null}
    </div>
  )
}

/** An icon, a title, words, and what to do: the shape of every state. */
export function Panel({
  icon,
  title,
  children,
  action,
  heading: Heading = 'h2',
}: {
  readonly icon: ReactNode
  readonly title: string
  readonly children: ReactNode
  readonly action?: ReactNode
  /** `h1` where the panel is the whole page. */
  readonly heading?: 'h1' | 'h2'
}) {
  return (
    <div className="mx-auto flex max-w-md flex-col items-center gap-1.5 px-6 py-14 text-center">
      <span aria-hidden className="mb-2 rounded-2xl border border-line bg-surface p-3 text-ink-2 shadow-card">
        {icon}
      </span>
      <Heading className="text-base font-semibold text-balance">{title}</Heading>
      <div className="text-pretty text-ink-2">{children}</div>
      {action === undefined ? null : <div className="mt-4">{action}</div>}
    </div>
  )
}

export function EmptyState({
  title,
  children,
  action,
}: {
  readonly title: string
  readonly children: ReactNode
  readonly action?: ReactNode
}) {
  return (
    <Panel icon={<Inbox size={22} />} title={title} action={action}>
      {children}
    </Panel>
  )
}

/** The problem as the server told it: title, next step, request id; forbidden says which role is missing. */
export function ErrorState({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  const failed = error instanceof RequestError ? error : null
  if (failed?.problem?.code === 'ROLE_MISSING') {
    return (
      <Panel icon={<Lock size={22} />} title="Not for your role">
        <p>{sentence(failed.problem.detail)}</p>
        <p className="mt-1 text-sm text-ink-3">
          {failed.problem.hint !== undefined
            ? sentence(failed.problem.hint)
            : 'Roles come from your groups; an administrator maps them.'}
        </p>
      </Panel>
    )
  }
  const again = retry === undefined ? undefined : <Button onClick={retry}>Try again</Button>
  const offline = failed?.status === 0
  if (failed?.status === 404)
    return (
      <Panel icon={<SearchX size={22} />} title="Not found" action={again}>
        <p>{sentence(failed.message)}</p>
        <p className="mt-1 text-sm text-ink-3">It may be gone by retention, or it is not yours to see.</p>
      </Panel>
    )
  return (
    <Panel
      icon={offline ? <CloudOff size={22} /> : <TriangleAlert size={22} />}
      title={
        failed?.problem?.title === undefined
          ? offline
            ? 'No connection'
            : 'This did not work'
          : headline(failed.problem.title)
      }
      action={again}
    >
      <p>
        {failed !== null
          ? sentence(failed.message)
          : 'The answer could not be read. Reload the page; if it stays, the console and the control plane differ in version.'}
      </p>
      {failed?.problem?.hint === undefined ? null : <p className="mt-1">{sentence(failed.problem.hint)}</p>}
      {failed === null || failed.problem === null ? null : (
        <p className="mt-3 flex items-center justify-center gap-1 font-mono text-xs text-ink-3">
          request {failed.problem.requestId}
          <CopyButton text={failed.problem.requestId} what="the request id" quiet />
        </p>
      )}
    </Panel>
  )
}
