// Actions as sentences by day. Each opens to everything that was recorded about it.
import type { AdminAction } from '@sallyport/api/recordings'
import { ChevronRight, Eye, PenLine, TriangleAlert, Wrench } from 'lucide-react'
import { type ReactNode, useRef } from 'react'
import { Pairs } from '../ui/Card.tsx'
import { Mono } from '../ui/Code.tsx'
import { InAppLink } from '../ui/InAppLink.tsx'
import { useKeys } from '../ui/Keys.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { absoluteTime, clockTime } from '../util/format.ts'
import { type ActionGroup, actionObject, actionText, actorText } from './actions.ts'

const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })

const icons: Readonly<Record<ActionGroup, ReactNode>> = {
  change: <PenLine aria-hidden size={15} className="text-accent" />,
  read: <Eye aria-hidden size={15} className="text-ink-3" />,
  alarm: <TriangleAlert aria-hidden size={15} className="text-deny" />,
  other: <Wrench aria-hidden size={15} className="text-ink-3" />,
}

export function ActionList({ actions }: { readonly actions: readonly AdminAction[] }) {
  const list = useRef<HTMLDivElement>(null)
  const move = (step: number) => {
    const rows = [...(list.current?.querySelectorAll<HTMLElement>('summary') ?? [])]
    const at = rows.findIndex((row) => row.matches(':focus'))
    rows[Math.min(Math.max(at + step, 0), rows.length - 1)]?.focus()
  }
  // Enter opens by itself: the focus is on a summary.
  useKeys('Audit', [
    { keys: 'j', label: 'Next action', run: () => move(1) },
    { keys: 'k', label: 'Previous action', run: () => move(-1) },
  ])
  return (
    <div ref={list} className="space-y-4">
      {byDay(actions).map(([name, members]) => (
        <section key={name}>
          <h2 className="mb-1.5 text-xs font-medium text-ink-3">{name}</h2>
          <ul className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface shadow-card">
            {members.map((action) => (
              <li key={action.id}>
                <ActionRow action={action} />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  )
}

function byDay(actions: readonly AdminAction[]): readonly (readonly [string, readonly AdminAction[]])[] {
  const days = new Map<string, AdminAction[]>()
  for (const action of actions) {
    const name = day.format(Date.parse(action.at))
    days.set(name, [...(days.get(name) ?? []), action])
  }
  return [...days]
}

function ActionRow({ action }: { readonly action: AdminAction }) {
  const { group, verb, rest } = actionText(action)
  const actor = actorText(action.actor)
  const object = actionObject(action.object)
  return (
    <details className="group relative">
      <summary className="flex min-h-11 list-none items-start gap-2.5 px-4 py-2.5 hover:bg-surface-2 focus-visible:outline-offset-[-2px] [&::-webkit-details-marker]:hidden">
        <span className="mt-0.5 shrink-0">{icons[group]}</span>
        <span className="min-w-0 grow text-pretty [overflow-wrap:anywhere]">
          {group === 'alarm' ? <span className="font-semibold text-deny">Alarm: </span> : null}
          <span className="font-medium">
            <VisibleText text={actor.name} />
          </span>{' '}
          {verb} {object.kind}{' '}
          <span className="font-medium">
            <VisibleText text={object.name} />
          </span>
          {rest === '' ? null : (
            <>
              {' '}
              <VisibleText text={rest} />
            </>
          )}
        </span>
        <time
          dateTime={action.at}
          title={absoluteTime(Date.parse(action.at))}
          className="shrink-0 text-xs leading-5 text-ink-3 tabular-nums"
        >
          {clockTime(Date.parse(action.at))}
        </time>
        <ChevronRight
          aria-hidden
          size={15}
          className="mt-0.5 shrink-0 text-ink-3 transition-transform group-open:rotate-90"
        />
      </summary>
      <ActionFacts action={action} />
    </details>
  )
}

/** Everything that was recorded. */
function ActionFacts({ action }: { readonly action: AdminAction }) {
  const object = actionObject(action.object)
  return (
    <div className="px-4 pt-1 pb-4 pl-10 max-sm:pl-4">
      <Pairs
        pairs={[
          { name: 'Action', value: <Mono>{action.action}</Mono> },
          { name: 'Actor', value: <Mono>{action.actor}</Mono> },
          {
            name: 'Object',
            value:
              object.href === null ? (
                <Mono>{action.object}</Mono>
              ) : (
                <InAppLink href={object.href}>{action.object}</InAppLink>
              ),
          },
          { name: 'At', value: absoluteTime(Date.parse(action.at)) },
          ...Object.entries(action.detail).map(([name, value]) => ({
            name,
            value: (
              <Mono>
                <VisibleText text={typeof value === 'string' ? value : JSON.stringify(value)} />
              </Mono>
            ),
          })),
          { name: 'Id', value: <Mono>{action.id}</Mono> },
        ]}
      />
    </div>
  )
}
