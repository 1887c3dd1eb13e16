// How an agent keeps its connections to a PostgreSQL target: `pool` of a Target document.
import { z } from 'zod'
import { Duration } from './duration.ts'

export const Pooling = z
  .strictObject({
    /**
     * `session`: a connection is cleaned and kept for the next session. `transaction`: sessions have one only while a
     * transaction of theirs runs.
     */
    mode: z.enum(['none', 'session', 'transaction']).default('none'),
    /** Whose sessions may take over one another's connections. */
    share: z.enum(['principal', 'everyone']).default('principal'),
    /** Connections of one role at once, of each agent; without it as many as there are sessions, in mode `transaction` 20. */
    connections: z.number().int().min(1).max(10_000).optional(),
    /** Idle connections of one role that are kept; in mode `transaction` all are, until `idleTimeout`. */
    idle: z.number().int().min(1).max(500).default(10),
    idleTimeout: Duration.default('60s'),
    /** Connections of one role that mode `transaction` keeps however long they are idle, once somebody has come. */
    warm: z.number().int().min(0).max(500).default(0),
    /** What mode `transaction` does with statements whose effect would outlast their transaction, such as LISTEN: refuses
     * them, or leaves the connection to the session until it ends. */
    sessionState: z.enum(['refuse', 'pin']).default('refuse'),
    /** How long a session waits when all connections are in use. */
    wait: Duration.default('10s'),
  })
  .prefault({})
