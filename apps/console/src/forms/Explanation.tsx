// The answer to "what would happen": decision first, then the rule, the columns, and the whole trace.
import type { ExplainResult } from '@sallyport/api/resources'
import { Badge, type Tone } from '../ui/Badge.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { plural } from '../util/format.ts'

type Statement = ExplainResult['statements'][number]

export function Explanation({ result }: { readonly result: ExplainResult }) {
  return (
    <div className="space-y-4 border-t border-line pt-4">
      {result.catalogVersion === null ? (
        <p className="text-xs text-hold">
          No agent has sent the catalog of {result.target} yet, so names of tables cannot be looked up.
        </p>
      ) : null}
      {result.statements.map((statement, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: statements of one answer never move
        <Verdict key={index} statement={statement} isOnly={result.statements.length === 1} />
      ))}
    </div>
  )
}

const words: Readonly<Record<Statement['decision'], string>> = {
  allow: 'Would be allowed',
  deny: 'Would be denied',
  hold: 'Would wait for a person',
}

function Verdict({ statement, isOnly }: { readonly statement: Statement; readonly isOnly: boolean }) {
  const masked = (statement.output ?? []).filter((column) => column.mask !== null)
  return (
    <section aria-label={words[statement.decision]} className="space-y-2">
      {isOnly ? null : (
        <p className="font-mono text-xs [overflow-wrap:anywhere] text-ink-3">
          <VisibleText text={statement.text} />
        </p>
      )}
      <p className="flex flex-wrap items-center gap-2 font-semibold">
        <Badge tone={statement.decision}>{statement.decision}</Badge>
        {words[statement.decision]}
      </p>
      <p className="text-ink-2">
        <VisibleText text={statement.message} />
      </p>
      {statement.maskRefusal === null ? null : (
        <p className="text-deny">
          <VisibleText text={statement.maskRefusal} />
        </p>
      )}
      {masked.length === 0 ? null : (
        <ul className="space-y-1">
          {masked.map((column, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: result columns may share a name
            <li key={index} className="flex flex-wrap items-center gap-2">
              <Badge tone="mask">{column.mask}</Badge>
              <span className="font-mono text-xs [overflow-wrap:anywhere]">
                <VisibleText text={column.sources.length === 0 ? column.name : column.sources.join(', ')} />
              </span>
            </li>
          ))}
        </ul>
      )}
      <Effects statement={statement} />
      <Trace statement={statement} />
    </section>
  )
}

function Effects({ statement }: { readonly statement: Statement }) {
  const shown = statement.effects.filter((effect) => !effect.baseline)
  if (shown.length === 0 && statement.unknowns.length === 0) return null
  return (
    <ul className="flex flex-wrap gap-1">
      {shown.map((effect) => (
        <li key={`${effect.operation} ${effect.object} ${effect.via}`}>
          <Badge>
            {effect.operation} {effect.object}
            {effect.via === 'derived' ? ' (derived)' : ''}
          </Badge>
        </li>
      ))}
      {statement.unknowns.map((unknown) => (
        <li key={unknown}>
          <Badge tone="deny">{unknown}</Badge>
        </li>
      ))}
    </ul>
  )
}

const outcomeTones: Readonly<Record<string, Tone>> = { matched: 'accent', 'condition-error': 'deny' }

function Trace({ statement }: { readonly statement: Statement }) {
  if (statement.trace.length === 0) return <p className="text-xs text-ink-3">No rule concerns it.</p>
  return (
    <details className="rounded-lg border border-line" open={statement.trace.length <= 4}>
      <summary className="min-h-9 px-3 py-2 text-xs font-medium text-ink-2">
        Trace: {plural(statement.trace.length, 'line')}
      </summary>
      <ol className="divide-y divide-line border-t border-line text-xs">
        {statement.trace.map((line, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines of one trace never move
          <li key={index} className="px-3 py-2">
            <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
              <span className="font-medium">{line.effect}</span>
              <span className="font-mono [overflow-wrap:anywhere]">
                {line.policy}/{line.rule}
              </span>
              <Badge tone={outcomeTones[line.outcome] ?? 'neutral'}>{line.outcome}</Badge>
            </p>
            <p className="[overflow-wrap:anywhere] text-ink-3">
              {[line.object, line.principal, line.note].filter((part) => part !== '').join(' · ')}
            </p>
          </li>
        ))}
      </ol>
    </details>
  )
}
