// Sealing a credential in the browser, for the agents of a target alone: what is typed here is encrypted to keys that people
// bring from the agents, and never sent. The control plane is not asked for a key, since it could answer with its own.
import { asSallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import { sealedYaml, sealFor } from '@sallyport/sealed/reference'
import { type FormEvent, useState } from 'react'
import { Button } from '../ui/Button.tsx'
import { CodeBlock, Mono } from '../ui/Code.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import type { TargetView } from './documents.ts'
import { Field, FormError, fieldShape } from './Field.tsx'
import { nextVersion, shownAt } from './sealing.ts'

export function SealDialog({ view, onClose }: { readonly view: TargetView; readonly onClose: () => void }) {
  const [made, setMade] = useState<string | null>(null)
  return made === null ? (
    <SealForm view={view} onMade={setMade} onClose={onClose} />
  ) : (
    <Dialog
      open
      onClose={onClose}
      title="The sealed credential"
      lead="Put it in the place of the credential in the target’s document, and apply that."
      wide
      actions={
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <CodeBlock
        text={made}
        what="the sealed credential"
        label="For the agents whose keys you gave, and for nobody else"
      />
    </Dialog>
  )
}

interface SealFormProps {
  readonly view: TargetView
  readonly onMade: (yaml: string) => void
  readonly onClose: () => void
}

function SealForm({ view, onMade, onClose }: SealFormProps) {
  const [address, setAddress] = useState(shownAt(view))
  const [version, setVersion] = useState(String(nextVersion(view)))
  const [keys, setKeys] = useState('')
  const [credential, setCredential] = useState('')
  const [failure, setFailure] = useState<string | null>(null)
  const submit = async (event?: FormEvent) => {
    event?.preventDefault()
    setFailure(null)
    const to = keys.split('\n').filter((line) => line.trim() !== '')
    if (to.length === 0) return setFailure('Give the sealing key of each agent that serves the target, one a line.')
    if (!/^[1-9][0-9]{0,5}$/.test(version)) return setFailure('The version is a number from 1.')
    try {
      const wanted = { target: view.metadata.name, address: address.trim(), version: Number(version), to }
      onMade(sealedYaml(await sealFor(wanted, new Secret(credential))))
    } catch (thrown) {
      const { message, hint } = asSallyportError(thrown)
      setFailure(hint === undefined ? message : `${message}: ${hint}`)
    }
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Seal a credential for ${view.metadata.name}`}
      lead="It is encrypted in this browser and not sent. Only the agents whose keys you give can open it, for this target and address."
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" onClick={() => void submit()}>
            Seal
          </Button>
        </>
      }
    >
      <form className="space-y-4" autoComplete="off" onSubmit={(event) => void submit(event)}>
        <KeysField keys={keys} onChange={setKeys} />
        <TextField
          label="Address"
          hint="Where the credential is shown: host:port of a database, or the URL of an API or its token endpoint."
          value={address}
          onChange={setAddress}
        />
        <TextField label="Version" hint="One more with each new credential." value={version} onChange={setVersion} />
        <CredentialField value={credential} onChange={setCredential} />
        <p className="text-xs text-ink-3">
          This page comes from the control plane. Where that is not to be trusted with what you type, use{' '}
          <Mono>sallyport seal</Mono>.
        </p>
        {failure === null ? null : <FormError>{failure}</FormError>}
      </form>
    </Dialog>
  )
}

function KeysField({ keys, onChange }: { readonly keys: string; readonly onChange: (keys: string) => void }) {
  return (
    <Field
      label="Sealing keys"
      hint={
        <>
          What <Mono>sallyport-agent sealing-key</Mono> prints at each agent, one a line. Carry them by a way that you
          trust.
        </>
      }
    >
      {(props) => (
        <textarea
          {...props}
          className={`${fieldShape} min-h-20 py-2 font-mono text-xs`}
          value={keys}
          onChange={(event) => onChange(event.target.value)}
          placeholder="spseal1.…"
          autoCapitalize="off"
          spellCheck={false}
        />
      )}
    </Field>
  )
}

interface TextFieldProps {
  readonly label: string
  readonly hint: string
  readonly value: string
  readonly onChange: (value: string) => void
}

function TextField({ label, hint, value, onChange }: TextFieldProps) {
  return (
    <Field label={label} hint={hint}>
      {(props) => (
        <input
          {...props}
          className={`${fieldShape} font-mono`}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
        />
      )}
    </Field>
  )
}

function CredentialField({ value, onChange }: { readonly value: string; readonly onChange: (value: string) => void }) {
  return (
    <Field label="Credential" hint="A password or a token of one line.">
      {(props) => (
        <input
          {...props}
          type="password"
          className={`${fieldShape} font-mono`}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          autoComplete="new-password"
        />
      )}
    </Field>
  )
}
