// People in the store as administrators see them, and what ends for one of them.
import type { Db, Tx } from '../db.ts'

export interface Who {
  readonly issuer: string
  readonly subject: string
}

/** Ends the logins that are open, but one. Returns how many there were. */
export async function endLoginsOf(tx: Tx, { issuer, subject }: Who, at: Date, except: string | null): Promise<number> {
  const all = await tx.login.findMany({ where: { person: { issuer, subject } }, select: { id: true } })
  // What a CLI was about to fetch ends too, whichever login confirmed it.
  await tx.deviceLogin.updateMany({
    where: { state: 'confirmed', loginId: { in: all.map(({ id }) => id) } },
    data: { state: 'refused' },
  })
  const { count } = await tx.login.updateMany({
    where: { person: { issuer, subject }, revokedAt: null, ...(except === null ? {} : { id: { not: except } }) },
    data: { revokedAt: at },
  })
  return count
}

/** Counts rights on: what was issued until now is of another count. Returns the count before, of people who are known. */
export async function nextRights(tx: Tx, people: readonly Who[]): Promise<{ id: string; rights: number }[]> {
  if (people.length === 0) return []
  const issuers = people.map(({ issuer }) => issuer)
  const subjects = people.map(({ subject }) => subject)
  return await tx.$queryRaw`
    WITH named AS (
      SELECT DISTINCT "issuer", "subject" FROM unnest(${issuers}::text[], ${subjects}::text[]) AS n("issuer", "subject")
    )
    UPDATE "Person" p SET "rights" = p."rights" + 1 FROM named n
    WHERE p."issuer" = n."issuer" AND p."subject" = n."subject"
    RETURNING p."id", p."rights" - 1 AS "rights"`
}

/** Ends a login and those of command lines that it confirmed. Returns their ids; none when it had ended before. */
export async function endLoginTree(tx: Tx, id: string, at: Date): Promise<string[]> {
  const { count } = await tx.login.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: at } })
  if (count === 0) return []
  await tx.deviceLogin.updateMany({ where: { state: 'confirmed', loginId: id }, data: { state: 'refused' } })
  const confirmed = await tx.login.findMany({ where: { confirmedBy: id }, select: { id: true } })
  await tx.login.updateMany({ where: { confirmedBy: id, revokedAt: null }, data: { revokedAt: at } })
  return [id, ...confirmed.map((login) => login.id)]
}

/** In the order of their names, after the place (display, id). */
export async function pagePeople(db: Db, after: readonly [string, string] | null, limit: number, loginsSince: Date) {
  const [display, id] = after ?? ['', '']
  const where = after === null ? {} : { OR: [{ display: { gt: display } }, { display, id: { gt: id } }] }
  return await db.person.findMany({
    where,
    orderBy: [{ display: 'asc' }, { id: 'asc' }],
    take: limit,
    include: {
      logins: {
        where: { revokedAt: null, expiresAt: { gt: loginsSince } },
        select: { id: true, lastUsedAt: true },
        take: loginsCountedMax,
      },
    },
  })
}

/** Logins of one person that are counted for the list. */
export const loginsCountedMax = 100

export async function findPerson(db: Db | Tx, id: string) {
  return await db.person.findUnique({ where: { id } })
}

/** Disables or enables; true when that was a change. `disabledBy` null: enable. */
export async function setDisabled(tx: Tx, id: string, at: Date, disabledBy: string | null): Promise<boolean> {
  const where = disabledBy === null ? { id, disabledAt: { not: null } } : { id, disabledAt: null }
  const data = disabledBy === null ? { disabledAt: null, disabledBy: null } : { disabledAt: at, disabledBy }
  return (await tx.person.updateMany({ where, data })).count === 1
}
