// A new webhook: where to, in which shape, about what. Its secret is shown once.
import { type Webhook, type WebhookCreated, type WebhookEventName, webhookEvents } from '@sallyport/api/webhooks'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { integrationsRoute } from '../router.tsx'
import { Button } from '../ui/Button.tsx'
import { CodeBlock } from '../ui/Code.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { eventGroups, eventWords } from './events.ts'
import { Field, FormError, fieldShape } from './Field.tsx'
import { createWebhook, failureText } from './queries.ts'

const formats = [
  {
    value: 'standard',
    label: 'Standard Webhooks',
    hint: 'A signed JSON event, for your own code.',
  },
  {
    value: 'slack',
    label: 'Slack',
    hint: 'An incoming webhook of Slack, or of what takes its shape. Deciding stays here.',
  },
] as const
type Format = (typeof formats)[number]['value']

/** A person wants to hear of what waits, first of all. */
const usual: readonly WebhookEventName[] = [
  'approval.requested',
  'approval.approved',
  'approval.denied',
  'approval.expired',
  'grant.requested',
  'grant.approved',
  'grant.denied',
]

export function AddWebhook({ names, onClose }: { readonly names: readonly string[]; readonly onClose: () => void }) {
  const [made, setMade] = useState<WebhookCreated | null>(null)
  const queries = useQueryClient()
  const navigate = integrationsRoute.useNavigate()
  const finish = (webhook: Webhook) => {
    void navigate({ search: (was) => ({ ...was, open: webhook.id }) })
    onClose()
  }
  if (made?.secret !== undefined && made.secret !== null)
    return <SecretDialog name={made.webhook.name} secret={made.secret} onClose={() => finish(made.webhook)} />
  return (
    <WebhookForm
      names={names}
      onClose={onClose}
      onMade={async (created) => {
        await queries.invalidateQueries({ queryKey: ['webhooks'] })
        if (created.secret === null) finish(created.webhook)
        else setMade(created)
      }}
    />
  )
}

interface Draft {
  readonly name: string
  readonly url: string
  readonly format: Format
  readonly events: readonly WebhookEventName[]
}

function problemsOf(draft: Draft, names: readonly string[]) {
  const nameProblem = !/^[a-z0-9][a-z0-9-]{0,62}$/.test(draft.name)
    ? 'Lowercase letters, digits and hyphens, at most 63, not a hyphen first.'
    : names.includes(draft.name)
      ? 'There is a webhook of this name already.'
      : undefined
  return {
    name: nameProblem,
    url: isHttpUrl(draft.url) ? undefined : 'A whole address, for example https://hooks.example.com/sallyport',
    events: draft.events.length === 0 ? 'Choose at least one.' : undefined,
  }
}

function isHttpUrl(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:')
}

function WebhookForm({
  names,
  onClose,
  onMade,
}: {
  readonly names: readonly string[]
  readonly onClose: () => void
  readonly onMade: (created: WebhookCreated) => Promise<void>
}) {
  const [draft, setDraft] = useState<Draft>({ name: '', url: '', format: 'standard', events: usual })
  const [touched, setTouched] = useState(false)
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const problems = problemsOf(draft, names)
  const isSound = Object.values(problems).every((problem) => problem === undefined)
  const submit = async (event?: FormEvent) => {
    event?.preventDefault()
    setTouched(true)
    if (!isSound || busy) return
    setBusy(true)
    setFailure(null)
    try {
      await onMade(await createWebhook({ ...draft, events: [...draft.events] }))
    } catch (error) {
      setFailure(failureText(error))
      setBusy(false)
    }
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title="Add a webhook"
      wide
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={busy} onClick={() => void submit()}>
            Add webhook
          </Button>
        </>
      }
    >
      <form className="space-y-4" onSubmit={(event) => void submit(event)}>
        <Address draft={draft} problems={touched ? problems : {}} onChange={setDraft} />
        <FormatChoice format={draft.format} onChange={(format) => setDraft({ ...draft, format })} />
        <EventChoice
          events={draft.events}
          error={touched ? problems.events : undefined}
          onChange={(events) => setDraft({ ...draft, events })}
        />
        {failure === null ? null : <FormError>{failure}</FormError>}
        <button type="submit" className="sr-only" tabIndex={-1} aria-hidden>
          Add webhook
        </button>
      </form>
    </Dialog>
  )
}

function Address({
  draft,
  problems,
  onChange,
}: {
  readonly draft: Draft
  readonly problems: { readonly name?: string | undefined; readonly url?: string | undefined }
  readonly onChange: (draft: Draft) => void
}) {
  return (
    <div className="grid gap-4 sm:grid-cols-[12rem_minmax(0,1fr)]">
      <Field label="Name" error={problems.name}>
        {(props) => (
          <input
            {...props}
            className={`${fieldShape} font-mono`}
            value={draft.name}
            placeholder="on-call"
            onChange={(event) => onChange({ ...draft, name: event.target.value })}
            autoComplete="off"
            spellCheck={false}
          />
        )}
      </Field>
      <Field label="Address" hint="https, and no private address, unless the operator allows it." error={problems.url}>
        {(props) => (
          <input
            {...props}
            type="url"
            className={`${fieldShape} font-mono`}
            value={draft.url}
            placeholder="https://"
            onChange={(event) => onChange({ ...draft, url: event.target.value })}
            autoComplete="off"
            spellCheck={false}
          />
        )}
      </Field>
    </div>
  )
}

function FormatChoice({ format, onChange }: { readonly format: Format; readonly onChange: (format: Format) => void }) {
  return (
    <fieldset>
      <legend className="mb-1 font-medium">Shape</legend>
      <div className="grid gap-2 sm:grid-cols-2">
        {formats.map((one) => (
          <label
            key={one.value}
            className="flex items-start gap-2.5 rounded-lg border border-line p-3 has-checked:border-accent has-checked:bg-accent-soft"
          >
            <input
              type="radio"
              name="format"
              className="mt-1 accent-accent"
              checked={format === one.value}
              onChange={() => onChange(one.value)}
            />
            <span>
              <span className="block font-medium">{one.label}</span>
              <span className="block text-xs text-ink-2">{one.hint}</span>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  )
}

function EventChoice({
  events,
  error,
  onChange,
}: {
  readonly events: readonly WebhookEventName[]
  readonly error: string | undefined
  readonly onChange: (events: readonly WebhookEventName[]) => void
}) {
  const toggle = (event: WebhookEventName, on: boolean) =>
    onChange(webhookEvents.filter((one) => (one === event ? on : events.includes(one))))
  return (
    <fieldset>
      <legend className="mb-1 font-medium">Events</legend>
      <div className="grid gap-x-6 gap-y-3 sm:grid-cols-2">
        {eventGroups.map((group) => (
          <div key={group.label}>
            <p className="mb-0.5 text-xs text-ink-3">{group.label}</p>
            {group.events.map((event) => (
              <label key={event} className="flex min-h-7 items-center gap-2">
                <input
                  type="checkbox"
                  className="size-4 accent-accent"
                  checked={events.includes(event)}
                  onChange={(input) => toggle(event, input.target.checked)}
                />
                {eventWords[event]}
              </label>
            ))}
          </div>
        ))}
      </div>
      {error === undefined ? null : (
        <p role="alert" className="mt-1 text-xs font-medium text-deny">
          {error}
        </p>
      )}
    </fieldset>
  )
}

/** The secret, once. Nobody can show it again; rotating makes another. */
export function SecretDialog({
  name,
  secret,
  lead,
  onClose,
}: {
  readonly name: string
  readonly secret: string
  readonly lead?: string
  readonly onClose: () => void
}) {
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Signing secret of ${name}`}
      lead={lead ?? 'It shows once. Keep it where the receiver reads it.'}
      actions={
        <Button kind="primary" onClick={onClose}>
          I have kept it
        </Button>
      }
    >
      <div className="space-y-3">
        <CodeBlock text={secret} what="the secret" label="Secret" />
        <p className="text-ink-2">
          Verify each delivery with any Standard Webhooks library: the headers webhook-id, webhook-timestamp and
          webhook-signature, over the exact bytes of the body.
        </p>
      </div>
    </Dialog>
  )
}
