// Integrations: who outside is told what happened. Webhooks, what was sent to them, and the way to send it again.
import type { Webhook } from '@sallyport/api/webhooks'
import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { AddWebhook } from '../forms/AddWebhook.tsx'
import { useReadOnly, webhooksQuery } from '../forms/queries.ts'
import { DeliveryState, WebhookDetail } from '../forms/WebhookDetail.tsx'
import { integrationsRoute } from '../router.tsx'
import { Badge } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import { AsOf } from '../ui/Connection.tsx'
import { PageHead } from '../ui/Frame.tsx'
import { useKeys } from '../ui/Keys.tsx'
import { type SplitItem, SplitList } from '../ui/SplitList.tsx'
import { EmptyState, ErrorState, Skeleton } from '../ui/States.tsx'

export function Integrations() {
  const webhooks = useQuery(webhooksQuery())
  const readOnly = useReadOnly()
  const [adding, setAdding] = useState(false)
  useKeys('Integrations', [{ keys: 'n', label: 'Add a webhook', run: () => setAdding(readOnly === undefined) }])
  const add = (
    <Button
      kind="primary"
      icon={<Plus aria-hidden size={16} />}
      keys="n"
      {...(readOnly === undefined ? {} : { why: readOnly })}
      onClick={() => setAdding(true)}
    >
      Add a webhook
    </Button>
  )
  const items = webhooks.data?.items ?? []
  return (
    <>
      <PageHead title="Integrations" lead="Webhooks carry facts and a link, never the text of a statement.">
        <AsOf query={webhooks} />
        {items.length === 0 ? null : add}
      </PageHead>
      {webhooks.data === undefined ? (
        webhooks.isError ? (
          <ErrorState error={webhooks.error} retry={() => void webhooks.refetch()} />
        ) : (
          <Skeleton label="Loading webhooks" />
        )
      ) : items.length === 0 ? (
        <EmptyState title="Nobody is told yet" action={add}>
          <p>
            Add a webhook to hear of requests that wait, of decisions, and of changes: signed by the Standard Webhooks
            scheme, or in the shape that Slack takes.
          </p>
        </EmptyState>
      ) : (
        <WebhookList webhooks={items} />
      )}
      {adding ? <AddWebhook names={items.map((webhook) => webhook.name)} onClose={() => setAdding(false)} /> : null}
    </>
  )
}

function WebhookList({ webhooks }: { readonly webhooks: readonly Webhook[] }) {
  const { open } = integrationsRoute.useSearch()
  const navigate = integrationsRoute.useNavigate()
  const found = webhooks.find((webhook) => webhook.id === open || webhook.name === open)
  const current = found ?? (open === undefined ? webhooks[0] : undefined)
  return (
    <SplitList
      label="Webhooks"
      one="webhook"
      items={webhooks.map(itemOf)}
      open={open === undefined ? null : (found?.id ?? open)}
      onOpen={(key) => void navigate({ search: (was) => ({ ...was, open: key ?? undefined }) })}
    >
      {current === undefined ? (
        <EmptyState title="There is no such webhook">
          <p>It may have been deleted.</p>
        </EmptyState>
      ) : (
        <WebhookDetail key={current.id} webhook={current} />
      )}
    </SplitList>
  )
}

const itemOf = (webhook: Webhook): SplitItem => ({
  key: webhook.id,
  title: (
    <>
      <span className="min-w-0 grow truncate">{webhook.name}</span>
      {webhook.state === 'disabled' ? (
        <Badge tone="deny">disabled</Badge>
      ) : webhook.lastDelivery === null ? null : (
        <DeliveryState state={webhook.lastDelivery.state} />
      )}
    </>
  ),
  lead: <span className="block truncate">{webhook.url}</span>,
})
