// Grants: what somebody asks for ahead, for a time, by a rule with the effect `grant` (DESIGN §5). One grant is one rule at one target.
import { z } from 'zod'
import { Approval, GivenVerdict, VerdictWord } from './approvals.ts'
import { PageQuery, pageOf } from './problem.ts'

/** `over`: its time has passed; `ended`: somebody ended it before; `stale`: its rule was changed or taken away since. */
export const GrantState = z.enum(['pending', 'approved', 'denied', 'expired', 'cancelled', 'ended', 'over', 'stale'])
export type GrantState = z.infer<typeof GrantState>

/** What a rule lets somebody do; null: everything. */
const Scope = z.object({
  target: z.string(),
  targetLabels: z.record(z.string(), z.string()),
  /** Roles that the target permits: any of them may be used. None over HTTP. */
  roles: z.array(z.string()),
  policy: z.string(),
  rule: z.string(),
  operations: z.array(z.string()).nullable(),
  objects: z.array(z.string()).nullable(),
  when: z.string().nullable(),
  /** Hours of the week in which it counts; null: at any time. */
  during: z
    .array(
      z.object({
        /** Null: every day. */
        days: z.array(z.string()).nullable(),
        from: z.string(),
        to: z.string(),
        zone: z.string(),
      }),
    )
    .nullable(),
  /** What the author of the rule says about it; empty: nothing. */
  message: z.string(),
})

/** GET /api/v1/me/grantable: what the signed-in person may ask for. */
export const Grantable = Scope.extend({
  longestSeconds: z.number().int(),
  reviewers: z.array(z.object({ group: z.string(), count: z.number().int() })),
  reason: z.enum(['optional', 'required']),
})
export type Grantable = z.infer<typeof Grantable>
export const GrantableList = z.object({ items: z.array(Grantable) })

export const Grant = Scope.extend({
  id: z.string(),
  state: GrantState,
  who: z.object({ issuer: z.string(), subject: z.string(), display: z.string() }),
  reason: z.string(),
  seconds: z.number().int(),
  quorum: z.array(z.object({ group: z.string(), count: z.number().int(), approvedBy: z.array(z.string()) })),
  verdicts: z.array(GivenVerdict),
  createdAt: z.iso.datetime(),
  /** Until when it can be decided. */
  expiresAt: z.iso.datetime(),
  /** When it ends by itself; null while it is not granted. */
  until: z.iso.datetime().nullable(),
  /** When it was denied, withdrawn or ended before its time. */
  endedAt: z.iso.datetime().nullable(),
  endedBy: z.string().nullable(),
  mayDecide: z.union([z.object({ ok: z.literal(true) }), z.object({ ok: z.literal(false), why: z.string() })]),
  mayEnd: z.boolean(),
})
export type Grant = z.infer<typeof Grant>
export const GrantPage = pageOf(Grant)
export const grantViews = ['pending', 'live', 'past', 'all', 'mine'] as const
/**
 * GET /api/v1/grants, newest first: what the signed-in person may see. `live`: granted and not over; `past`: neither that nor to be decided;
 * `mine`: what they asked for themselves.
 */
export const GrantQuery = PageQuery.extend({ view: z.enum(grantViews).default('pending') })

/** One grant, as who decides looks at it. `history`: what the same person asked for by the same rule in the last 30 days. */
export const GrantDetail = Grant.extend(Approval.pick({ quorum: true, history: true }).shape)
export type GrantDetail = z.infer<typeof GrantDetail>

/** POST /api/v1/grants. */
export const GrantRequest = z.strictObject({
  target: z.string().max(63),
  policy: z.string().max(63),
  rule: z.string().max(63),
  seconds: z.number().int().min(60).max(604_800),
  reason: z.string().max(2_000).default(''),
})
export type GrantRequest = z.infer<typeof GrantRequest>

/** POST /api/v1/grants/:id/verdict. A grant never changes, so its id says what was looked at. */
export const GrantVerdictRequest = z.strictObject({ verdict: VerdictWord, reason: z.string().max(2_000).default('') })
export type GrantVerdictRequest = z.infer<typeof GrantVerdictRequest>

/** POST /api/v1/grants/:id/end: withdraws what is pending, ends what is granted. */
export const GrantEndRequest = z.strictObject({})
