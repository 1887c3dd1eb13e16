// Tokens of providers' SCIM clients: made for one provider, shown once, revoked.
import type { ScimTokenShown } from '@sallyport/api/scim-admin'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { authConfigQuery } from '../api/queries.ts'
import { Badge, type Tone } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import { Mono } from '../ui/Code.tsx'
import { EmptyState, ErrorState, Skeleton } from '../ui/States.tsx'
import { type Column, Table } from '../ui/Table.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { useToast } from '../ui/Toast.tsx'
import { Confirm } from './Confirm.tsx'
import { DaysField, isDays } from './DaysField.tsx'
import { OneForm } from './OneForm.tsx'
import { scimTokensQuery } from './people.ts'
import { useReadOnly } from './queries.ts'
import { SecretOnce } from './SecretOnce.tsx'
import { SelectField } from './SelectField.tsx'
import { createScimToken, revokeScimToken } from './standing.ts'

/** As the API takes them. */
const daysMax = 730
const daysUsual = 365

const tones: Readonly<Record<ScimTokenShown['state'], Tone>> = { active: 'allow', expired: 'neutral', revoked: 'deny' }

type Asked =
  | { readonly kind: 'create' }
  | { readonly kind: 'secret'; readonly provider: string; readonly token: string }
  | { readonly kind: 'revoke'; readonly token: ScimTokenShown }

export function ScimTokens() {
  const tokens = useQuery(scimTokensQuery())
  const readOnly = useReadOnly()
  const why = readOnly === undefined ? {} : { why: readOnly }
  const [asked, setAsked] = useState<Asked | null>(null)
  const add = (
    <Button {...why} onClick={() => setAsked({ kind: 'create' })}>
      Make a token
    </Button>
  )
  if (tokens.data === undefined)
    return tokens.isError ? (
      <ErrorState error={tokens.error} retry={() => void tokens.refetch()} />
    ) : (
      <Skeleton label="Loading tokens of SCIM clients" rows={2} />
    )
  const { items, baseUrl } = tokens.data
  return (
    <div className="space-y-3">
      {items.length === 0 ? (
        <EmptyState title="No SCIM client has a token" action={add}>
          <p>With one, a provider says who there is before they sign in, and who left.</p>
        </EmptyState>
      ) : (
        <>
          <Table
            caption="Tokens of SCIM clients"
            columns={columnsOf(why, (token) => setAsked({ kind: 'revoke', token }))}
            rows={items}
            rowKey={(token) => token.id}
          />
          {add}
        </>
      )}
      {asked === null ? null : <TokenDialog asked={asked} baseUrl={baseUrl} onAsk={setAsked} />}
    </div>
  )
}

const columnsOf = (
  why: { readonly why?: string },
  revoke: (token: ScimTokenShown) => void,
): readonly Column<ScimTokenShown>[] => [
  { name: 'provider', head: 'Provider', grow: true, cell: (token) => token.provider },
  { name: 'state', head: 'State', cell: (token) => <Badge tone={tones[token.state]}>{token.state}</Badge> },
  { name: 'made', head: 'Made', cell: (token) => <TimeAgo at={token.createdAt} /> },
  {
    name: 'used',
    head: 'Last used',
    cell: (token) => (token.lastUsedAt === null ? 'never' : <TimeAgo at={token.lastUsedAt} />),
  },
  { name: 'ends', head: 'Ends', cell: (token) => <TimeAgo at={token.expiresAt} /> },
  {
    name: 'revoke',
    head: 'Change',
    isSpare: (token) => token.state !== 'active',
    cell: (token) =>
      token.state === 'active' ? (
        <Button {...why} onClick={() => revoke(token)}>
          Revoke
        </Button>
      ) : (
        <span className="text-ink-3">ended</span>
      ),
  },
]

function TokenDialog({
  asked,
  baseUrl,
  onAsk,
}: {
  readonly asked: Asked
  readonly baseUrl: string
  readonly onAsk: (asked: Asked | null) => void
}) {
  const queries = useQueryClient()
  const say = useToast()
  const close = () => onAsk(null)
  const refresh = async () => await queries.invalidateQueries({ queryKey: scimTokensQuery().queryKey })
  switch (asked.kind) {
    case 'create':
      return (
        <TokenForm
          onClose={close}
          onMade={async (provider, token) => {
            await refresh()
            onAsk({ kind: 'secret', provider, token })
          }}
        />
      )
    case 'secret':
      return (
        <SecretOnce
          title={`Token of ${asked.provider}’s SCIM client`}
          label="Token"
          secret={asked.token}
          onClose={close}
        >
          <p>
            The client sends it as a bearer token to <Mono>{baseUrl}</Mono>. When it uses this one, revoke the one
            before.
          </p>
        </SecretOnce>
      )
    case 'revoke':
      return (
        <Confirm
          title={`Revoke a token of ${asked.token.provider}?`}
          lead="The SCIM client that uses it is refused at once. People and groups stay as they are."
          verb="Revoke"
          onClose={close}
          onConfirm={async () => {
            await revokeScimToken(asked.token)
            await refresh()
            say('done', 'The token is revoked')
          }}
        />
      )
  }
}

function TokenForm({
  onClose,
  onMade,
}: {
  readonly onClose: () => void
  readonly onMade: (provider: string, token: string) => Promise<void>
}) {
  const auth = useQuery(authConfigQuery())
  const providers = auth.data?.providers ?? []
  const [chosen, setChosen] = useState('')
  const [days, setDays] = useState(String(daysUsual))
  const provider = chosen === '' ? (providers[0]?.name ?? '') : chosen
  return (
    <OneForm
      title="Make a token for a SCIM client"
      verb="Make the token"
      onClose={onClose}
      onSubmit={async () => {
        if (isDays(days, daysMax) && provider !== '')
          await onMade(provider, (await createScimToken(provider, Number(days))).token)
      }}
    >
      <SelectField
        label="Provider"
        hint="The token speaks for its people and groups alone."
        error={
          auth.isSuccess && providers.length === 0 ? 'There is no identity provider yet: set one up first.' : undefined
        }
        value={provider}
        options={providers.map(({ name, display }) => ({ value: name, label: display }))}
        onChange={setChosen}
      />
      <DaysField
        days={days}
        daysMax={daysMax}
        hint="Two may be good at once, so that one can take the other’s place."
        onChange={setDays}
      />
    </OneForm>
  )
}
