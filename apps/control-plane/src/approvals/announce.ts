// What outsiders are told of a request: parsed facts and a link. Nothing that the text of a statement could forge, and
// nothing that decides.
import type { WebhookEventName } from '@sallyport/api/webhooks'
import type { Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { appendOutbox } from '../notifications/outbox.ts'
import { shownObjectsMax } from './evidence.ts'
import type { HeldRequest } from './store.ts'

export type AnnounceDeps = Pick<Deps, 'clock' | 'randomBytes'> & { readonly config: Pick<Deps['config'], 'publicUrl'> }

/** Where people see the request. */
export const urlOf = (config: Pick<Deps['config'], 'publicUrl'>, id: string): string =>
  `${config.publicUrl}/approvals/${id}`

type Announced = Pick<
  HeldRequest,
  | 'id'
  | 'target'
  | 'agentName'
  | 'initiatorName'
  | 'verbs'
  | 'objects'
  | 'facts'
  | 'policy'
  | 'policyVersion'
  | 'rule'
  | 'expiresAt'
>

/** Writes the event in the transaction of the change. `by`: names of those who decided, if any. */
export async function announce(
  deps: AnnounceDeps,
  tx: Tx,
  event: Extract<WebhookEventName, `approval.${string}`>,
  request: Announced,
  by: readonly string[] = [],
): Promise<void> {
  const { facts } = request
  await appendOutbox(tx, {
    id: deps.randomBytes(16).toString('hex'),
    at: new Date(deps.clock.nowMs()),
    event,
    subject: request.id,
    payload: {
      approval: request.id,
      url: urlOf(deps.config, request.id),
      target: request.target,
      agent: request.agentName,
      caller: request.initiatorName,
      callerAssurance: facts.initiator.assurance,
      verbs: request.verbs,
      objects: request.objects.slice(0, shownObjectsMax),
      objectsInAll: facts.objectsInAll,
      statements: facts.statements,
      filtered: facts.filtered,
      rule: { policy: request.policy, version: request.policyVersion, rule: request.rule },
      expiresAt: request.expiresAt.toISOString(),
      decidedBy: [...by],
    },
  })
}
