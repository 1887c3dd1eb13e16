// Every event of a webhook has words and a place to choose it.
import { webhookEvents } from '@sallyport/api/webhooks'
import { expect, it } from 'vitest'
import { eventGroups, eventWords } from './events.ts'

it('every event but the test can be chosen, once', () => {
  const chosen = eventGroups.flatMap((group) => group.events)
  expect([...chosen, 'webhook.test'].toSorted()).toEqual([...webhookEvents].toSorted())
  expect(new Set(Object.values(eventWords)).size).toBe(webhookEvents.length)
})
