// Before a policy is saved: what changes, line by line, and what the control plane warns of. The save names the versions that
// were looked at; if somebody else saved in between, the control plane writes nothing and the page shows both.
import type { ApplyResult, Resource } from '@sallyport/api/resources'
import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { TriangleAlert } from 'lucide-react'
import { useEffect, useId, useState } from 'react'
import { RequestError } from '../api/errors.ts'
import { resourceQuery } from '../api/queries.ts'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { useToast } from '../ui/Toast.tsx'
import { DiffTable } from './DiffTable.tsx'
import { expectedOf } from './expected.ts'
import { FormError } from './Field.tsx'
import { changesText } from './ProblemList.tsx'
import { apply, failureText } from './queries.ts'

interface ReviewDialogProps {
  readonly current: Resource | null
  readonly draft: { readonly text: string; readonly version: number; readonly stored: string }
  readonly result: ApplyResult
  readonly onClose: () => void
  /** Somebody else saved; the page says so. */
  readonly onConflict: () => void
  readonly onSaved: (result: ApplyResult) => Promise<void>
}

function useSave({ current, draft, result, onConflict, onSaved }: ReviewDialogProps) {
  const queries = useQueryClient()
  const say = useToast()
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const save = async () => {
    setBusy(true)
    setFailure(null)
    try {
      const edited = current === null ? null : { name: current.name, version: draft.version }
      const applied = await apply(draft.text, expectedOf(result, edited))
      say(
        'done',
        changesText(applied.changes).replaceAll(' would become ', ' is now ').replaceAll(' would be ', ' is '),
      )
      await onSaved(applied)
    } catch (error) {
      if (current !== null && (await isOvertaken(queries, error, current.name, draft.version))) return onConflict()
      setFailure(failureText(error))
      setBusy(false)
    }
  }
  return { busy, failure, save }
}

export function ReviewDialog(props: ReviewDialogProps) {
  const { current, draft, result, onClose } = props
  const { busy, failure, save } = useSave(props)
  const saveId = useId()
  // An opening dialog focuses itself; here Enter goes on.
  useEffect(() => document.getElementById(saveId)?.focus(), [saveId])
  const renamed = renamedText(current, result)
  const taken = takenText(current, result)
  return (
    <Dialog
      open
      onClose={onClose}
      title="Save these changes?"
      lead={changesText(result.changes)}
      wide
      actions={
        <>
          <Button onClick={onClose}>Go on editing</Button>
          <Button
            kind="primary"
            id={saveId}
            busy={busy}
            {...(taken === null ? {} : { why: taken })}
            onClick={() => void save()}
          >
            Save
          </Button>
        </>
      }
    >
      <div className="space-y-3">
        {renamed === null ? null : <Warning text={renamed} />}
        {result.warnings.map((warning) => (
          <Warning key={`${warning.path} ${warning.message}`} text={`${warning.message} (${warning.path})`} />
        ))}
        <DiffTable
          label={draft.stored === '' ? 'New policy' : `Against version ${draft.version}`}
          before={draft.stored}
          after={draft.text}
        />
        <WhenItCounts />
        {failure === null ? null : <FormError>{failure}</FormError>}
      </div>
    </Dialog>
  )
}

/** A new policy must not take the place of one that is there. */
function takenText(current: Resource | null, { changes }: ApplyResult): string | null {
  const taken = current === null ? changes.find((one) => one.kind === 'Policy' && one.change !== 'created') : undefined
  if (taken === undefined) return null
  return `There is a policy “${taken.name}” already. Choose another name, or edit that one.`
}

/** Was the save refused because somebody else saved? Then the page gets their version, and says so. */
async function isOvertaken(queries: QueryClient, error: unknown, name: string, seen: number): Promise<boolean> {
  if (!(error instanceof RequestError) || error.status !== 409) return false
  try {
    return (await queries.fetchQuery({ ...resourceQuery('policies', name), staleTime: 0 })).version !== seen
  } catch {
    // Deleted, or not to be had now: the refusal itself says what happened.
    return false
  }
}

/** Another name makes another policy; the old one stays and goes on counting. */
function renamedText(current: Resource | null, { changes }: ApplyResult): string | null {
  if (current === null || changes.some((change) => change.kind === 'Policy' && change.name === current.name))
    return null
  return `The text no longer holds policy ${current.name}. It stays as it is and goes on counting; delete it if you meant to rename it.`
}

function WhenItCounts() {
  return (
    <p className="text-xs text-ink-3">
      It counts from the moment of saving: linked agents get it at once, and open sessions are judged by it.
    </p>
  )
}

function Warning({ text }: { readonly text: string }) {
  return (
    <p className="flex items-start gap-2 rounded-lg bg-hold-soft px-3 py-2 text-hold">
      <TriangleAlert aria-hidden size={16} className="mt-0.5 shrink-0" />
      <span className="min-w-0 [overflow-wrap:anywhere]">{text}</span>
    </p>
  )
}
