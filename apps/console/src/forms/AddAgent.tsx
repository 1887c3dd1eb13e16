// Adding an agent: a name, a token that is shown once, and the moment it arrives.
import type { Agent, JoinTokenResponse } from '@sallyport/api/resources'
import { useQuery } from '@tanstack/react-query'
import { CircleCheck, LoaderCircle } from 'lucide-react'
import { useEffect, useState } from 'react'
import { agentsQuery } from '../api/queries.ts'
import { Button } from '../ui/Button.tsx'
import { CodeBlock, Mono } from '../ui/Code.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { announce } from '../util/announce.ts'
import { momentTime } from '../util/format.ts'
import { joinEnvironment } from './connection.ts'
import { Field, fieldShape } from './Field.tsx'
import { Fingerprint } from './Fingerprint.tsx'
import { OneForm } from './OneForm.tsx'
import { makeJoinToken } from './queries.ts'
import { type Option, SelectField } from './SelectField.tsx'

/** Milliseconds between two looks whether the agent is there; the live stream usually says it first. */
const arrivalMs = 2_000

/** In seconds. */
const lives: readonly Option<number>[] = [
  { value: 900, label: '15 minutes' },
  { value: 3_600, label: '1 hour' },
  { value: 86_400, label: '24 hours' },
]

export function AddAgent({ known, onClose }: { readonly known: readonly string[]; readonly onClose: () => void }) {
  const [made, setMade] = useState<JoinTokenResponse | null>(null)
  // What was there when the dialog opened: an agent that is not among them has just arrived.
  const [before] = useState(known)
  return made === null ? (
    <NameForm onMade={setMade} onClose={onClose} />
  ) : (
    <Arrival made={made} before={before} onClose={onClose} />
  )
}

function NameForm({
  onMade,
  onClose,
}: {
  readonly onMade: (made: JoinTokenResponse) => void
  readonly onClose: () => void
}) {
  const [name, setName] = useState('')
  const [seconds, setSeconds] = useState<number>(3_600)
  const [touched, setTouched] = useState(false)
  const isName = /^[a-z0-9][a-z0-9-]{0,62}$/.test(name)
  const submit = async () => {
    setTouched(true)
    if (isName) onMade(await makeJoinToken(name, seconds))
  }
  return (
    <OneForm
      title="Add an agent"
      lead="It gets a token that works once, for this name alone."
      verb="Make the token"
      onClose={onClose}
      onSubmit={submit}
    >
      <NameField name={name} isWrong={touched && !isName} onChange={setName} />
      <SelectField
        label="The token is good for"
        hint="Long enough to get to the host; the agent itself stays."
        value={seconds}
        options={lives}
        onChange={setSeconds}
      />
    </OneForm>
  )
}

function NameField({
  name,
  isWrong,
  onChange,
}: {
  readonly name: string
  readonly isWrong: boolean
  readonly onChange: (name: string) => void
}) {
  return (
    <Field
      label="Name"
      hint="Targets name their agents by it. Where it runs is a good one: eu-1, orders-vpc."
      error={isWrong ? 'Lowercase letters, digits and hyphens, at most 63, not a hyphen first.' : undefined}
    >
      {(props) => (
        <input
          {...props}
          className={`${fieldShape} font-mono`}
          value={name}
          onChange={(event) => onChange(event.target.value)}
          placeholder="eu-1"
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
        />
      )}
    </Field>
  )
}

function Arrival({
  made,
  before,
  onClose,
}: {
  readonly made: JoinTokenResponse
  readonly before: readonly string[]
  readonly onClose: () => void
}) {
  const agents = useQuery({ ...agentsQuery(), refetchInterval: arrivalMs })
  const arrived = agents.data?.items.find((agent) => agent.name === made.agentName && !before.includes(agent.id))
  useEffect(() => {
    if (arrived !== undefined) announce(`${made.agentName} has joined`)
  }, [arrived, made.agentName])
  if (arrived !== undefined) return <Joined agent={arrived} onClose={onClose} />
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Start ${made.agentName}`}
      lead={`The token shows once and is good once, until ${momentTime(Date.parse(made.expiresAt), Date.now())}.`}
      wide
      actions={<Button onClick={onClose}>Close</Button>}
    >
      <div className="space-y-4">
        <CodeBlock
          text={joinEnvironment(made.token)}
          what="the command"
          label="On the host of the agent, beside the target"
        />
        <p className="text-ink-2">
          For a container give the same names as its environment, the token as a secret file by{' '}
          <span className="whitespace-nowrap">
            <Mono>SALLYPORT_JOIN_TOKEN_FILE</Mono>
          </span>
          . <Mono>SALLYPORT_ADVERTISE</Mono> is what callers connect to.
        </p>
        <CodeBlock
          text={`sallyport agent join ${made.agentName} --expires 1h`}
          what="the CLI command"
          label="Or from a terminal: makes a token of its own and prints what to run"
        />
        <p role="status" className="flex items-center gap-2 rounded-lg border border-line bg-canvas px-3 py-2.5">
          <LoaderCircle aria-hidden size={16} className="shrink-0 animate-spin text-accent" />
          Waiting for {made.agentName} to join. This turns by itself when it does.
        </p>
      </div>
    </Dialog>
  )
}

function Joined({ agent, onClose }: { readonly agent: Agent; readonly onClose: () => void }) {
  return (
    <Dialog
      open
      onClose={onClose}
      title={`${agent.name} has joined`}
      lead={`Version ${agent.version}, for callers at ${agent.advertise}.`}
      actions={
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <div className="space-y-3">
        <p className="flex items-center gap-2 font-medium text-allow">
          <CircleCheck aria-hidden size={18} />
          It holds a certificate of its own now; the token is spent.
        </p>
        <p className="text-ink-2">
          Compare its record key with the one that it printed. Keep it: auditors verify records with it, without asking
          this control plane.
        </p>
        <Fingerprint value={agent.recordKeyFingerprint} />
        <p className="text-ink-2">
          Next, name <Mono>{agent.name}</Mono> in <Mono>spec.agents</Mono> of a target.
        </p>
      </div>
    </Dialog>
  )
}
