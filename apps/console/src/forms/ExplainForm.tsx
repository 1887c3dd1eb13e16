// What would happen to a statement of somebody: the control plane asks the same engine as the data path, with a draft in
// place of what is stored when there is one.
import type { ExplainResult } from '@sallyport/api/resources'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Play } from 'lucide-react'
import { useState } from 'react'
import { resourcesQuery } from '../api/queries.ts'
import { Button } from '../ui/Button.tsx'
import { Card } from '../ui/Card.tsx'
import { type PolicyView, selects, targetOf } from './documents.ts'
import { Explanation } from './Explanation.tsx'
import { Field, FormError, fieldShape } from './Field.tsx'
import { type Asked, explain, failureText } from './queries.ts'
import { type Option, SelectField } from './SelectField.tsx'

interface ExplainFormProps {
  readonly title: string
  /** Its targets come first in the choice. */
  readonly policy: PolicyView | null
  /** The draft; absent, the stored documents count. */
  readonly yaml?: string
  /** Why a draft cannot be tried. */
  readonly why?: string | undefined
}

export function ExplainForm({ title, policy, yaml, why }: ExplainFormProps) {
  const targets = useQuery(resourcesQuery('targets'))
  const names = inOrder(targets.data?.items ?? [], policy)
  const [chosen, setChosen] = useState<string | null>(null)
  const [sql, setSql] = useState('SELECT * FROM public.customers')
  const [groups, setGroups] = useState<readonly string[]>([])
  const [kind, setKind] = useState<Kind>('user')
  const target = chosen ?? names[0] ?? ''
  const asking = useMutation({ mutationFn: (asked: Asked) => explain(asked) })
  const unable = target === '' ? 'Needs a target' : sql.trim() === '' ? 'Write a statement' : why
  const ask = () => {
    if (unable !== undefined || asking.isPending) return
    asking.mutate({ target, sql, groups: [...groups], kind, ...(yaml === undefined ? {} : { yaml }) })
  }
  return (
    <Card title={title} lead="Nothing runs: the engine of the data path only says what it would decide.">
      <form
        className="space-y-3"
        onSubmit={(event) => {
          event.preventDefault()
          ask()
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return
          event.preventDefault()
          ask()
        }}
      >
        <StatementField sql={sql} onChange={setSql} />
        <TargetAndCaller names={names} target={target} kind={kind} onTarget={setChosen} onKind={setKind} />
        <Groups chosen={groups} onChange={setGroups} />
        <Button
          type="submit"
          icon={<Play aria-hidden size={15} />}
          keys="mod+Enter"
          busy={asking.isPending}
          {...(unable === undefined ? {} : { why: unable })}
        >
          Explain
        </Button>
      </form>
      <div aria-live="polite" className="mt-4 empty:hidden">
        <Answer result={asking.data} error={asking.error} />
      </div>
    </Card>
  )
}

function StatementField({ sql, onChange }: { readonly sql: string; readonly onChange: (sql: string) => void }) {
  return (
    <Field label="Statement">
      {(props) => (
        <textarea
          {...props}
          className={`${fieldShape} min-h-20 resize-y py-2 font-mono text-[13px] leading-5`}
          value={sql}
          onChange={(event) => onChange(event.target.value)}
          rows={3}
          spellCheck={false}
        />
      )}
    </Field>
  )
}

type Kind = 'user' | 'workload'
const kinds: readonly Option<Kind>[] = [
  { value: 'user', label: 'a person' },
  { value: 'workload', label: 'a workload' },
]

function TargetAndCaller({
  names,
  target,
  kind,
  onTarget,
  onKind,
}: {
  readonly names: readonly string[]
  readonly target: string
  readonly kind: Kind
  readonly onTarget: (name: string) => void
  readonly onKind: (kind: Kind) => void
}) {
  return (
    <div className="grid grid-cols-2 gap-3">
      <SelectField
        label="Target"
        value={target}
        options={
          names.length === 0
            ? [{ value: '', label: 'no target yet' }]
            : names.map((name) => ({ value: name, label: name }))
        }
        onChange={onTarget}
      />
      <SelectField label="Caller" value={kind} options={kinds} onChange={onKind} />
    </div>
  )
}

function Answer({ result, error }: { readonly result: ExplainResult | undefined; readonly error: Error | null }) {
  if (error !== null) return <FormError>{failureText(error)}</FormError>
  return result === undefined ? null : <Explanation result={result} />
}

/** Groups that exist, as boxes to tick; the caller is somebody in all of them. */
function Groups({
  chosen,
  onChange,
}: {
  readonly chosen: readonly string[]
  readonly onChange: (groups: readonly string[]) => void
}) {
  const groups = useQuery(resourcesQuery('groups'))
  const names = (groups.data?.items ?? []).map((group) => group.name)
  if (names.length === 0) return null
  return (
    <fieldset>
      <legend className="mb-1 font-medium">In these groups</legend>
      <div className="flex max-h-28 flex-wrap gap-1.5 overflow-y-auto">
        {names.map((name) => (
          <label
            key={name}
            className="inline-flex min-h-7 items-center gap-1.5 rounded-md border border-line px-2 text-xs font-medium has-checked:border-accent has-checked:bg-accent-soft has-checked:text-accent"
          >
            <input
              type="checkbox"
              className="accent-accent"
              checked={chosen.includes(name)}
              onChange={(event) =>
                onChange(event.target.checked ? [...chosen, name] : chosen.filter((one) => one !== name))
              }
            />
            {name}
          </label>
        ))}
      </div>
    </fieldset>
  )
}

/** Targets of the policy, then the others. */
function inOrder(
  resources: readonly { readonly name: string; readonly document?: unknown }[],
  policy: PolicyView | null,
): readonly string[] {
  const isSelected = (document: unknown): boolean => {
    const target = targetOf(document)
    return target !== null && policy !== null && selects(policy, target)
  }
  const first = resources.filter((resource) => isSelected(resource.document))
  return [...first, ...resources.filter((resource) => !first.includes(resource))].map((resource) => resource.name)
}
