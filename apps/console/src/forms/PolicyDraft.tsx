// A policy being changed: the text, what is wrong with it, what it would do, and the way to save it.
// Ctrl-S shows what changes and asks once more; nothing counts before that.
import type { ApplyResult, Resource } from '@sallyport/api/resources'
import { useRef, useState } from 'react'
import { Button } from '../ui/Button.tsx'
import { useKeys } from '../ui/Keys.tsx'
import { policyOf } from './documents.ts'
import { ExplainForm } from './ExplainForm.tsx'
import { YamlEditor, type YamlEditorControl } from './editor/YamlEditor.tsx'
import { ProblemList } from './ProblemList.tsx'
import type { PlacedProblem } from './problem-place.ts'
import { useKnownNames, useReadOnly } from './queries.ts'
import { ReviewDialog } from './ReviewDialog.tsx'
import { StaleDraft } from './StaleDraft.tsx'
import { useValidation, type Validation } from './validation.ts'

interface PolicyDraftProps {
  /** What is stored now; null for a new policy. */
  readonly current: Resource | null
  readonly draft: { readonly text: string; readonly version: number; readonly stored: string }
  readonly onChange: (text: string) => void
  /** The draft now stands on this version: somebody else's, seen. */
  readonly onRebase: (version: number, stored: string) => void
  readonly onDiscard: () => void
  readonly onSaved: (result: ApplyResult) => Promise<void>
}

const none: readonly PlacedProblem[] = []

export function PolicyDraft({ current, draft, onChange, onRebase, onDiscard, onSaved }: PolicyDraftProps) {
  const readOnly = useReadOnly()
  const validation = useValidation(draft.text, readOnly !== undefined)
  const names = useKnownNames()
  const editor = useRef<YamlEditorControl>(null)
  const [review, setReview] = useState(false)
  const problems = validation.kind === 'problems' ? validation.problems : none
  const isDirty = draft.text !== draft.stored
  const isStale = current !== null && current.version !== draft.version
  const why = readOnly ?? (isDirty ? whyNot(validation) : 'No change to save')
  const save = () => {
    if (why === undefined) setReview(true)
  }
  useKeys('Editor', [
    { keys: 'mod+s', label: 'Review and save', run: save },
    { keys: 'F8', label: 'Next problem', run: () => editor.current?.nextProblem() },
  ])
  return (
    <div className="grid items-start gap-4 xl:grid-cols-[minmax(0,1fr)_24rem]">
      <div className="min-w-0 space-y-3">
        {isStale ? <StaleDraft current={current} draft={draft} onRebase={onRebase} onDiscard={onDiscard} /> : null}
        <section
          aria-label="Draft"
          className="flex h-[clamp(22rem,calc(100dvh-18.5rem),52rem)] flex-col overflow-hidden rounded-xl border border-line bg-surface shadow-card focus-within:border-line-strong"
        >
          <div className="min-h-0 grow">
            <YamlEditor
              ref={editor}
              label={readOnly === undefined ? 'Policy as YAML' : 'Policy as YAML, read only'}
              value={draft.text}
              onChange={onChange}
              isReadOnly={readOnly !== undefined}
              problems={problems}
              names={names}
              onSave={save}
            />
          </div>
          <ProblemList validation={validation} onGoTo={(problem) => editor.current?.goTo(problem.from)} />
        </section>
        <DraftActions canDiscard={isDirty && readOnly === undefined} why={why} onDiscard={onDiscard} onSave={save} />
      </div>
      <ExplainForm
        title={isDirty ? 'Try a statement on the draft' : 'Try a statement'}
        policy={current === null ? null : policyOf(current.document)}
        {...(isDirty ? { yaml: draft.text } : {})}
        why={validation.kind === 'problems' ? 'Solve the problems first' : undefined}
      />
      {review && validation.kind === 'sound' ? (
        <ReviewDialog
          current={current}
          draft={draft}
          result={validation.result}
          onClose={() => setReview(false)}
          onConflict={() => setReview(false)}
          onSaved={onSaved}
        />
      ) : null}
    </div>
  )
}

function DraftActions({
  canDiscard,
  why,
  onDiscard,
  onSave,
}: {
  readonly canDiscard: boolean
  readonly why: string | undefined
  readonly onDiscard: () => void
  readonly onSave: () => void
}) {
  return (
    <div className="flex flex-wrap items-start justify-end gap-2">
      {canDiscard ? <Button onClick={onDiscard}>Discard changes</Button> : null}
      <Button kind="primary" keys="mod+s" {...(why === undefined ? {} : { why })} onClick={onSave}>
        Review and save
      </Button>
    </div>
  )
}

function whyNot(validation: Validation): string | undefined {
  switch (validation.kind) {
    case 'sound':
      return undefined
    case 'checking':
      return 'Checking…'
    case 'problems':
      return validation.problems.length === 1 ? 'Solve the problem first' : 'Solve the problems first'
    case 'unknown':
      return 'It cannot be checked now'
  }
}
