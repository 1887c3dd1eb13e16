// Tickets: short-lived credentials for one target and role, for clients that log in with SCRAM-SHA-256.
import { limits } from '@sallyport/base/limits'
import { z } from 'zod'
import { pageOf } from './problem.ts'

/** POST /api/v1/tickets. The secret is in the answer, and nowhere else ever after. */
export const TicketRequest = z.strictObject({
  target: z.string().min(1).max(63),
  /** An upstream role of the target; its default without one. */
  role: z.string().min(1).max(63).optional(),
  seconds: z.number().int().min(60).max(limits.ticketSecondsMax).default(limits.ticketSecondsDefault),
  /** Addresses or networks (`10.0.0.0/8`) that it is good from; any without one. */
  sources: z.array(z.string().min(2).max(64)).min(1).max(limits.ticketSourcesMax).optional(),
  /** Logins that it is good for; any number without it. */
  uses: z.number().int().min(1).max(limits.ticketUsesMax).optional(),
  /** One round of SCRAM in place of 4,096: for clients that connect for each query. pgjdbc refuses it. */
  fast: z.boolean().default(false),
})
export type TicketRequest = z.infer<typeof TicketRequest>

/** A ticket as lists show it. */
export const Ticket = z.object({
  id: z.string(),
  /** The user name of a connection. */
  user: z.string(),
  state: z.enum(['live', 'expired', 'revoked', 'used']),
  owner: z.string(),
  target: z.string(),
  role: z.string(),
  sources: z.array(z.string()),
  usesMax: z.number().int().nullable(),
  usesLeft: z.number().int().nullable(),
  /** Control planes of the release before do not say so, and have none. */
  fast: z.boolean().default(false),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
})
export type Ticket = z.infer<typeof Ticket>

/** GET /api/v1/me/tickets and GET /api/v1/tickets, newest first. */
export const TicketPage = pageOf(Ticket)
export type TicketPage = z.infer<typeof TicketPage>

export const TicketResponse = z.object({
  ticket: Ticket,
  /** The password. Shown once. */
  secret: z.string(),
  connection: z.object({
    host: z.string(),
    port: z.number().int(),
    database: z.string(),
    user: z.string(),
    /** PEM of the authority that signed the agent's certificate, for sslrootcert. */
    ca: z.string(),
  }),
})
export type TicketResponse = z.infer<typeof TicketResponse>
