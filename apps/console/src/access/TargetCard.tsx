// One target that is open to me: how to connect with each client, ready to copy, and a token where a client needs one.
import type { MyTarget } from '@sallyport/api/resources'
import { KeyRound } from 'lucide-react'
import { useId, useState } from 'react'
import { Environment } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import { CodeBlock } from '../ui/Code.tsx'
import { Tabs } from '../ui/Tabs.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { type Client, clientNames, clients, lineFor } from '../util/connect.ts'
import { TokenDialog } from './TokenDialog.tsx'

const tabs = clients.map((value) => ({ value, label: clientNames[value] }))

const notes: Readonly<Record<Client, string>> = {
  cli: 'Gets a token, pins the agent’s authority and starts psql. Any PostgreSQL client works after the dashes.',
  psql: 'The token is the password. agent-ca.pem comes with “Get a token”.',
  uri: 'For drivers and ORMs; give the token as the password when you connect.',
  env: 'For libpq and most drivers; put the token into PGPASSWORD.',
}

function RoleField({
  roles,
  over,
  role,
  onChange,
}: {
  readonly roles: readonly string[]
  readonly over: string
  readonly role: string
  readonly onChange: (role: string) => void
}) {
  const id = useId()
  if (roles.length === 0) return <span className="text-[13px] text-ink-3">over {over}</span>
  if (roles.length < 2)
    return (
      <span className="text-[13px] text-ink-3">
        as <VisibleText text={role} />
      </span>
    )
  return (
    <span className="flex items-center gap-2 text-[13px] text-ink-3">
      <label htmlFor={id}>as</label>
      <select
        id={id}
        value={role}
        onChange={(event) => onChange(event.target.value)}
        className="min-h-8 max-w-40 rounded-lg border border-line bg-surface px-2 text-ink hover:border-line-strong"
      >
        {roles.map((each) => (
          <option key={each}>{each}</option>
        ))}
      </select>
    </span>
  )
}

/** What the clients of MCP want is a configuration, which the command prints. */
function McpLines({ target }: { readonly target: string }) {
  return (
    <div className="mt-2">
      <CodeBlock text={`sallyport connect ${target}`} what="the line for MCP" label="Without a credential in it" />
      <p className="mt-2 text-xs text-ink-3">
        Prints what to put into <code>mcp.json</code>, and how to start a client with a token in its environment.
      </p>
    </div>
  )
}

/** An HTTP API has no roles and one way to ask. */
function HttpLines({ target, address }: { readonly target: string; readonly address: string }) {
  return (
    <div className="mt-2">
      <CodeBlock
        text={`sallyport connect ${target} -- sh -c 'curl -H "Authorization: Bearer $SALLYPORT_TOKEN" "$SALLYPORT_URL/"'`}
        what="the line for curl"
        label="Without a credential in it"
      />
      <p className="mt-2 text-xs text-ink-3">
        Requests go below <VisibleText text={`https://${address}/${target}/`} />, with the token as a bearer token.
      </p>
    </div>
  )
}

export function TargetCard({ target }: { readonly target: MyTarget }) {
  const [standard = 'sallyport'] = target.roles
  const [role, setRole] = useState(standard)
  const [client, setClient] = useState<Client>('cli')
  const [asking, setAsking] = useState(false)
  const chosen = role === standard ? null : role
  const place =
    target.connection === null
      ? null
      : { ...target.connection, target: target.name, user: chosen === null ? 'sallyport' : chosen }
  return (
    <li className="min-w-0 rounded-xl border border-line bg-surface px-4 pt-3 pb-4 shadow-card">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <h3 className="text-base font-semibold">{target.name}</h3>
        <Environment labels={target.labels} />
        <RoleField roles={target.roles} over={target.mcp ? 'MCP' : 'HTTP'} role={role} onChange={setRole} />
        {place === null ? null : (
          <span className="ml-auto">
            <Button icon={<KeyRound aria-hidden size={15} />} onClick={() => setAsking(true)}>
              Get a token
            </Button>
          </span>
        )}
      </div>
      {target.description === '' ? null : (
        <p className="text-ink-2">
          <VisibleText text={target.description} />
        </p>
      )}
      {place === null ? (
        <p className="mt-2 rounded-lg bg-hold-soft px-3 py-2 text-hold">
          No agent serves this target yet. Once one has joined, the lines to connect appear here.
        </p>
      ) : target.mcp ? (
        <McpLines target={target.name} />
      ) : target.protocol === 'http' ? (
        <HttpLines target={target.name} address={`${place.host}:${place.port}`} />
      ) : (
        <div className="mt-2">
          <Tabs label={`Clients for ${target.name}`} tabs={tabs} value={client} onChange={setClient}>
            <div className="pt-3">
              <CodeBlock
                text={lineFor(client, place, chosen)}
                what={`the line for ${clientNames[client]}`}
                label="Without a credential in it"
              />
              <p className="mt-2 text-xs text-ink-3">{notes[client]}</p>
            </div>
          </Tabs>
        </div>
      )}
      <TokenDialog
        open={asking}
        onClose={() => setAsking(false)}
        target={target.name}
        {...(chosen === null ? {} : { role: chosen })}
      />
    </li>
  )
}
