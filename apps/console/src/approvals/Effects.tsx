// What a request does, by the parser: one chip for each operation and object; what writes is red, with an icon and a word.
import type { Approval, ApprovalItem } from '@sallyport/api/approvals'
import { Eye, EyeOff, PencilLine, Wrench } from 'lucide-react'
import type { ReactNode } from 'react'
import { VisibleText } from '../ui/VisibleText.tsx'
import { count, plural } from '../util/format.ts'
import { type Weight, weightOf } from './risk.ts'

const tones: Readonly<Record<Weight, string>> = {
  schema: 'bg-deny text-surface',
  write: 'bg-deny-soft text-deny',
  read: 'bg-surface-2 text-ink',
}
const icons: Readonly<Record<Weight, ReactNode>> = {
  schema: <Wrench aria-hidden size={13} />,
  write: <PencilLine aria-hidden size={13} />,
  read: <Eye aria-hidden size={13} />,
}
const words: Readonly<Record<Weight, string>> = { schema: 'changes schema', write: 'writes', read: 'reads' }

/** `DELETE public.orders`. */
export function EffectChip({
  operation,
  object,
  small = false,
}: {
  readonly operation: string
  readonly object?: string
  readonly small?: boolean
}) {
  const weight = weightOf(operation)
  return (
    <span
      title={words[weight]}
      className={`inline-flex max-w-full min-w-0 items-center gap-1.5 rounded-md font-mono font-medium ${small ? 'px-1.5 py-px text-xs' : 'px-2 py-1 text-[13px]'} ${tones[weight]}`}
    >
      <span className="shrink-0">{icons[weight]}</span>
      <span className="sr-only">{words[weight]}</span>
      <span className="font-bold uppercase">{operation.replace(/^http\./, '')}</span>
      {object === undefined ? null : (
        <span className="min-w-0 [overflow-wrap:anywhere]">
          <VisibleText text={object} inOrder />
        </span>
      )}
    </span>
  )
}

interface Effect {
  readonly operation: string
  readonly object: string
}
/** Chips of one kind at first; the rest is counted and one press away. */
const chipsMax = 12

function unique(effects: readonly Effect[]): readonly Effect[] {
  return [...new Map(effects.map((effect) => [`${effect.operation} ${effect.object}`, effect])).values()].toSorted(
    (a, b) => rank(a.operation) - rank(b.operation),
  )
}
const rank = (operation: string): number => ['schema', 'write', 'read'].indexOf(weightOf(operation))

/** Direct effects as chips, heaviest first; derived ones in smaller print; functions and masked columns in words. */
export function Effects({ approval }: { readonly approval: Approval }) {
  const parts = approval.statement?.parts ?? []
  const effects = parts.flatMap((part) => part.effects)
  const direct = unique(effects.filter((effect) => effect.via === 'direct'))
  const derived = unique(effects.filter((effect) => effect.via === 'derived'))
  const functions = [...new Set(parts.flatMap((part) => part.functions))]
  const masked = parts.reduce((sum, part) => sum + part.maskedColumns, 0)
  const shown = direct.slice(0, chipsMax)
  return (
    <div className="space-y-1.5">
      <ul className="flex flex-wrap gap-1.5">
        {direct.length === 0
          ? approval.verbs.map((verb) => (
              <li key={verb} className="max-w-full">
                <EffectChip operation={verb} />
              </li>
            ))
          : shown.map((effect) => (
              <li key={`${effect.operation} ${effect.object}`} className="max-w-full">
                <EffectChip operation={effect.operation} object={effect.object} />
              </li>
            ))}
        {masked === 0 ? null : (
          <li className="inline-flex items-center gap-1.5 rounded-md bg-mask-soft px-2 py-1 text-[13px] font-medium text-mask">
            <EyeOff aria-hidden size={13} />
            {plural(masked, 'masked column')}
          </li>
        )}
      </ul>
      <More title={`${count(direct.length - shown.length)} more`} effects={direct.slice(chipsMax)} />
      {derived.length === 0 ? null : (
        <p className="flex flex-wrap items-center gap-1.5 text-xs text-ink-3">
          <span title="by views, triggers, foreign keys or functions">derived</span>
          {derived.slice(0, chipsMax).map((effect) => (
            <EffectChip key={`${effect.operation} ${effect.object}`} {...effect} small />
          ))}
          {derived.length > chipsMax ? <b className="text-deny">+{count(derived.length - chipsMax)} more</b> : null}
        </p>
      )}
      {functions.length === 0 ? null : (
        <p className="text-xs text-ink-3">
          calls{' '}
          <span className="font-mono">
            <VisibleText text={functions.join(', ')} inOrder />
          </span>
        </p>
      )}
    </div>
  )
}

function More({ title, effects }: { readonly title: string; readonly effects: readonly Effect[] }) {
  if (effects.length === 0) return null
  return (
    <details>
      <summary className="text-xs font-semibold text-deny">{title}</summary>
      <ul className="mt-1.5 flex flex-wrap gap-1.5">
        {effects.map((effect) => (
          <li key={`${effect.operation} ${effect.object}`} className="max-w-full">
            <EffectChip operation={effect.operation} object={effect.object} />
          </li>
        ))}
      </ul>
    </details>
  )
}

/** In a list: verbs and the first object. */
export function ItemEffects({ item }: { readonly item: ApprovalItem }) {
  const [object] = item.objects
  const others = item.objectsInAll - 1
  const verbs = [...new Set(item.verbs)]
  return (
    <span className="flex min-w-0 flex-wrap items-center gap-1.5">
      {verbs.slice(0, 3).map((verb) => (
        <EffectChip key={verb} operation={verb} small />
      ))}
      {verbs.length > 3 ? <b className="text-xs text-deny">+{verbs.length - 3}</b> : null}
      {object === undefined ? null : (
        <span className="min-w-0 font-mono text-[13px] [overflow-wrap:anywhere]">
          <VisibleText text={object} inOrder />
        </span>
      )}
      {others > 0 ? <span className="text-xs text-ink-3">+{count(others)}</span> : null}
    </span>
  )
}
