// What happens right now, and what waits for the signed-in person.
import { z } from 'zod'

/**
 * GET /api/v1/live (text/event-stream): `event: change`, `data:` one LiveEvent as JSON. It says what changed, by id; the
 * console fetches the thing itself under its own rights. `event: hello` comes first, a comment every 15 s.
 */
export const LiveEvent = z.object({
  kind: z.enum(['approval', 'grant', 'session', 'agent', 'resource', 'webhook']),
  id: z.string(),
  at: z.iso.datetime(),
})
export type LiveEvent = z.infer<typeof LiveEvent>

/** GET /api/v1/overview: parts that the person's roles do not permit are null. */
export const Overview = z.object({
  approvals: z
    .object({
      waitingForMe: z.number().int(),
      pending: z.number().int(),
      /** From request to verdict over the last 24 h, milliseconds; null without one. */
      medianWaitMs: z.number().nullable(),
    })
    .nullable(),
  /** Asked for ahead: what waits for a verdict, and what is granted now. */
  grants: z.object({ waitingForMe: z.number().int(), pending: z.number().int(), live: z.number().int() }).nullable(),
  sessions: z
    .object({
      live: z.number().int(),
      today: z.number().int(),
      statements: z.number().int(),
      denied: z.number().int(),
      held: z.number().int(),
      maskedValues: z.number().int(),
      /** Sessions whose record did not verify on arrival. */
      alarms: z.number().int(),
      /** The last 24 hours, oldest first. */
      hours: z.array(z.object({ at: z.iso.datetime(), statements: z.number().int(), denied: z.number().int() })),
      topDenied: z.array(z.object({ caller: z.string(), target: z.string(), denied: z.number().int() })),
    })
    .nullable(),
  agents: z.object({ online: z.number().int(), offline: z.number().int(), revoked: z.number().int() }).nullable(),
  targets: z.number().int().nullable(),
  policies: z.number().int().nullable(),
  /** First steps of a new installation, ticked by what really happened; null when all are done or it is none of the person's business. */
  firstSteps: z
    .object({
      agentJoined: z.boolean(),
      targetApplied: z.boolean(),
      policyApplied: z.boolean(),
      sessionSeen: z.boolean(),
    })
    .nullable(),
})
export type Overview = z.infer<typeof Overview>
