// Under the editor: what the control plane says about the draft. A problem is a button that goes to its place.
import { CircleCheck, CircleHelp, CircleX, LoaderCircle, TriangleAlert } from 'lucide-react'
import { plural } from '../util/format.ts'
import type { PlacedProblem } from './problem-place.ts'
import type { Validation } from './validation.ts'

const line = 'flex min-h-10 items-start gap-2 px-4 py-2.5'

export function ProblemList({
  validation,
  onGoTo,
}: {
  readonly validation: Validation
  readonly onGoTo: (problem: PlacedProblem) => void
}) {
  return (
    <div className="shrink-0 border-t border-line bg-canvas" aria-live="polite">
      <Verdict validation={validation} />
      {validation.kind === 'problems' ? (
        <ul aria-label="Problems" className="max-h-36 divide-y divide-line overflow-y-auto border-t border-line">
          {validation.problems.map((problem) => (
            <li key={`${problem.from} ${problem.message}`}>
              <button
                type="button"
                onClick={() => onGoTo(problem)}
                className="flex min-h-9 w-full gap-3 px-4 py-2 text-left hover:bg-surface-2 focus-visible:outline-offset-[-2px]"
              >
                <span className="w-14 shrink-0 text-xs leading-5 text-ink-3 tabular-nums">line {problem.line}</span>
                <span className="min-w-0 [overflow-wrap:anywhere]">
                  {problem.message}
                  {problem.path === '' ? null : (
                    <span className="block font-mono text-xs text-ink-3">{problem.path}</span>
                  )}
                </span>
              </button>
            </li>
          ))}
        </ul>
      ) : null}
      {validation.kind === 'sound' && validation.result.warnings.length > 0 ? (
        <ul aria-label="Warnings" className="divide-y divide-line border-t border-line">
          {validation.result.warnings.map((warning) => (
            <li key={`${warning.path} ${warning.message}`} className={`${line} text-hold`}>
              <TriangleAlert aria-hidden size={16} className="mt-0.5 shrink-0" />
              <span className="min-w-0 [overflow-wrap:anywhere]">
                {warning.message}
                <span className="block font-mono text-xs">{warning.path}</span>
              </span>
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  )
}

function Verdict({ validation }: { readonly validation: Validation }) {
  switch (validation.kind) {
    case 'checking':
      return (
        <p className={`${line} text-ink-3`}>
          <LoaderCircle aria-hidden size={16} className="mt-0.5 shrink-0 animate-spin" />
          Checking…
        </p>
      )
    case 'sound':
      return (
        <p className={`${line} text-allow`}>
          <CircleCheck aria-hidden size={16} className="mt-0.5 shrink-0" />
          Sound. {changesText(validation.result.changes)}
        </p>
      )
    case 'problems':
      return (
        <p className={`${line} font-medium text-deny`}>
          <CircleX aria-hidden size={16} className="mt-0.5 shrink-0" />
          {plural(validation.problems.length, 'problem')}; F8 goes to the next one
        </p>
      )
    case 'unknown':
      return (
        <p className={`${line} text-ink-2`}>
          <CircleHelp aria-hidden size={16} className="mt-0.5 shrink-0" />
          <span>{validation.reason}</span>
        </p>
      )
  }
}

interface Change {
  readonly kind: string
  readonly name: string
  readonly change: 'created' | 'updated' | 'unchanged'
  readonly version: number
}

/** `Policy orders becomes version 4.` */
export function changesText(changes: readonly Change[]): string {
  const real = changes.filter((change) => change.change !== 'unchanged')
  if (real.length === 0) return 'Nothing would change.'
  return real
    .map(({ kind, name, change, version }) =>
      change === 'created' ? `${kind} ${name} would be created.` : `${kind} ${name} would become version ${version}.`,
    )
    .join(' ')
}
