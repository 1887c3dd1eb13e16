// Before a policy is saved: what changes, line by line, and what the control plane warns of. Looks first whether somebody
// else saved in between; then it does not save.
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
import { FormError } from './Field.tsx'
import { changesText } from './ProblemList.tsx'
import { apply, dryRun, failureText } from './queries.ts'

interface ReviewDialogProps {
  readonly current: Resource | null
  readonly draft: { readonly text: string; readonly version: number; readonly stored: string }
  readonly result: ApplyResult
  readonly onClose: () => void
  /** Somebody else saved; the page says so. */
  readonly onConflict: () => void
  readonly onSaved: (result: ApplyResult) => Promise<void>
}

export function ReviewDialog({ current, draft, result, onClose, onConflict, onSaved }: ReviewDialogProps) {
  const queries = useQueryClient()
  const say = useToast()
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const saveId = useId()
  // An opening dialog focuses its first button, which closes it; here Enter goes on.
  useEffect(() => document.getElementById(saveId)?.focus(), [saveId])
  const renamed = renamedText(current, result)
  const save = async () => {
    setBusy(true)
    setFailure(null)
    try {
      if (await isOvertaken(queries, current, draft)) {
        onConflict()
        return
      }
      const applied = await apply(draft.text)
      say(
        'done',
        changesText(applied.changes).replaceAll(' would become ', ' is now ').replaceAll(' would be ', ' is '),
      )
      await onSaved(applied)
    } catch (error) {
      setFailure(failureText(error))
      setBusy(false)
    }
  }
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
          <Button kind="primary" id={saveId} busy={busy} onClick={() => void save()}>
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

/** Did somebody else save since the draft began? A new policy must not take the place of one that is there. */
async function isOvertaken(
  queries: QueryClient,
  before: Resource | null,
  draft: ReviewDialogProps['draft'],
): Promise<boolean> {
  if (before === null) {
    const taken = (await dryRun(draft.text)).changes.find((one) => one.kind === 'Policy' && one.change !== 'created')
    if (taken === undefined) return false
    throw new RequestError(
      409,
      null,
      `there is a policy "${taken.name}" already; choose another name, or edit that one`,
    )
  }
  const fresh = await queries.fetchQuery({ ...resourceQuery('policies', before.name), staleTime: 0 })
  return fresh.version !== draft.version
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
