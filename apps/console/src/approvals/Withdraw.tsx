// The initiator takes a request back. Asked once more, because the caller that waits is let go with an error.
import type { Approval } from '@sallyport/api/approvals'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Undo2 } from 'lucide-react'
import { useState } from 'react'
import { z } from 'zod'
import { change } from '../api/client.ts'
import { RequestError } from '../api/errors.ts'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { useToast } from '../ui/Toast.tsx'

export function Withdraw({
  approval,
  className = '',
}: {
  readonly approval: Pick<Approval, 'id' | 'waiting'> & { readonly mayCancel: boolean }
  readonly className?: string
}) {
  const [asking, setAsking] = useState(false)
  const queries = useQueryClient()
  const say = useToast()
  const withdrawal = useMutation({
    mutationFn: () => change('POST', `/api/v1/approvals/${encodeURIComponent(approval.id)}/cancel`, {}, z.unknown()),
    onSuccess: () => say('done', 'Withdrawn; nothing ran'),
    onError: (error) =>
      say('failed', error instanceof RequestError ? `Not withdrawn: ${error.message}` : 'Not withdrawn; try again'),
    onSettled: async () => {
      setAsking(false)
      await Promise.all(
        [['approval', approval.id], ['approvals'], ['me', 'requests']].map((queryKey) =>
          queries.invalidateQueries({ queryKey }),
        ),
      )
    },
  })
  if (!approval.mayCancel) return null
  return (
    <span className={className}>
      <Button kind="quiet" icon={<Undo2 aria-hidden size={16} />} onClick={() => setAsking(true)}>
        Withdraw
      </Button>
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        title="Withdraw this request?"
        lead={
          approval.waiting > 0
            ? 'The connection that waits gets an error at once. Nothing runs.'
            : 'It leaves the reviewers’ list. Nothing runs.'
        }
        actions={
          <>
            <Button onClick={() => setAsking(false)}>Keep it</Button>
            <Button kind="deny" busy={withdrawal.isPending} onClick={() => withdrawal.mutate()}>
              Withdraw
            </Button>
          </>
        }
      />
    </span>
  )
}
