// What approvals need to know of recorded sessions.
import type { Db } from '../db.ts'

/** Whose session it is; null while nothing of it was uploaded. */
export async function sessionOwner(db: Db, id: string): Promise<{ agentId: string; target: string } | null> {
  return await db.recordedSession.findUnique({ where: { id }, select: { agentId: true, target: true } })
}
