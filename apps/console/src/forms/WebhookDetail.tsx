// One webhook: where it goes, what it is told, what was sent, and what can be done with it.
import type { Delivery, Webhook } from '@sallyport/api/webhooks'
import { useQueryClient } from '@tanstack/react-query'
import { Check, Hourglass, KeyRound, Power, Send, Trash2, X } from 'lucide-react'
import { useState } from 'react'
import { integrationsRoute } from '../router.tsx'
import { Badge } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import { Card, Pairs } from '../ui/Card.tsx'
import { Mono } from '../ui/Code.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { useToast } from '../ui/Toast.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { absoluteTime } from '../util/format.ts'
import { SecretDialog } from './AddWebhook.tsx'
import { By } from './By.tsx'
import { Confirm } from './Confirm.tsx'
import { Deliveries } from './Deliveries.tsx'
import { eventWords } from './events.ts'
import { deleteWebhook, enableWebhook, failureText, rotateWebhook, testWebhook, useReadOnly } from './queries.ts'

export function DeliveryState({ state }: { readonly state: Delivery['state'] }) {
  switch (state) {
    case 'delivered':
      return (
        <Badge tone="allow" icon={<Check aria-hidden size={13} />}>
          delivered
        </Badge>
      )
    case 'failed':
      return (
        <Badge tone="deny" icon={<X aria-hidden size={13} />}>
          failed
        </Badge>
      )
    case 'pending':
      return (
        <Badge tone="hold" icon={<Hourglass aria-hidden size={13} />}>
          pending
        </Badge>
      )
  }
}

export function WebhookDetail({ webhook }: { readonly webhook: Webhook }) {
  return (
    <article className="space-y-4" aria-label={`Webhook ${webhook.name}`}>
      <header className="flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0">
          <h2 className="flex flex-wrap items-center gap-2 text-lg font-semibold tracking-tight">
            {webhook.name}
            {webhook.state === 'active' ? <Badge tone="allow">active</Badge> : <Badge tone="deny">disabled</Badge>}
          </h2>
          <p className="font-mono text-[13px] [overflow-wrap:anywhere] text-ink-2">
            <VisibleText text={webhook.url} />
          </p>
        </div>
        <Actions webhook={webhook} />
      </header>
      {webhook.state === 'active' ? null : (
        <p role="status" className="rounded-xl border border-deny/40 bg-deny-soft p-4 text-deny">
          Nothing is sent: five deliveries in a row failed for good, or the receiver answered that it is gone (410). Put
          the receiver right, then enable it again.
        </p>
      )}
      <Told webhook={webhook} />
      <Deliveries webhook={webhook} />
    </article>
  )
}

function Told({ webhook }: { readonly webhook: Webhook }) {
  return (
    <Card title="What it is told">
      <Pairs
        pairs={[
          {
            name: 'Shape',
            value:
              webhook.format === 'slack'
                ? 'Slack; its whole address is a secret, so only where it begins is shown'
                : 'Standard Webhooks, signed',
          },
          {
            name: 'Events',
            value: (
              <ul>
                {webhook.events.map((event) => (
                  <li key={event}>
                    {eventWords[event]} <Mono>{event}</Mono>
                  </li>
                ))}
              </ul>
            ),
          },
          {
            name: 'Added',
            value: (
              <>
                {absoluteTime(Date.parse(webhook.createdAt))} by <By actor={webhook.createdBy} />
              </>
            ),
          },
          {
            name: 'Last delivery',
            value:
              webhook.lastDelivery === null ? (
                'none yet'
              ) : (
                <span className="inline-flex flex-wrap items-center gap-2">
                  <DeliveryState state={webhook.lastDelivery.state} />
                  <TimeAgo at={webhook.lastDelivery.at} />
                </span>
              ),
          },
        ]}
      />
    </Card>
  )
}

type Asked = 'rotate' | 'delete' | { readonly secret: string; readonly oldUntil: string } | null

function Actions({ webhook }: { readonly webhook: Webhook }) {
  const readOnly = useReadOnly()
  const [asked, setAsked] = useState<Asked>(null)
  const [busy, setBusy] = useState(false)
  const queries = useQueryClient()
  const say = useToast()
  const act = async (verb: () => Promise<unknown>, done: string) => {
    setBusy(true)
    try {
      await verb()
      say('done', done)
    } catch (error) {
      say('failed', failureText(error))
    }
    setBusy(false)
    await queries.invalidateQueries({ queryKey: ['webhooks'] })
    await queries.invalidateQueries({ queryKey: ['deliveries'] })
  }
  if (readOnly !== undefined) return <p className="text-xs text-ink-3">{readOnly}</p>
  return (
    <div className="flex flex-wrap gap-2">
      {webhook.state === 'disabled' ? (
        <Button
          kind="primary"
          icon={<Power aria-hidden size={16} />}
          busy={busy}
          onClick={() => void act(() => enableWebhook(webhook), `${webhook.name} is active again`)}
        >
          Enable
        </Button>
      ) : (
        <Button
          icon={<Send aria-hidden size={16} />}
          busy={busy}
          onClick={() => void act(() => testWebhook(webhook), 'A test is on its way; see the deliveries')}
        >
          Send a test
        </Button>
      )}
      {webhook.format === 'slack' ? null : (
        <Button icon={<KeyRound aria-hidden size={16} />} onClick={() => setAsked('rotate')}>
          Rotate secret
        </Button>
      )}
      <Button kind="danger" icon={<Trash2 aria-hidden size={16} />} onClick={() => setAsked('delete')}>
        Delete
      </Button>
      <AskedDialog webhook={webhook} asked={asked} onAsk={setAsked} />
    </div>
  )
}

function AskedDialog({
  webhook,
  asked,
  onAsk,
}: {
  readonly webhook: Webhook
  readonly asked: Asked
  readonly onAsk: (asked: Asked) => void
}) {
  const queries = useQueryClient()
  const navigate = integrationsRoute.useNavigate()
  const say = useToast()
  const close = () => onAsk(null)
  if (asked === null) return null
  if (asked === 'rotate') return <RotateDialog webhook={webhook} onClose={close} onRotated={onAsk} />
  if (asked === 'delete')
    return (
      <Confirm
        title={`Delete webhook ${webhook.name}?`}
        lead="Nothing more is sent to it, and what waits for another attempt is dropped."
        verb="Delete webhook"
        typed={webhook.name}
        onClose={close}
        onConfirm={async () => {
          await deleteWebhook(webhook)
          await navigate({ search: (was) => ({ ...was, open: undefined }) })
          await queries.invalidateQueries({ queryKey: ['webhooks'] })
          say('done', `Webhook ${webhook.name} is deleted`)
        }}
      />
    )
  return (
    <SecretDialog
      name={webhook.name}
      secret={asked.secret}
      lead={`It shows once. Until ${absoluteTime(Date.parse(asked.oldUntil))} the old one signs beside it.`}
      onClose={close}
    />
  )
}

function RotateDialog({
  webhook,
  onClose,
  onRotated,
}: {
  readonly webhook: Webhook
  readonly onClose: () => void
  readonly onRotated: (rotated: { readonly secret: string; readonly oldUntil: string }) => void
}) {
  const [rotated, setRotated] = useState<{ readonly secret: string; readonly oldUntil: string } | null>(null)
  return (
    <Confirm
      title={`Rotate the secret of ${webhook.name}?`}
      lead="A new secret is made. For 24 hours both sign every delivery, so that the receiver can change over without a gap."
      verb="Rotate secret"
      onClose={() => (rotated === null ? onClose() : onRotated(rotated))}
      onConfirm={async () => {
        const made = await rotateWebhook(webhook)
        setRotated(made)
        onRotated(made)
      }}
    />
  )
}
