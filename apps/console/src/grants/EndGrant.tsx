// Ends a grant, or withdraws one that nobody has decided. Asked once more: what runs under it is cut off.
import type { Grant } from '@sallyport/api/grants'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { CircleStop, Undo2 } from 'lucide-react'
import { useState } from 'react'
import { meQuery } from '../api/queries.ts'
import { Confirm } from '../forms/Confirm.tsx'
import { Button } from '../ui/Button.tsx'
import { useToast } from '../ui/Toast.tsx'
import { endGrant, staleAfter } from './queries.ts'
import { titleOf } from './words.ts'

/** Nothing where the signed-in person may not. */
export function EndGrant({ grant, className = '' }: { readonly grant: Grant; readonly className?: string }) {
  const [asking, setAsking] = useState(false)
  const queries = useQueryClient()
  const say = useToast()
  const me = useQuery(meQuery())
  const isPending = grant.state === 'pending'
  const isOwn = me.data?.issuer === grant.who.issuer && me.data.subject === grant.who.subject
  if (!grant.mayEnd) return null
  return (
    <span className={`relative ${className}`}>
      <Button
        kind={isPending ? 'quiet' : 'danger'}
        icon={isPending ? <Undo2 aria-hidden size={16} /> : <CircleStop aria-hidden size={16} />}
        aria-label={`${isPending ? 'Withdraw' : 'End'} ${titleOf(grant)}`}
        onClick={() => setAsking(true)}
      >
        {isPending ? 'Withdraw' : 'End'}
      </Button>
      {asking ? (
        <Confirm
          title={
            isPending ? 'Withdraw this request?' : isOwn ? 'End your grant?' : `End the grant of ${grant.who.display}?`
          }
          lead={
            isPending
              ? 'It leaves the reviewers’ list. Nothing is granted.'
              : 'Within two seconds every open session is decided anew without it, prepared statements too. It cannot be taken up again.'
          }
          verb={isPending ? 'Withdraw' : 'End it'}
          onClose={() => setAsking(false)}
          onConfirm={async () => {
            await endGrant(grant.id)
            await Promise.all(staleAfter(grant.id).map((queryKey) => queries.invalidateQueries({ queryKey })))
            say('done', isPending ? 'Withdrawn' : 'The grant has ended')
          }}
        />
      ) : null}
    </span>
  )
}
