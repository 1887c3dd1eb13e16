// What a rule that grants lets somebody do: a chip for each operation, the objects, the condition and the hours.
import type { Grant } from '@sallyport/api/grants'
import { TriangleAlert } from 'lucide-react'
import { EffectChip } from '../approvals/Effects.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { duringText } from '../util/format.ts'

type Scope = Pick<Grant, 'operations' | 'objects' | 'when' | 'during'>

function Operations({ operations, small }: Pick<Scope, 'operations'> & { readonly small: boolean }) {
  if (operations === null)
    return (
      <span
        className={`inline-flex items-center gap-1.5 rounded-md bg-deny font-medium text-surface ${small ? 'px-1.5 py-px text-xs' : 'px-2 py-1 text-[13px]'}`}
      >
        <TriangleAlert aria-hidden size={13} />
        any operation
      </span>
    )
  return operations.map((operation) => <EffectChip key={operation} operation={operation} small={small} />)
}

/** One line for lists: `names` objects at most are named and the others counted; the card shows all. */
export function ScopeLine({
  scope,
  names = 2,
}: {
  readonly scope: Pick<Scope, 'operations' | 'objects'>
  readonly names?: number
}) {
  const { operations, objects } = scope
  const more = Math.max(0, (objects?.length ?? 0) - names)
  return (
    <span className="flex min-w-0 flex-wrap items-center gap-1.5">
      <Operations operations={operations} small />
      <span className="min-w-0 [overflow-wrap:anywhere]">
        {objects === null ? (
          <span className="text-xs text-ink-3">every object</span>
        ) : (
          <span className="font-mono text-[13px]">
            <VisibleText text={objects.slice(0, names).join(', ')} inOrder />
          </span>
        )}
      </span>
      {more > 0 ? <span className="text-xs text-ink-3">+{more}</span> : null}
    </span>
  )
}

/** All of it, for cards and forms. */
export function ScopeFacts({ scope }: { readonly scope: Scope }) {
  const { operations, objects, when, during } = scope
  return (
    <div className="space-y-2">
      <p className="flex flex-wrap items-center gap-1.5">
        <Operations operations={operations} small={false} />
      </p>
      {objects === null ? (
        <p className="text-[13px] text-ink-2">on every object of the target</p>
      ) : (
        <p className="flex flex-wrap items-baseline gap-x-2 gap-y-1 text-[13px] text-ink-2">
          on
          {objects.map((object) => (
            <code
              key={object}
              className="rounded bg-surface-2 px-1.5 py-0.5 font-mono text-[13px] text-ink [overflow-wrap:anywhere]"
            >
              <VisibleText text={object} inOrder />
            </code>
          ))}
        </p>
      )}
      {when === null ? null : (
        <p className="text-[13px] text-ink-2">
          only when{' '}
          <code className="rounded bg-surface-2 px-1.5 py-0.5 font-mono text-[13px] text-ink [overflow-wrap:anywhere]">
            <VisibleText text={when} inOrder />
          </code>
        </p>
      )}
      {during === null ? null : <p className="text-[13px] text-ink-2">only {duringText(during)}</p>}
    </div>
  )
}
