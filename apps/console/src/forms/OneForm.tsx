// A dialog that sends one thing, and says in itself what went wrong.
import { type FormEvent, type ReactNode, useState } from 'react'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { FormError } from './Field.tsx'
import { failureText } from './queries.ts'

export function OneForm({
  title,
  lead,
  verb,
  children,
  onClose,
  onSubmit,
}: {
  readonly title: string
  readonly lead?: string
  readonly verb: string
  readonly children: ReactNode
  readonly onClose: () => void
  readonly onSubmit: () => Promise<void>
}) {
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const submit = async (event?: FormEvent) => {
    event?.preventDefault()
    if (busy) return
    setBusy(true)
    setFailure(null)
    try {
      await onSubmit()
    } catch (error) {
      setFailure(failureText(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      lead={lead}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={busy} onClick={() => void submit()}>
            {verb}
          </Button>
        </>
      }
    >
      <form className="space-y-4" onSubmit={(event) => void submit(event)}>
        {children}
        {failure === null ? null : <FormError>{failure}</FormError>}
      </form>
    </Dialog>
  )
}
