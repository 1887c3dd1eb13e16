// One agent: is it there, what does it run, by which key are its records verified. And the way to cut it off.
import type { Agent } from '@sallyport/api/resources'
import { useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ShieldX } from 'lucide-react'
import { useState } from 'react'
import { agentsQuery } from '../api/queries.ts'
import { Button } from '../ui/Button.tsx'
import { Card, Pairs } from '../ui/Card.tsx'
import { CodeBlock, Mono } from '../ui/Code.tsx'
import { CopyButton } from '../ui/CopyButton.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { useToast } from '../ui/Toast.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { absoluteTime, count } from '../util/format.ts'
import { paths } from '../util/paths.ts'
import { AgentState } from './AgentState.tsx'
import { Confirm } from './Confirm.tsx'
import { Field, fieldShape } from './Field.tsx'
import { Fingerprint } from './Fingerprint.tsx'
import { revokeAgent, useReadOnly } from './queries.ts'

/** As the API takes them. */
const reasonCharactersMax = 500

const stateWords: Readonly<Record<Agent['state'], string>> = {
  online: 'Linked to the control plane; it gets policies and verdicts at once.',
  offline:
    'Not linked. It goes on with its last snapshot for at most 15 minutes, then it denies everything; held statements are denied.',
  revoked: 'Cut off for good. Its certificate is worth nothing; its records stay, and stay verifiable.',
}

export function AgentDetail({ agent }: { readonly agent: Agent }) {
  const [revoking, setRevoking] = useState(false)
  return (
    <article className="space-y-4" aria-label={`Agent ${agent.name}`}>
      <header>
        <h2 className="flex flex-wrap items-center gap-2 text-lg font-semibold tracking-tight">
          <VisibleText text={agent.name} />
          <AgentState state={agent.state} />
        </h2>
        <p className="max-w-prose text-ink-2">{stateWords[agent.state]}</p>
      </header>
      <Card title="What it runs">
        <Pairs
          pairs={[
            { name: 'Last seen', value: <LastSeen agent={agent} /> },
            { name: 'Address for callers', value: <Mono>{agent.advertise}</Mono> },
            { name: 'Version', value: <Mono>{agent.version}</Mono> },
            { name: 'Snapshot', value: <Snapshot agent={agent} /> },
            { name: 'Joined', value: absoluteTime(Date.parse(agent.enrolledAt)) },
            { name: 'Targets', value: <ServedTargets agent={agent} /> },
            {
              name: 'Id',
              value: (
                <span className="inline-flex items-center gap-1">
                  <Mono>{agent.id}</Mono>
                  <CopyButton text={agent.id} what="the agent's id" quiet />
                </span>
              ),
            },
          ]}
        />
      </Card>
      <RecordKey agent={agent} />
      {agent.state === 'revoked' ? null : <Revoke agent={agent} onRevoke={() => setRevoking(true)} />}
      {revoking ? <RevokeDialog agent={agent} onClose={() => setRevoking(false)} /> : null}
    </article>
  )
}

function LastSeen({ agent }: { readonly agent: Agent }) {
  if (agent.lastSeenAt === null) return <>never: it joined and has not linked yet</>
  return <TimeAgo at={agent.lastSeenAt} />
}

function Snapshot({ agent }: { readonly agent: Agent }) {
  if (agent.snapshotVersion === 0) return <>none applied yet; without one it denies everything</>
  return (
    <>
      <span className="tabular-nums">number {count(agent.snapshotVersion)}</span>
      <span className="text-ink-3">
        {agent.state === 'online' ? ', the last one that it confirmed' : ', as far as we know'}
      </span>
    </>
  )
}

function ServedTargets({ agent }: { readonly agent: Agent }) {
  if (agent.state === 'revoked') return <>none any more</>
  if (agent.targets.length === 0)
    return (
      <>
        none. Name “{agent.name}” in <Mono>spec.agents</Mono> of a{' '}
        <Link to={paths.targets()} className="link">
          target
        </Link>
        .
      </>
    )
  return (
    <ul className="flex flex-wrap gap-x-3 gap-y-1">
      {agent.targets.map((name) => (
        <li key={name}>
          <Link to={paths.targets()} search={{ open: name }} className="link">
            {name}
          </Link>
        </li>
      ))}
    </ul>
  )
}

function RecordKey({ agent }: { readonly agent: Agent }) {
  return (
    <Card
      title="Record key"
      lead="Signs every record of this agent. Pin it from the agent's own host: whoever controls this page could show another."
    >
      <Fingerprint value={agent.recordKeyFingerprint} />
      <p className="mt-3 mb-2 text-ink-2">Compare it with what the agent prints, on its host:</p>
      <CodeBlock text="node apps/agent/dist/main.js fingerprint" what="the command" label="On the host of the agent" />
    </Card>
  )
}

function Revoke({ agent, onRevoke }: { readonly agent: Agent; readonly onRevoke: () => void }) {
  const readOnly = useReadOnly()
  return (
    <Card title="Revoke" lead="For a lost or replaced host. It cannot be undone; a new agent joins with a new token.">
      <Button
        kind="danger"
        icon={<ShieldX aria-hidden size={16} />}
        {...(readOnly === undefined ? {} : { why: readOnly })}
        onClick={onRevoke}
      >
        Revoke {agent.name}
      </Button>
    </Card>
  )
}

function RevokeDialog({ agent, onClose }: { readonly agent: Agent; readonly onClose: () => void }) {
  const queries = useQueryClient()
  const say = useToast()
  const [reason, setReason] = useState('')
  return (
    <Confirm
      title={`Revoke ${agent.name}?`}
      lead={
        agent.targets.length === 0
          ? 'It is cut off within two seconds, for good.'
          : `Within two seconds its sessions end, and nobody reaches ${agent.targets.join(', ')} through it any more.`
      }
      verb="Revoke agent"
      typed={agent.name}
      why={reason.trim() === '' ? 'Say why' : undefined}
      onClose={onClose}
      onConfirm={async () => {
        await revokeAgent(agent.id, reason.trim())
        await queries.invalidateQueries({ queryKey: agentsQuery().queryKey })
        say('done', `${agent.name} is revoked`)
      }}
    >
      <Field label="Reason" hint="Stands in the audit, for everyone who reads it.">
        {(props) => (
          <input
            {...props}
            className={fieldShape}
            value={reason}
            maxLength={reasonCharactersMax}
            placeholder="Host was replaced"
            onChange={(event) => setReason(event.target.value)}
          />
        )}
      </Field>
    </Confirm>
  )
}
