// Ends a live session, with a reason that stands in the audit log. The agent cuts it; a running statement is cancelled.
import { useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { useToast } from '../ui/Toast.tsx'
import { killSession } from './queries.ts'

/** Characters of a reason, as the API takes them. */
const reasonMax = 500

interface KillDialogProps {
  readonly session: string
  readonly title: string
  readonly open: boolean
  readonly onClose: () => void
}

export function KillDialog({ session, title, open, onClose }: KillDialogProps) {
  const { reason, setReason, busy, problem, kill } = useKill(session, onClose)
  const id = useId()
  return (
    <Dialog
      open={open}
      onClose={onClose}
      title={`End ${title}?`}
      lead="The connection is cut at once and a running statement is cancelled. What ran before stays as it is."
      actions={
        <>
          <Button onClick={onClose}>Keep it open</Button>
          <Button kind="deny" busy={busy} onClick={kill}>
            End the session
          </Button>
        </>
      }
    >
      <label htmlFor={id} className="font-medium">
        Reason
      </label>
      <textarea
        id={id}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
        maxLength={reasonMax}
        rows={3}
        aria-invalid={problem !== null}
        aria-describedby={`${id}-problem`}
        placeholder="What you saw, or the incident’s number"
        className="mt-1 w-full rounded-lg border border-line bg-surface px-3 py-2 placeholder:text-ink-3"
      />
      <p id={`${id}-problem`} role="alert" className="text-sm text-deny">
        {problem}
      </p>
    </Dialog>
  )
}

function useKill(session: string, onDone: () => void) {
  const [reason, setReason] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  const queries = useQueryClient()
  const say = useToast()
  const kill = async () => {
    if (reason.trim() === '') {
      setProblem('Say why: the reason is kept in the audit log.')
      return
    }
    setBusy(true)
    try {
      await killSession(session, reason.trim())
      say('done', 'The agent was told to end the session')
      void queries.invalidateQueries({ queryKey: ['session', session] })
      onDone()
    } catch (error) {
      setProblem(error instanceof Error ? error.message : 'the control plane did not answer')
    } finally {
      setBusy(false)
    }
  }
  const type = (text: string) => {
    setReason(text)
    setProblem(null)
  }
  return { reason, setReason: type, busy, problem, kill: () => void kill() }
}
