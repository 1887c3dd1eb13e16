// A secret that shows once: nobody can show it again, so the dialog closes by its own button alone.
import type { ReactNode } from 'react'
import { Button } from '../ui/Button.tsx'
import { CodeBlock } from '../ui/Code.tsx'
import { Dialog } from '../ui/Dialog.tsx'

export function SecretOnce({
  title,
  label,
  secret,
  children,
  onClose,
}: {
  readonly title: string
  /** "Key", "Token". */
  readonly label: string
  readonly secret: string
  readonly children: ReactNode
  readonly onClose: () => void
}) {
  return (
    <Dialog
      open
      onClose={onClose}
      title={title}
      lead="It shows once. Keep it where it is used, and nowhere else."
      actions={
        <Button kind="primary" onClick={onClose}>
          I have kept it
        </Button>
      }
    >
      <div className="space-y-3">
        <CodeBlock text={secret} what={`the ${label.toLowerCase()}`} label={label} />
        <div className="text-ink-2">{children}</div>
      </div>
    </Dialog>
  )
}
