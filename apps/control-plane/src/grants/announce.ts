// What outsiders are told of a grant: what it lets whom do, for how long, and a link. Nothing that decides, and no words of who asks.
import type { WebhookEventName } from '@sallyport/api/webhooks'
import { shownObjectsMax } from '../approvals/evidence.ts'
import type { Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { appendOutbox } from '../notifications/outbox.ts'
import { showStoredRule } from './scope.ts'
import type { StoredGrant } from './store.ts'

export type AnnounceGrantDeps = Pick<Deps, 'randomBytes'> & { readonly config: Pick<Deps['config'], 'publicUrl'> }

export type AnnouncedGrant = Pick<
  StoredGrant,
  'id' | 'target' | 'display' | 'policy' | 'rule' | 'ruleText' | 'seconds' | 'expiresAt' | 'untilAt'
>

export interface GrantNews {
  readonly event: Extract<WebhookEventName, `grant.${string}`>
  readonly at: Date
  /** Names of those who decided, if any. */
  readonly decidedBy?: readonly string[]
  /** Who ended it before its time. */
  readonly by?: string
}

/** Writes the event in the transaction of the change. */
export async function announceGrant(
  deps: AnnounceGrantDeps,
  tx: Tx,
  grant: AnnouncedGrant,
  { event, at, decidedBy = [], by }: GrantNews,
): Promise<void> {
  const { operations, objects } = showStoredRule(grant)
  await appendOutbox(tx, {
    id: deps.randomBytes(16).toString('hex'),
    at,
    event,
    subject: grant.id,
    payload: {
      grant: grant.id,
      url: `${deps.config.publicUrl}/grants/${grant.id}`,
      target: grant.target,
      caller: grant.display,
      // Nobody asks under a name that is only claimed.
      callerAssurance: 'verified',
      // Null: all there are.
      verbs: operations,
      objects: objects?.slice(0, shownObjectsMax) ?? null,
      ...(objects === null ? {} : { objectsInAll: objects.length }),
      rule: { policy: grant.policy, rule: grant.rule },
      seconds: grant.seconds,
      expiresAt: grant.expiresAt.toISOString(),
      until: grant.untilAt?.toISOString() ?? null,
      decidedBy: [...decidedBy],
      ...(by === undefined ? {} : { by }),
    },
  })
}
