// Users, groups and tokens of SCIM in the store. Every look is for one provider: another one's rows are not there.
import type { Db, Tx } from '../db.ts'
import { Prisma } from '../gen/prisma/client.ts'
import type { Comparison } from './filter.ts'

const withGroups = { memberships: { select: { group: { select: { id: true, display: true } } } } } as const
const withMembers = {
  members: { select: { user: { select: { id: true, display: true, issuer: true, subject: true, active: true } } } },
} as const

export type ScimUserRow = NonNullable<Awaited<ReturnType<typeof findUser>>>
export type ScimGroupRow = NonNullable<Awaited<ReturnType<typeof findGroup>>>

export async function findUser(db: Db | Tx, provider: string, id: string) {
  return await db.scimUser.findFirst({ where: { id, provider }, include: withGroups })
}

export async function findGroup(db: Db | Tx, provider: string, id: string) {
  return await db.scimGroup.findFirst({ where: { id, provider }, include: withMembers })
}

interface Window {
  readonly skip: number
  readonly take: number
}

/** Columns that filters may name, by attribute in lower case; null: none has this value. */
function userWhere(provider: string, wanted: readonly Comparison[]): Prisma.ScimUserWhereInput | null {
  const parts = wanted.map(({ attribute, value }): Prisma.ScimUserWhereInput | null => {
    if (attribute === 'active') return typeof value === 'boolean' ? { active: value } : null
    if (typeof value !== 'string') return null
    if (attribute === 'username') return { userNameKey: value.toLowerCase() }
    if (attribute === 'externalid') return { externalId: value }
    return attribute === 'id' ? { id: value } : null
  })
  const known = parts.filter((part) => part !== null)
  return known.length === parts.length ? { provider, AND: known } : null
}

export const userAttributes: ReadonlySet<string> = new Set(['active', 'username', 'externalid', 'id'])
export const groupAttributes: ReadonlySet<string> = new Set([
  'displayname',
  'externalid',
  'id',
  'members',
  'members.value',
])

function groupWhere(provider: string, wanted: readonly Comparison[]): Prisma.ScimGroupWhereInput | null {
  const parts = wanted.map(({ attribute, value }): Prisma.ScimGroupWhereInput | null => {
    if (typeof value !== 'string') return null
    if (attribute === 'displayname') return { displayKey: value.toLowerCase() }
    if (attribute === 'externalid') return { externalId: value }
    if (attribute.startsWith('members')) return { members: { some: { userId: value } } }
    return attribute === 'id' ? { id: value } : null
  })
  const known = parts.filter((part) => part !== null)
  return known.length === parts.length ? { provider, AND: known } : null
}

export async function pageUsers(db: Db, provider: string, wanted: readonly Comparison[], { skip, take }: Window) {
  const where = userWhere(provider, wanted)
  if (where === null) return { total: 0, rows: [] }
  const total = await db.scimUser.count({ where })
  const orderBy = [{ createdAt: 'asc' as const }, { id: 'asc' as const }]
  const rows = take === 0 ? [] : await db.scimUser.findMany({ where, orderBy, skip, take, include: withGroups })
  return { total, rows }
}

export async function pageGroups(db: Db, provider: string, wanted: readonly Comparison[], { skip, take }: Window) {
  const where = groupWhere(provider, wanted)
  if (where === null) return { total: 0, rows: [] }
  const total = await db.scimGroup.count({ where })
  const orderBy = [{ createdAt: 'asc' as const }, { id: 'asc' as const }]
  const rows = take === 0 ? [] : await db.scimGroup.findMany({ where, orderBy, skip, take, include: withMembers })
  return { total, rows }
}

/** Keeps users from being changed or logged in as until the transaction ends; in one order, so that two never wait crosswise. */
export async function lockUsers(tx: Tx, provider: string, ids: readonly string[]) {
  return await tx.$queryRaw<{ id: string; issuer: string; subject: string | null; active: boolean }[]>(
    Prisma.sql`SELECT "id", "issuer", "subject", "active" FROM "ScimUser"
      WHERE "provider" = ${provider} AND "id" = ANY(${[...ids]}) ORDER BY "id" FOR UPDATE`,
  )
}

export async function lockGroup(tx: Tx, provider: string, id: string): Promise<void> {
  await tx.$queryRaw(
    Prisma.sql`SELECT 1 AS one FROM "ScimGroup" WHERE "provider" = ${provider} AND "id" = ${id} FOR UPDATE`,
  )
}

export interface UserColumns {
  readonly subject: string | null
  readonly userName: string
  readonly externalId: string | null
  readonly display: string
  readonly active: boolean
  readonly attributes: Readonly<Record<string, unknown>>
}

const columnsOf = ({ attributes, ...rest }: UserColumns) => ({
  ...rest,
  userNameKey: rest.userName.toLowerCase(),
  // Parsed from JSON a moment ago.
  attributes: JSON.parse(JSON.stringify(attributes)),
})

export async function addUser(
  tx: Tx,
  user: UserColumns & { readonly id: string; readonly provider: string; readonly issuer: string; readonly at: Date },
): Promise<void> {
  const { id, provider, issuer, at, ...columns } = user
  await tx.scimUser.create({ data: { id, provider, issuer, createdAt: at, updatedAt: at, ...columnsOf(columns) } })
}

export async function putUser(tx: Tx, id: string, user: UserColumns, at: Date): Promise<void> {
  await tx.scimUser.update({ where: { id }, data: { ...columnsOf(user), updatedAt: at, version: { increment: 1 } } })
}

export async function dropUser(tx: Tx, id: string): Promise<void> {
  await tx.scimUser.delete({ where: { id } })
}

export async function addGroup(
  tx: Tx,
  group: {
    readonly id: string
    readonly provider: string
    readonly display: string
    readonly externalId: string | null
    readonly at: Date
  },
): Promise<void> {
  const { at, ...rest } = group
  await tx.scimGroup.create({
    data: { ...rest, displayKey: rest.display.toLowerCase(), createdAt: at, updatedAt: at },
  })
}

export async function putGroup(
  tx: Tx,
  id: string,
  group: { readonly display: string; readonly externalId: string | null },
  at: Date,
): Promise<void> {
  const data = { ...group, displayKey: group.display.toLowerCase(), updatedAt: at, version: { increment: 1 } }
  await tx.scimGroup.update({ where: { id }, data })
}

export async function dropGroup(tx: Tx, id: string): Promise<void> {
  await tx.scimGroup.delete({ where: { id } })
}

export async function changeMembers(
  tx: Tx,
  groupId: string,
  change: { readonly added: readonly string[]; readonly removed: readonly string[] },
): Promise<void> {
  await tx.scimMember.deleteMany({ where: { groupId, userId: { in: [...change.removed] } } })
  await tx.scimMember.createMany({ data: change.added.map((userId) => ({ groupId, userId })) })
}

/** Disables the person of a user, unless somebody did; enables one whom this same provider had disabled. */
export async function setPersonActive(
  tx: Tx,
  who: { readonly issuer: string; readonly subject: string },
  isActive: boolean,
  at: Date,
  by: string,
): Promise<void> {
  const { issuer, subject } = who
  if (isActive)
    await tx.person.updateMany({
      where: { issuer, subject, disabledBy: by },
      data: { disabledAt: null, disabledBy: null },
    })
  else
    await tx.person.updateMany({
      where: { issuer, subject, disabledAt: null },
      data: { disabledAt: at, disabledBy: by },
    })
}

/** A person who may not sign in, unless there is one already. */
export async function addClosed(
  tx: Tx,
  who: {
    readonly id: string
    readonly issuer: string
    readonly subject: string
    readonly display: string
    readonly at: Date
    readonly by: string
  },
): Promise<void> {
  const { at, by, ...named } = who
  const data = { ...named, groupClaims: [], createdAt: at, lastLoginAt: null, disabledAt: at, disabledBy: by }
  await tx.person.createMany({ data: [data], skipDuplicates: true })
}

/** Names of groups and how many are in them, for administrators. */
export async function listGroups(db: Db, limit: number) {
  return await db.scimGroup.findMany({
    orderBy: [{ provider: 'asc' }, { displayKey: 'asc' }],
    take: limit,
    select: { id: true, provider: true, display: true, _count: { select: { members: true } } },
  })
}
