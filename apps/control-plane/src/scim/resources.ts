// Users and groups of SCIM (RFC 7643) as they come in and go out. Of a user only what the provider says comes in; ids, times
// and groups are ours, and a password is dropped unread.
import { z } from 'zod'
import type { ScimGroupRow, ScimUserRow } from './store.ts'

export const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const groupSchema = 'urn:ietf:params:scim:schemas:core:2.0:Group'
export const enterpriseSchema = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
export const listSchema = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'
export const patchSchema = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'

/** Characters of a name or an id. */
const nameCharsMax = 256
/** Bytes of everything else that is kept of a user. */
export const attributesBytesMax = 32_768
/** Users in one group. */
export const membersMax = 10_000
/** Operations of one PATCH. */
export const operationsMax = 1_000

/** Some providers send the words. */
const Flag = z.union([
  z.boolean(),
  z
    .string()
    .regex(/^(true|false)$/i)
    .transform((text) => text.toLowerCase() === 'true'),
])
const Name = z.string().min(1).max(nameCharsMax)

/**
 * Names of attributes are not case sensitive (RFC 7643, 2.1): an `Active: false` that is overread would let somebody in. One that
 * is there twice is refused.
 */
const spelled = <T extends z.ZodRawShape>(shape: T) => {
  const names = new Map(Object.keys(shape).map((name) => [name.toLowerCase(), name]))
  return z
    .record(z.string(), z.unknown())
    .transform((input, context) => {
      const output: Record<string, unknown> = {}
      for (const [key, value] of Object.entries(input)) {
        const name = names.get(key.toLowerCase()) ?? key
        if (Object.hasOwn(output, name)) context.addIssue({ code: 'custom', path: [name], message: 'is there twice' })
        output[name] = value
      }
      return output
    })
    .pipe(z.looseObject(shape))
}

export const UserInput = spelled({
  userName: Name,
  externalId: Name.nullish(),
  /** One that is not said stays what it was. */
  active: Flag.optional(),
  displayName: z.string().max(nameCharsMax).nullish(),
  name: z.looseObject({ formatted: z.string().nullish() }).nullish(),
})
export type UserInput = z.infer<typeof UserInput>

export const GroupInput = spelled({
  displayName: Name,
  externalId: Name.nullish(),
  members: z
    .array(z.looseObject({ value: z.string().max(64), type: z.string().optional() }))
    .max(membersMax)
    .default([]),
})
export type GroupInput = z.infer<typeof GroupInput>

export const PatchInput = z.looseObject({
  schemas: z.array(z.string()).refine((schemas) => schemas.includes(patchSchema), 'must be a PatchOp'),
  Operations: z
    .array(
      z.looseObject({
        op: z
          .string()
          .regex(/^(add|replace|remove)$/i)
          .transform((op) => op.toLowerCase())
          .pipe(z.enum(['add', 'replace', 'remove'])),
        path: z.string().max(500).optional(),
        value: z.json().optional(),
      }),
    )
    .min(1)
    .max(operationsMax),
})

/** Not kept: ours, read only, or a secret. */
const dropped = new Set(['schemas', 'id', 'meta', 'groups', 'password', 'username', 'externalid', 'active'])

/** What is kept of a user beside its columns. */
export const attributesOf = (input: UserInput): Record<string, unknown> =>
  Object.fromEntries(Object.entries(input).filter(([key, value]) => !dropped.has(key.toLowerCase()) && value !== null))

export const displayOfUser = (input: UserInput): string => input.displayName ?? input.name?.formatted ?? input.userName

const meta = (row: { readonly createdAt: Date; readonly updatedAt: Date; readonly version: number }) => ({
  created: row.createdAt.toISOString(),
  lastModified: row.updatedAt.toISOString(),
  version: versionTag(row),
})

export const versionTag = (row: { readonly version: number }): string => `W/"${row.version}"`

/** The input that would make this user, and what our side adds. */
export function showUser(row: ScimUserRow, baseUrl: string) {
  const isExtended = typeof row.attributes === 'object' && row.attributes !== null && enterpriseSchema in row.attributes
  return {
    ...userInputOf(row),
    schemas: isExtended ? [userSchema, enterpriseSchema] : [userSchema],
    id: row.id,
    groups: row.memberships.map(({ group }) => ({
      value: group.id,
      display: group.display,
      $ref: `${baseUrl}/Groups/${group.id}`,
    })),
    meta: { resourceType: 'User', location: `${baseUrl}/Users/${row.id}`, ...meta(row) },
  }
}

export const userInputOf = (row: ScimUserRow) => ({
  ...(typeof row.attributes === 'object' && !Array.isArray(row.attributes) ? row.attributes : {}),
  userName: row.userName,
  ...(row.externalId === null ? {} : { externalId: row.externalId }),
  active: row.active,
})

export function showGroup(row: ScimGroupRow, baseUrl: string) {
  return {
    ...groupInputOf(row),
    schemas: [groupSchema],
    id: row.id,
    members: row.members.map(({ user }) => ({
      value: user.id,
      display: user.display,
      type: 'User',
      $ref: `${baseUrl}/Users/${user.id}`,
    })),
    meta: { resourceType: 'Group', location: `${baseUrl}/Groups/${row.id}`, ...meta(row) },
  }
}

export const groupInputOf = (row: ScimGroupRow) => ({
  displayName: row.display,
  ...(row.externalId === null ? {} : { externalId: row.externalId }),
  members: row.members.map(({ user }) => ({ value: user.id })),
})
