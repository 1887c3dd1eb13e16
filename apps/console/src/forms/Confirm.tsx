// A question before something that cannot be taken back. Where much hangs on it, the name has to be typed.
import { type ReactNode, useState } from 'react'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { Field, FormError, fieldShape } from './Field.tsx'
import { failureText } from './queries.ts'

interface ConfirmProps {
  readonly title: string
  readonly lead: ReactNode
  /** On the button: "Revoke agent". */
  readonly verb: string
  /** When given, it has to be typed before the button works. */
  readonly typed?: string
  /** Why it cannot be done yet, beside what has to be typed. */
  readonly why?: string | undefined
  readonly onClose: () => void
  /** Rejects with what the server said. */
  readonly onConfirm: () => Promise<void>
  readonly children?: ReactNode
}

export function Confirm({ title, lead, verb, typed, why: missing, onClose, onConfirm, children }: ConfirmProps) {
  const [given, setGiven] = useState('')
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const why = missing ?? (typed !== undefined && given.trim() !== typed ? `Type ${typed} to go on` : undefined)
  const confirm = async () => {
    setBusy(true)
    setFailure(null)
    try {
      await onConfirm()
      onClose()
    } catch (error) {
      setFailure(failureText(error))
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
          <Button className="self-start" onClick={onClose}>
            Keep it
          </Button>
          <Button kind="deny" busy={busy} why={why} onClick={() => void confirm()}>
            {verb}
          </Button>
        </>
      }
    >
      <form
        className="space-y-4"
        onSubmit={(event) => {
          event.preventDefault()
          if (why === undefined && !busy) void confirm()
        }}
      >
        {children}
        {typed === undefined ? null : (
          <Field label={`Type “${typed}” to confirm`}>
            {(props) => (
              <input
                {...props}
                className={`${fieldShape} font-mono`}
                value={given}
                onChange={(event) => setGiven(event.target.value)}
                autoComplete="off"
                spellCheck={false}
              />
            )}
          </Field>
        )}
        {failure === null ? null : <FormError>{failure}</FormError>}
      </form>
    </Dialog>
  )
}
