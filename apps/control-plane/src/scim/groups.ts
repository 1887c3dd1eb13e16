// Groups of SCIM (RFC 7644, 3.3 to 3.6). Who is taken out of one loses what was issued with it; who is put in has it with the
// next request. A group counts only where a Group document names it by its id (THREATS ).
import type { ProvisionedGroups } from '@sallyport/api/scim-admin'
import type { Deps } from '../deps.ts'
import { provisionedClaim } from '../signin/rules.ts'
import { audit, type Change, changing, lessRights, newId, type ScimDeps } from './change.ts'
import { notFound, ScimRefusal } from './errors.ts'
import { applyPatch, type Json, type PatchOperation } from './patch.ts'
import { GroupInput, groupInputOf } from './resources.ts'
import { syncProvisioned } from './standing-store.ts'
import {
  addGroup,
  changeMembers,
  dropGroup,
  findGroup,
  listGroups,
  lockGroup,
  lockUsers,
  putGroup,
  type ScimGroupRow,
} from './store.ts'
import type { ScimClient } from './tokens.ts'
import { checkVersion } from './users.ts'

/** Groups that administrators are shown. */
const listMax = 1_000

export async function readGroup(deps: ScimDeps, { provider }: ScimClient, id: string): Promise<ScimGroupRow> {
  const row = await findGroup(deps.db, provider.name, id)
  if (row === null) throw notFound('group')
  return row
}

export async function createGroup(deps: ScimDeps, client: ScimClient, input: unknown): Promise<ScimGroupRow> {
  const { displayName, externalId = null, members } = parsed(input)
  const id = newId(deps)
  await changing(deps, client, async (change) => {
    const { tx, at } = change
    await addGroup(tx, { id, provider: client.provider.name, display: displayName, externalId, at })
    const wanted = members.map(({ value }) => value)
    await setMembers(change, id, [], wanted)
    await audit(change, 'scim-create-group', `ScimGroup/${id}`, { displayName, members: wanted.length })
  })
  return await readGroup(deps, client, id)
}

/** PUT, or PATCH by its operations. */
export async function changeGroup(
  deps: ScimDeps,
  client: ScimClient,
  id: string,
  change: { readonly input: unknown } | { readonly operations: readonly PatchOperation[] },
  ifMatch: string | undefined,
): Promise<ScimGroupRow> {
  await changing(deps, client, async (under) => {
    const { tx, at } = under
    await lockGroup(tx, client.provider.name, id)
    const row = await findGroup(tx, client.provider.name, id)
    if (row === null) throw notFound('group')
    checkVersion(row, ifMatch)
    const input = 'input' in change ? change.input : applyPatch(jsonOf(groupInputOf(row)), change.operations)
    const { displayName, externalId = null, members } = parsed(input)
    await putGroup(tx, id, { display: displayName, externalId }, at)
    const before = row.members.map(({ user }) => user.id)
    const wanted = members.map(({ value }) => value)
    await setMembers(under, id, before, wanted)
    await audit(under, 'scim-change-group', `ScimGroup/${id}`, { displayName, members: wanted.length })
  })
  return await readGroup(deps, client, id)
}

export async function deleteGroup(deps: ScimDeps, client: ScimClient, id: string, ifMatch: string | undefined) {
  await changing(deps, client, async (change) => {
    const { tx } = change
    await lockGroup(tx, client.provider.name, id)
    const row = await findGroup(tx, client.provider.name, id)
    if (row === null) throw notFound('group')
    checkVersion(row, ifMatch)
    const before = row.members.map(({ user }) => user.id)
    await setMembers(change, id, before, [])
    await dropGroup(tx, id)
    await audit(change, 'scim-delete-group', `ScimGroup/${id}`, { displayName: row.display, members: before.length })
  })
}

async function setMembers(
  change: Change,
  groupId: string,
  before: readonly string[],
  wanted: readonly string[],
): Promise<void> {
  const { tx, client } = change
  const now = new Set(wanted)
  const was = new Set(before)
  const added = [...now].filter((id) => !was.has(id))
  const removed = before.filter((id) => !now.has(id))
  const users = await lockUsers(tx, client.provider.name, [...added, ...removed])
  const known = new Set(users.map(({ id }) => id))
  const stranger = added.find((id) => !known.has(id))
  if (stranger !== undefined)
    throw new ScimRefusal(400, 'a member is no user of this provider; groups in groups are not kept', 'invalidValue')
  await changeMembers(tx, groupId, { added, removed })
  const gone = new Set(removed)
  const people = users.flatMap(({ id, issuer, subject }) => (subject === null ? [] : [{ id, issuer, subject }]))
  for (const who of people) if (gone.has(who.id)) lessRights(change, who)
  await syncProvisioned(tx, people)
}

function parsed(input: unknown): GroupInput {
  const result = GroupInput.safeParse(input)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new ScimRefusal(400, `"${issue?.path.join('.')}": ${issue?.message}`, 'invalidValue')
}

/** Stored as JSON, so it is JSON. */
const jsonOf = (value: object): { [key: string]: Json } => JSON.parse(JSON.stringify(value))

/** For administrators: what a Group document names them by. */
export async function provisionedGroups(deps: Pick<Deps, 'db' | 'config'>): Promise<ProvisionedGroups> {
  const issuers = new Map(deps.config.providers.map(({ name, issuer }) => [name, issuer]))
  const rows = await listGroups(deps.db, listMax)
  return {
    items: rows.map(({ id, provider, display, _count }) => ({
      provider,
      issuer: issuers.get(provider) ?? '',
      display,
      claim: provisionedClaim(id),
      members: _count.members,
    })),
  }
}
