// Service accounts, for machines that no platform vouches for: made, given a key that shows once, and ended. Each key is a standing
// credential and is called so.
import {
  NewServiceAccount,
  type ServiceAccount,
  type ServiceAccountKey,
  serviceKeyDaysMax,
} from '@sallyport/api/workloads'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Badge } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import { Mono } from '../ui/Code.tsx'
import { EmptyState, ErrorState, Skeleton } from '../ui/States.tsx'
import { type Column, Table } from '../ui/Table.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { useToast } from '../ui/Toast.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { Confirm } from './Confirm.tsx'
import { DaysField, isDays } from './DaysField.tsx'
import { Field, fieldShape } from './Field.tsx'
import { OneForm } from './OneForm.tsx'
import { useReadOnly } from './queries.ts'
import { SecretOnce } from './SecretOnce.tsx'
import { changeAccount, createAccount, createKey, serviceAccountsQuery } from './standing.ts'

/** What a dialog is about. */
type Asked =
  | { readonly kind: 'create' }
  | { readonly kind: 'key'; readonly account: ServiceAccount }
  | { readonly kind: 'disable'; readonly account: ServiceAccount }
  | { readonly kind: 'revoke'; readonly account: ServiceAccount; readonly key: ServiceAccountKey }
  | { readonly kind: 'secret'; readonly account: ServiceAccount; readonly secret: string }

export function ServiceAccounts() {
  const accounts = useQuery(serviceAccountsQuery())
  const readOnly = useReadOnly()
  const why = readOnly === undefined ? {} : { why: readOnly }
  const [asked, setAsked] = useState<Asked | null>(null)
  const add = (
    <Button {...why} onClick={() => setAsked({ kind: 'create' })}>
      Add a service account
    </Button>
  )
  const items = accounts.data?.items ?? []
  return (
    <section aria-labelledby="service-accounts" className="mt-8 space-y-3">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <h2 id="service-accounts" className="text-base font-semibold">
          Service accounts
        </h2>
        {items.length === 0 ? null : add}
      </div>
      <p className="max-w-prose text-ink-2">
        For machines without an identity of their platform. A key is a standing credential: whoever has it is the
        account until it ends.
      </p>
      {accounts.data === undefined ? (
        accounts.isError ? (
          <ErrorState error={accounts.error} retry={() => void accounts.refetch()} />
        ) : (
          <Skeleton label="Loading service accounts" rows={2} />
        )
      ) : items.length === 0 ? (
        <EmptyState title="There is no service account" action={add}>
          <p>Where the platform gives tokens to its workloads, trust its issuer instead.</p>
        </EmptyState>
      ) : (
        <AccountTable accounts={items} why={why} onAsk={setAsked} />
      )}
      {asked === null ? null : <AccountDialog asked={asked} onAsk={setAsked} />}
    </section>
  )
}

const named: readonly Column<ServiceAccount>[] = [
  {
    name: 'account',
    head: 'Account',
    grow: true,
    cell: (account) => (
      <span className="flex min-w-0 flex-wrap items-center gap-2">
        <VisibleText text={account.name} />
        {account.state === 'disabled' ? <Badge tone="deny">disabled</Badge> : null}
        <span className="min-w-0 text-xs text-ink-3">
          <VisibleText text={account.description} />
        </span>
      </span>
    ),
  },
  {
    name: 'subject',
    head: 'Subject',
    wideOnly: true,
    cell: (account) => (
      <span className="whitespace-nowrap">
        <Mono>{account.subject}</Mono>
      </span>
    ),
  },
]

function AccountTable({
  accounts,
  why,
  onAsk,
}: {
  readonly accounts: readonly ServiceAccount[]
  readonly why: { readonly why?: string }
  readonly onAsk: (asked: Asked) => void
}) {
  return (
    <Table
      caption="Service accounts"
      rows={accounts}
      rowKey={(account) => account.name}
      columns={[
        ...named,
        { name: 'keys', head: 'Keys', cell: (account) => <Keys account={account} why={why} onAsk={onAsk} /> },
        {
          name: 'change',
          head: 'Change',
          isSpare: (account) => account.state === 'disabled',
          cell: (account) =>
            account.state === 'disabled' ? (
              <span className="whitespace-nowrap text-ink-3">ended for good</span>
            ) : (
              <span className="flex gap-2 whitespace-nowrap max-sm:flex-wrap">
                <Button {...why} onClick={() => onAsk({ kind: 'key', account })}>
                  New key
                </Button>
                <Button {...why} onClick={() => onAsk({ kind: 'disable', account })}>
                  Disable
                </Button>
              </span>
            ),
        },
      ]}
    />
  )
}

/** Those that can still be used; what has ended is in the audit. */
function Keys({
  account,
  why,
  onAsk,
}: {
  readonly account: ServiceAccount
  readonly why: { readonly why?: string }
  readonly onAsk: (asked: Asked) => void
}) {
  const live = account.state === 'disabled' ? [] : account.keys.filter((key) => key.state === 'live')
  if (live.length === 0) return <span className="text-ink-3">none</span>
  return (
    <span className="flex flex-col gap-1">
      {live.map((key) => (
        <span key={key.id} className="flex items-center gap-2 whitespace-nowrap">
          <Mono>{key.id.slice(0, 8)}</Mono>
          <span className="text-xs text-ink-3">
            ends <TimeAgo at={key.expiresAt} />
          </span>
          <Button {...why} onClick={() => onAsk({ kind: 'revoke', account, key })}>
            Revoke
          </Button>
        </span>
      ))}
    </span>
  )
}

function AccountDialog({ asked, onAsk }: { readonly asked: Asked; readonly onAsk: (asked: Asked | null) => void }) {
  const queries = useQueryClient()
  const say = useToast()
  const close = () => onAsk(null)
  const done = async (words: string) => {
    await queries.invalidateQueries({ queryKey: serviceAccountsQuery().queryKey })
    say('done', words)
  }
  switch (asked.kind) {
    case 'create':
      return <CreateForm onClose={close} onMade={async (name) => await done(`The service account ${name} is there`)} />
    case 'key':
      return (
        <KeyForm
          account={asked.account}
          onClose={close}
          onMade={async (secret) => {
            await queries.invalidateQueries({ queryKey: serviceAccountsQuery().queryKey })
            onAsk({ kind: 'secret', account: asked.account, secret })
          }}
        />
      )
    case 'secret':
      return (
        <SecretOnce title={`Key of ${asked.account.name}`} label="Key" secret={asked.secret} onClose={close}>
          <p>
            The machine exchanges it for tokens of fifteen minutes at <Mono>/oauth2/token</Mono>, with the client id{' '}
            <Mono>{asked.account.name}</Mono>. When it uses the new key, revoke the one before.
          </p>
        </SecretOnce>
      )
    case 'disable':
      return (
        <Confirm
          title={`Disable ${asked.account.name}?`}
          lead="All its keys, tokens and sessions end within two seconds, for good."
          verb="Disable"
          typed={asked.account.name}
          onClose={close}
          onConfirm={async () => {
            await changeAccount(asked.account, '/disable')
            await done('The service account is disabled')
          }}
        />
      )
    case 'revoke':
      return (
        <Confirm
          title={`Revoke key ${asked.key.id.slice(0, 8)} of ${asked.account.name}?`}
          lead="Tokens that were made with it, and their sessions, end within two seconds."
          verb="Revoke"
          onClose={close}
          onConfirm={async () => {
            await changeAccount(asked.account, `/keys/${encodeURIComponent(asked.key.id)}/revoke`)
            await done('The key is revoked')
          }}
        />
      )
  }
}

function CreateForm({
  onClose,
  onMade,
}: {
  readonly onClose: () => void
  readonly onMade: (name: string) => Promise<void>
}) {
  const [draft, setDraft] = useState({ name: '', description: '' })
  const [touched, setTouched] = useState(false)
  const isSound = NewServiceAccount.safeParse(draft).success
  return (
    <OneForm
      title="Add a service account"
      verb="Add"
      onClose={onClose}
      onSubmit={async () => {
        setTouched(true)
        if (!isSound) return
        await createAccount(draft)
        await onMade(draft.name)
        onClose()
      }}
    >
      <Field
        label="Name"
        hint="Groups name the account as service-account:NAME."
        error={
          touched && !isSound ? 'Lowercase letters, digits and hyphens, at most 63, not a hyphen first.' : undefined
        }
      >
        {(props) => (
          <input
            {...props}
            className={`${fieldShape} font-mono`}
            value={draft.name}
            placeholder="nightly"
            onChange={(event) => setDraft({ ...draft, name: event.target.value })}
            autoComplete="off"
            spellCheck={false}
          />
        )}
      </Field>
      <Field label="What it is for">
        {(props) => (
          <input
            {...props}
            className={fieldShape}
            value={draft.description}
            maxLength={500}
            onChange={(event) => setDraft({ ...draft, description: event.target.value })}
          />
        )}
      </Field>
    </OneForm>
  )
}

function KeyForm({
  account,
  onClose,
  onMade,
}: {
  readonly account: ServiceAccount
  readonly onClose: () => void
  readonly onMade: (secret: string) => Promise<void>
}) {
  const [days, setDays] = useState('30')
  return (
    <OneForm
      title={`New key of ${account.name}`}
      verb="Make the key"
      onClose={onClose}
      onSubmit={async () => {
        if (isDays(days, serviceKeyDaysMax)) await onMade((await createKey(account, Number(days))).secret)
      }}
    >
      <DaysField
        days={days}
        daysMax={serviceKeyDaysMax}
        hint={`At most ${serviceKeyDaysMax}. Two keys may live at once, so that one can take the other’s place.`}
        onChange={setDays}
      />
    </OneForm>
  )
}
