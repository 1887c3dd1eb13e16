// What was sent to a webhook: each delivery with its attempts and exact payload, and the way to send it again.
import type { Delivery, Webhook } from '@sallyport/api/webhooks'
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { ChevronRight, RotateCw } from 'lucide-react'
import { useState } from 'react'
import { Button } from '../ui/Button.tsx'
import { Card } from '../ui/Card.tsx'
import { CodeBlock, Mono } from '../ui/Code.tsx'
import { AsOf } from '../ui/Connection.tsx'
import { ErrorState, Skeleton } from '../ui/States.tsx'
import { LoadMore } from '../ui/Table.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { useToast } from '../ui/Toast.tsx'
import { absoluteTime, plural } from '../util/format.ts'
import { eventWords } from './events.ts'
import { deliveriesQuery, failureText, resendDelivery, useReadOnly } from './queries.ts'
import { DeliveryState } from './WebhookDetail.tsx'

export function Deliveries({ webhook }: { readonly webhook: Webhook }) {
  const deliveries = useInfiniteQuery(deliveriesQuery(webhook.id))
  const items = deliveries.data?.pages.flatMap((page) => page.items) ?? []
  return (
    <Card
      title="Deliveries"
      lead="Newest first. What fails is tried again with growing pauses, eight times in about seven hours."
      actions={<AsOf query={deliveries} />}
      flush
    >
      {deliveries.data === undefined ? (
        deliveries.isError ? (
          <ErrorState error={deliveries.error} retry={() => void deliveries.refetch()} />
        ) : (
          <div className="px-4 pb-4">
            <Skeleton rows={3} label="Loading deliveries" />
          </div>
        )
      ) : items.length === 0 ? (
        <p className="px-4 pb-4 text-ink-2">Nothing was sent yet. A test shows whether the receiver takes it.</p>
      ) : (
        <>
          <ul className="divide-y divide-line border-t border-line">
            {items.map((delivery) => (
              <li key={delivery.id}>
                <DeliveryRow delivery={delivery} />
              </li>
            ))}
          </ul>
          {deliveries.hasNextPage ? (
            <div className="px-4 pb-4">
              <LoadMore query={deliveries} shown={items.length} one="delivery" many="deliveries" />
            </div>
          ) : null}
        </>
      )}
    </Card>
  )
}

function DeliveryRow({ delivery }: { readonly delivery: Delivery }) {
  return (
    <details className="group">
      <summary className="flex min-h-12 list-none flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2 hover:bg-surface-2 [&::-webkit-details-marker]:hidden">
        <ChevronRight aria-hidden size={15} className="shrink-0 text-ink-3 transition-transform group-open:rotate-90" />
        <span className="min-w-0 grow">
          {eventWords[delivery.event]}
          <span className="block text-xs text-ink-3">
            <TimeAgo at={delivery.createdAt} />, {plural(delivery.attempts, 'attempt')}
            {delivery.lastStatus === null ? '' : `, answered ${delivery.lastStatus}`}
          </span>
        </span>
        <DeliveryState state={delivery.state} />
      </summary>
      <div className="space-y-3 px-4 pt-1 pb-4 pl-10 max-sm:pl-4">
        <p className="text-ink-2">{storyOf(delivery)}</p>
        {delivery.lastError === null ? null : (
          <p className="text-deny">
            Last failure: <Mono>{delivery.lastError}</Mono>
          </p>
        )}
        <CodeBlock text={shownPayload(delivery.payload)} what="the payload" label={`Payload of ${delivery.event}`} />
        <Resend delivery={delivery} />
      </div>
    </details>
  )
}

function storyOf(delivery: Delivery): string {
  const made = `Made ${absoluteTime(Date.parse(delivery.createdAt))}`
  if (delivery.deliveredAt !== null) return `${made}, delivered ${absoluteTime(Date.parse(delivery.deliveredAt))}.`
  if (delivery.state === 'failed') return `${made}, given up after ${plural(delivery.attempts, 'attempt')}.`
  return delivery.nextAt === null
    ? `${made}, on its way.`
    : `${made}, next attempt ${absoluteTime(Date.parse(delivery.nextAt))}.`
}

/** Indented for the eye; the bytes that are sent have no spaces. */
function shownPayload(payload: string): string {
  try {
    return JSON.stringify(JSON.parse(payload), undefined, 2)
  } catch {
    return payload
  }
}

function Resend({ delivery }: { readonly delivery: Delivery }) {
  const readOnly = useReadOnly()
  const [busy, setBusy] = useState(false)
  const queries = useQueryClient()
  const say = useToast()
  const why = readOnly ?? (delivery.state === 'pending' ? 'It is being sent already' : undefined)
  const resend = async () => {
    setBusy(true)
    try {
      await resendDelivery(delivery.id)
      say('done', 'It is sent again')
    } catch (error) {
      say('failed', failureText(error))
    }
    setBusy(false)
    await queries.invalidateQueries({ queryKey: ['deliveries'] })
  }
  return (
    <Button
      icon={<RotateCw aria-hidden size={15} />}
      busy={busy}
      {...(why === undefined ? {} : { why })}
      onClick={() => void resend()}
    >
      Send again
    </Button>
  )
}
