// A new policy: choose what to begin with, then write. Names of groups and targets that exist are filled in.
import { useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { ArrowLeft, FileText } from 'lucide-react'
import { useState } from 'react'
import { Button } from '../ui/Button.tsx'
import { PageHead } from '../ui/Frame.tsx'
import { paths } from '../util/paths.ts'
import { LeaveQuestion } from './LeaveQuestion.tsx'
import { PolicyDraft } from './PolicyDraft.tsx'
import { useKnownNames, useReadOnly } from './queries.ts'
import { policyTemplates } from './templates.ts'

const empty = `apiVersion: sallyport.dev/v1
kind: Policy
metadata:
  name: 
spec:
  targets:
    names: []
  rules: []
`

export function NewPolicy() {
  const [text, setText] = useState<string | null>(null)
  const queries = useQueryClient()
  const navigate = useNavigate()
  const [isSaved, setSaved] = useState(false)
  return (
    <>
      <Link
        to={paths.policies()}
        className="mb-1 -ml-1 inline-flex min-h-7 items-center gap-1 rounded-md px-1 text-xs font-medium text-ink-3 hover:text-ink"
      >
        <ArrowLeft aria-hidden size={14} />
        Policies
      </Link>
      <PageHead
        title="New policy"
        lead={
          text === null
            ? 'Begin with what comes closest; everything can be changed.'
            : 'It counts when you save it, not before.'
        }
      >
        {text === null ? null : <Button onClick={() => setText(null)}>Another template</Button>}
      </PageHead>
      {text === null ? (
        <Templates onChoose={setText} />
      ) : (
        <PolicyDraft
          current={null}
          draft={{ text, version: 0, stored: '' }}
          onChange={setText}
          onRebase={() => {}}
          onDiscard={() => setText(null)}
          onSaved={async ({ changes }) => {
            setSaved(true)
            await queries.invalidateQueries({ queryKey: ['resources'] })
            const made = changes.find((change) => change.kind === 'Policy')?.name
            await navigate({ to: made === undefined ? paths.policies() : paths.policy(made), ignoreBlocker: true })
          }}
        />
      )}
      <LeaveQuestion isDirty={text !== null && !isSaved} lead="The new policy is only on this page." />
    </>
  )
}

function Templates({ onChoose }: { readonly onChoose: (text: string) => void }) {
  const names = useKnownNames()
  const readOnly = useReadOnly()
  const group = names.groups[0] ?? 'engineering'
  const known = {
    group,
    reviewers: names.groups.find((name) => name !== group) ?? group,
    target: names.targets[0] ?? 'orders',
  }
  const choices = [
    ...policyTemplates.map(({ name, title, about, make }) => ({ name, title, about, text: make(known) })),
    {
      name: 'empty',
      title: 'Empty',
      about: 'Write it yourself; Ctrl-Space suggests what may stand where you are.',
      text: empty,
    },
  ]
  return (
    <>
      {readOnly === undefined ? null : <p className="mb-3 text-hold">{readOnly} You can try one, and not save it.</p>}
      <ul className="grid gap-3 sm:grid-cols-2 xl:grid-cols-3">
        {choices.map((choice) => (
          <li key={choice.name}>
            <button
              type="button"
              onClick={() => onChoose(choice.text)}
              className="flex h-full w-full items-start gap-3 rounded-xl border border-line bg-surface p-4 text-left shadow-card hover:border-line-strong hover:bg-surface-2"
            >
              <FileText aria-hidden size={18} className="mt-0.5 shrink-0 text-accent" />
              <span>
                <span className="block font-semibold">{choice.title}</span>
                <span className="block text-pretty text-ink-2">{choice.about}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </>
  )
}
