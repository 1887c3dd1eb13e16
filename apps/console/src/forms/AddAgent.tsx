// Adding an agent: a name, a token that is shown once, and the moment it arrives.
import type { Agent, JoinTokenResponse } from '@sallyport/api/resources'
import { useQuery } from '@tanstack/react-query'
import { CircleCheck, LoaderCircle } from 'lucide-react'
import { type FormEvent, useEffect, useState } from 'react'
import { agentsQuery } from '../api/queries.ts'
import { Button } from '../ui/Button.tsx'
import { CodeBlock, Mono } from '../ui/Code.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { announce } from '../util/announce.ts'
import { clockTime } from '../util/format.ts'
import { joinEnvironment } from './connection.ts'
import { Field, FormError, fieldShape } from './Field.tsx'
import { Fingerprint } from './Fingerprint.tsx'
import { failureText, makeJoinToken } from './queries.ts'

/** Milliseconds between two looks whether the agent is there; the live stream usually says it first. */
const arrivalMs = 2_000

const lives = [
  { seconds: 900, label: '15 minutes' },
  { seconds: 3_600, label: '1 hour' },
  { seconds: 86_400, label: '24 hours' },
] as const

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
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const [touched, setTouched] = useState(false)
  const isName = /^[a-z0-9][a-z0-9-]{0,62}$/.test(name)
  const submit = async (event?: FormEvent) => {
    event?.preventDefault()
    setTouched(true)
    if (!isName || busy) return
    setBusy(true)
    setFailure(null)
    try {
      onMade(await makeJoinToken(name, seconds))
    } catch (error) {
      setFailure(failureText(error))
      setBusy(false)
    }
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title="Add an agent"
      lead="It gets a token that works once, for this name alone."
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={busy} onClick={() => void submit()}>
            Make the token
          </Button>
        </>
      }
    >
      <form className="space-y-4" onSubmit={(event) => void submit(event)}>
        <NameField name={name} isWrong={touched && !isName} onChange={setName} />
        <LifeField seconds={seconds} onChange={setSeconds} />
        {failure === null ? null : <FormError>{failure}</FormError>}
      </form>
    </Dialog>
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

function LifeField({ seconds, onChange }: { readonly seconds: number; readonly onChange: (seconds: number) => void }) {
  return (
    <Field label="The token is good for" hint="Long enough to get to the host; the agent itself stays.">
      {(props) => (
        <select
          {...props}
          className={fieldShape}
          value={seconds}
          onChange={(event) => onChange(Number(event.target.value))}
        >
          {lives.map((life) => (
            <option key={life.seconds} value={life.seconds}>
              {life.label}
            </option>
          ))}
        </select>
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
      lead={`The token shows once and is good once, until ${clockTime(Date.parse(made.expiresAt))}.`}
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
