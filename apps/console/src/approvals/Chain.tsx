// Who asks, on whose behalf, through whom: each name with its badge, verified or only claimed.
import type { Who } from '@sallyport/api/recordings'
import { ArrowRight, Bot, UserRound } from 'lucide-react'
import type { z } from 'zod'
import { Assurance } from '../ui/Badge.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'

type Principal = Omit<z.infer<typeof Who>, 'groups'>

export function PrincipalName({ who, strong = false }: { readonly who: Principal; readonly strong?: boolean }) {
  return (
    <span
      title={`${who.kind} ${who.subject} of ${who.issuer}`}
      className={`inline-flex min-w-0 items-center gap-1.5 ${strong ? 'font-semibold' : ''}`}
    >
      {who.kind === 'workload' ? (
        <Bot aria-label="workload" size={15} className="shrink-0 text-ink-3" />
      ) : (
        <UserRound aria-label="person" size={15} className="shrink-0 text-ink-3" />
      )}
      <span className="min-w-0 [overflow-wrap:anywhere]">
        <VisibleText text={who.display} />
      </span>
    </span>
  )
}

/** In the order of the call: from the initiator to the actor that has connected, which records name first. */
export function Chain({ initiator, actors }: { readonly initiator: Principal; readonly actors: readonly Principal[] }) {
  return (
    <ol className="flex flex-wrap items-center gap-x-2 gap-y-1">
      {[initiator, ...[...actors].reverse()].map((who, index) => (
        <li key={`${who.issuer} ${who.subject} ${who.kind}`} className="flex min-w-0 items-center gap-1.5">
          {index === 0 ? null : (
            <>
              <ArrowRight aria-hidden size={14} className="shrink-0 text-ink-3" />
              <span className="text-xs text-ink-3">through</span>
            </>
          )}
          <PrincipalName who={who} strong />
          <Assurance assurance={who.assurance} />
        </li>
      ))}
    </ol>
  )
}
