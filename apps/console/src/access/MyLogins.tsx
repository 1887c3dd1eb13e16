// Where am I signed in? Each login can be ended, and everything else that is open at once.
import type { MyLogin } from '@sallyport/api/signin'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Confirm } from '../forms/Confirm.tsx'
import { endMyEverything, endMyLogin, myLoginsQuery } from '../forms/people.ts'
import { failureText } from '../forms/queries.ts'
import { Badge } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import { ErrorState, Skeleton } from '../ui/States.tsx'
import { type Column, Table } from '../ui/Table.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { useToast } from '../ui/Toast.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'

export function MyLogins() {
  const logins = useQuery(myLoginsQuery())
  const queries = useQueryClient()
  const say = useToast()
  const [asking, setAsking] = useState(false)
  if (logins.isPending) return <Skeleton label="Loading your logins" rows={2} />
  if (logins.data === undefined) return <ErrorState error={logins.error} retry={() => void logins.refetch()} />
  const end = async (login: MyLogin) => {
    try {
      await endMyLogin(login)
      await queries.invalidateQueries({ queryKey: myLoginsQuery().queryKey })
      say('done', 'That login has ended')
    } catch (error) {
      say('failed', failureText(error))
    }
  }
  return (
    <div className="space-y-3">
      <Table
        caption="Where you are signed in"
        columns={columnsOf((login) => void end(login))}
        rows={logins.data.items}
        rowKey={(login) => login.id}
        isCurrent={(login) => login.isCurrent}
      />
      <Button kind="danger" onClick={() => setAsking(true)}>
        Sign out everywhere else
      </Button>
      {asking ? (
        <Confirm
          title="Sign out everywhere else?"
          lead="Your other logins, your tokens and tickets, and the sessions that they opened at targets end within two seconds. This login stays."
          verb="Sign out everywhere else"
          onClose={() => setAsking(false)}
          onConfirm={async () => {
            await endMyEverything()
            await queries.invalidateQueries({ queryKey: myLoginsQuery().queryKey })
            say('done', 'Everything else has ended')
          }}
        />
      ) : null}
    </div>
  )
}

const kindWords: Readonly<Record<MyLogin['kind'], string>> = { browser: 'Browser', cli: 'Command line' }

const columnsOf = (end: (login: MyLogin) => void): readonly Column<MyLogin>[] => [
  {
    name: 'login',
    head: 'Login',
    grow: true,
    cell: (login) => (
      <span className="flex min-w-0 flex-wrap items-center gap-2">
        {kindWords[login.kind]}
        {login.isCurrent ? <Badge tone="neutral">this one</Badge> : null}
        <span className="min-w-0 text-xs wrap-anywhere text-ink-3">
          <VisibleText text={login.client} />
        </span>
      </span>
    ),
  },
  { name: 'address', head: 'From', cell: (login) => <VisibleText text={login.address} /> },
  { name: 'since', head: 'Since', cell: (login) => <TimeAgo at={login.createdAt} /> },
  { name: 'used', head: 'Last used', cell: (login) => <TimeAgo at={login.lastUsedAt} /> },
  {
    name: 'end',
    head: 'End',
    isSpare: (login) => login.isCurrent,
    cell: (login) =>
      login.isCurrent ? (
        <span className="whitespace-nowrap text-ink-3">by signing out</span>
      ) : (
        <Button onClick={() => end(login)}>End</Button>
      ),
  },
]
