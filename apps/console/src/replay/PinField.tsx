// Compares the record key of an export with what the auditor read from the agent itself, and keeps it in this browser.
import { useId, useState } from 'react'
import { Badge } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import { fingerprintOf, pinOf, setPin } from './pins.ts'

interface PinFieldProps {
  readonly agent: string
  readonly agentName: string
  readonly fingerprint: string
  readonly onChange: () => void
}

export function PinField({ agent, agentName, fingerprint, onChange }: PinFieldProps) {
  const [pin, setShownPin] = useState(() => pinOf(localStorage, agent))
  const keep = (value: string | null) => {
    setPin(localStorage, agent, value)
    setShownPin(value)
    onChange()
  }
  if (pin === null) return <PinForm onPin={keep} />
  const isSame = pin === fingerprint
  return (
    <div className="flex flex-wrap items-center gap-3 rounded-lg border border-line bg-canvas px-3 py-2.5">
      <Badge tone={isSame ? 'allow' : 'deny'}>{isSame ? 'pinned by you' : 'not the key you pinned'}</Badge>
      <p className="min-w-0 grow text-ink-2">
        {isSame
          ? `It is the key that you took from ${agentName}; the control plane cannot have made this record up.`
          : `You pinned another key for ${agentName}. Unless the agent was set up anew, do not trust this record.`}
      </p>
      <Button kind="quiet" onClick={() => keep(null)}>
        Forget the pin
      </Button>
    </div>
  )
}

function PinForm({ onPin }: { readonly onPin: (fingerprint: string) => void }) {
  const [typed, setTyped] = useState('')
  const id = useId()
  const wanted = fingerprintOf(typed)
  const problem = typed.trim() === '' || wanted !== null ? null : 'A fingerprint has 64 hex digits.'
  return (
    <div className="rounded-lg border border-line bg-canvas px-3 py-2.5">
      <label htmlFor={id} className="font-medium">
        Compare it with the agent’s own
      </label>
      <p id={`${id}-why`} className="text-ink-2">
        The key came with the export. On the agent’s machine,{' '}
        <span className="font-mono text-[13px]">sallyport-agent fingerprint</span> prints the real one: paste it here,
        and this browser remembers it.
      </p>
      <div className="mt-2 flex flex-wrap gap-2">
        <input
          id={id}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          aria-describedby={`${id}-why ${id}-problem`}
          aria-invalid={problem !== null}
          autoComplete="off"
          spellCheck={false}
          placeholder="64 hex digits"
          className="min-h-9 min-w-0 grow basis-56 rounded-lg border border-line bg-surface px-3 font-mono text-[13px] placeholder:font-sans placeholder:text-ink-3"
        />
        <Button onClick={() => (wanted === null ? undefined : onPin(wanted))} disabled={wanted === null}>
          Compare and pin
        </Button>
      </div>
      <p id={`${id}-problem`} role="status" className="mt-1 text-xs text-deny">
        {problem}
      </p>
    </div>
  )
}
