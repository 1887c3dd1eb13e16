// People: who ever signed in, what they hold here, and the ways to end what somebody has open or to keep them out. Below:
// service accounts, the issuers whose tokens count, tokens of SCIM clients, and what SCIM has brought.
import type { PersonShown } from '@sallyport/api/people'
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Confirm } from '../forms/Confirm.tsx'
import { Field, fieldShape } from '../forms/Field.tsx'
import { Issuers } from '../forms/Issuers.tsx'
import { changePerson, type PersonVerb, peopleQuery, provisionedGroupsQuery, scimTokensQuery } from '../forms/people.ts'
import { useReadOnly } from '../forms/queries.ts'
import { ScimTokens } from '../forms/ScimTokens.tsx'
import { ServiceAccounts } from '../forms/ServiceAccounts.tsx'
import { Badge } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import { Mono } from '../ui/Code.tsx'
import { PageHead } from '../ui/Frame.tsx'
import { ErrorState, Skeleton } from '../ui/States.tsx'
import { type Column, Table } from '../ui/Table.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { useToast } from '../ui/Toast.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'

/** As the API takes them. */
const reasonCharactersMax = 500

interface Asked {
  readonly person: PersonShown
  readonly verb: PersonVerb
}

export function People() {
  const [asked, setAsked] = useState<Asked | null>(null)
  return (
    <>
      <PageHead
        title="People"
        lead="Everyone who ever signed in, and below them workloads. A person is an issuer and a subject; names are only shown."
      />
      <PeopleTable onAsk={setAsked} />
      <ServiceAccounts />
      <Issuers />
      <Provisioned />
      {asked === null ? null : <PersonDialog {...asked} onClose={() => setAsked(null)} />}
    </>
  )
}

function PeopleTable({ onAsk }: { readonly onAsk: (asked: Asked) => void }) {
  const people = useInfiniteQuery(peopleQuery())
  const readOnly = useReadOnly()
  if (people.isPending) return <Skeleton label="Loading people" />
  if (people.data === undefined) return <ErrorState error={people.error} retry={() => void people.refetch()} />
  const rows = people.data.pages.flatMap((page) => page.items)
  return (
    <div className="space-y-3">
      <Table caption="People" columns={columnsOf(readOnly, onAsk)} rows={rows} rowKey={(person) => person.id} />
      {people.hasNextPage ? (
        <Button busy={people.isFetchingNextPage} onClick={() => void people.fetchNextPage()}>
          Show more
        </Button>
      ) : null}
    </div>
  )
}

const columnsOf = (readOnly: string | undefined, onAsk: (asked: Asked) => void): readonly Column<PersonShown>[] => {
  const why = readOnly === undefined ? {} : { why: readOnly }
  return [
    {
      name: 'person',
      head: 'Person',
      grow: true,
      cell: (person) => (
        <span className="flex min-w-0 flex-wrap items-center gap-2">
          <VisibleText text={person.display} />
          {person.disabledAt === null ? null : <Badge tone="deny">disabled</Badge>}
          <span className="min-w-0 truncate text-xs text-ink-3" title={person.issuer}>
            <VisibleText text={person.subject} />
          </span>
        </span>
      ),
    },
    { name: 'roles', head: 'Roles', cell: (person) => person.roles.join(', ') },
    { name: 'groups', head: 'Groups', cell: (person) => person.groups.join(', ') || 'none' },
    { name: 'login', head: 'Last login', cell: ({ lastLoginAt: at }) => (at === null ? 'never' : <TimeAgo at={at} />) },
    { name: 'logins', head: 'Logins', align: 'right', cell: (person) => person.logins },
    {
      name: 'change',
      head: 'Change',
      cell: (person) => (
        <span className="flex gap-2 whitespace-nowrap max-sm:flex-wrap">
          <Button {...why} onClick={() => onAsk({ person, verb: 'end-sessions' })}>
            End sessions
          </Button>
          <Button {...why} onClick={() => onAsk({ person, verb: person.disabledAt === null ? 'disable' : 'enable' })}>
            {person.disabledAt === null ? 'Disable' : 'Enable'}
          </Button>
        </span>
      ),
    },
  ]
}

const words: Readonly<Record<PersonVerb, { readonly verb: string; readonly lead: string; readonly done: string }>> = {
  'end-sessions': {
    verb: 'End sessions',
    lead: 'Logins, tokens, tickets and sessions at targets end within two seconds. The person may sign in again.',
    done: 'Everything that was open has ended',
  },
  disable: {
    verb: 'Disable',
    lead: 'Everything that is open ends within two seconds, and nobody signs in as this person until somebody enables them.',
    done: 'The person is disabled',
  },
  enable: {
    verb: 'Enable',
    lead: 'The person may sign in again. What was issued before stays ended.',
    done: 'The person may sign in again',
  },
}

function PersonDialog({ person, verb, onClose }: Asked & { readonly onClose: () => void }) {
  const queries = useQueryClient()
  const say = useToast()
  const [reason, setReason] = useState('')
  return (
    <Confirm
      title={`${words[verb].verb}: ${person.display}?`}
      lead={words[verb].lead}
      verb={words[verb].verb}
      why={reason.trim() === '' ? 'Say why' : undefined}
      onClose={onClose}
      onConfirm={async () => {
        await changePerson(person, verb, reason.trim())
        await queries.invalidateQueries({ queryKey: peopleQuery().queryKey })
        say('done', words[verb].done)
      }}
    >
      <Field label="Reason" hint="Stands in the audit, for everyone who reads it.">
        {(props) => (
          <input
            {...props}
            className={fieldShape}
            value={reason}
            maxLength={reasonCharactersMax}
            onChange={(event) => setReason(event.target.value)}
          />
        )}
      </Field>
    </Confirm>
  )
}

function Provisioned() {
  const groups = useQuery(provisionedGroupsQuery())
  const tokens = useQuery(scimTokensQuery())
  const items = groups.data?.items ?? []
  return (
    <section aria-labelledby="provisioned" className="mt-8 space-y-3">
      <h2 id="provisioned" className="text-base font-semibold">
        SCIM
      </h2>
      <p className="max-w-prose text-ink-2">
        A provider’s SCIM client uses <Mono>{tokens.data?.baseUrl ?? '/scim/v2'}</Mono>. A Group document names a group
        by the value below; its name may change hands.
      </p>
      <ScimTokens />
      {items.length === 0 ? null : (
        <Table
          caption="Groups from SCIM"
          rows={items}
          rowKey={(group) => group.claim}
          columns={[
            { name: 'group', head: 'Group', grow: true, cell: (group) => <VisibleText text={group.display} /> },
            { name: 'provider', head: 'Provider', cell: (group) => group.provider },
            { name: 'claim', head: 'Value of claim', cell: (group) => <Mono>{group.claim}</Mono> },
            { name: 'members', head: 'Members', align: 'right', cell: (group) => group.members },
          ]}
        />
      )}
    </section>
  )
}
