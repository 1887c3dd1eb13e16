// A short-lived token for one target: shown while the dialog is open, kept nowhere.
import { TokenResponse } from '@sallyport/api/signin'
import { useMutation } from '@tanstack/react-query'
import { Download } from 'lucide-react'
import { change } from '../api/client.ts'
import { RequestError } from '../api/errors.ts'
import { Button } from '../ui/Button.tsx'
import { CodeBlock } from '../ui/Code.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { authorityFile } from '../util/connect.ts'
import { clockTime, sentence } from '../util/format.ts'

interface TokenDialogProps {
  readonly open: boolean
  readonly onClose: () => void
  readonly target: string
  readonly role?: string
}

export function TokenDialog({ open, onClose, target, role }: TokenDialogProps) {
  const request = useMutation({
    mutationFn: () =>
      change('POST', '/api/v1/tokens', { target, ...(role === undefined ? {} : { role }) }, TokenResponse),
    gcTime: 0,
  })
  const close = () => {
    request.reset()
    onClose()
  }
  const issued = request.data
  return (
    <Dialog
      open={open}
      onClose={close}
      wide
      title={`A token for ${target}`}
      lead="It is your password for this one target. It is shown now and kept nowhere; whoever has it is you, until it ends."
      actions={
        issued === undefined ? (
          <>
            <Button onClick={close}>Cancel</Button>
            <Button kind="primary" busy={request.isPending} onClick={() => request.mutate()}>
              Make a token
            </Button>
          </>
        ) : (
          <Button kind="primary" onClick={close}>
            Done
          </Button>
        )
      }
    >
      {request.error === null ? null : (
        <p role="alert" className="rounded-lg bg-deny-soft px-3 py-2 text-deny">
          {request.error instanceof RequestError
            ? sentence(request.error.message)
            : 'The answer could not be read; try again.'}
        </p>
      )}
      {issued === undefined ? null : (
        <div className="space-y-3">
          <CodeBlock text={issued.token} what="the token" label="Token" />
          <p className="text-[13px] text-ink-2">
            It ends at <time dateTime={issued.expiresAt}>{clockTime(Date.parse(issued.expiresAt))}</time>.
          </p>
          <a
            href={`data:application/x-pem-file;charset=utf-8,${encodeURIComponent(issued.connection.ca)}`}
            download={authorityFile}
            className="link inline-flex min-h-9 items-center gap-2"
          >
            <Download aria-hidden size={16} />
            {authorityFile}, the authority of the agent’s certificate
          </a>
        </div>
      )}
    </Dialog>
  )
}
