// Users of SCIM (RFC 7644, 3.3 to 3.6). Whom a provider deactivates or deletes is signed out everywhere at once.

import { audit, type Change, changing, closeDoor, keepOut, newId, openDoor, type ScimDeps } from './change.ts'
import { notFound, ScimRefusal } from './errors.ts'
import { applyPatch, type Json, type PatchOperation } from './patch.ts'
import { attributesBytesMax, attributesOf, displayOfUser, UserInput, userInputOf, versionTag } from './resources.ts'
import { syncProvisioned } from './standing-store.ts'
import { addUser, dropUser, findUser, lockUsers, putUser, type ScimUserRow, type UserColumns } from './store.ts'
import type { ScimClient } from './tokens.ts'

export async function readUser(deps: ScimDeps, { provider }: ScimClient, id: string): Promise<ScimUserRow> {
  const row = await findUser(deps.db, provider.name, id)
  if (row === null) throw notFound('user')
  return row
}

export async function createUser(deps: ScimDeps, client: ScimClient, input: unknown): Promise<ScimUserRow> {
  const columns = columnsOf(client, parsed(input), true)
  const id = newId(deps)
  await changing(deps, client, async (change) => {
    const { tx, at } = change
    const { name: provider, issuer } = client.provider
    await addUser(tx, { ...columns, id, provider, issuer, at })
    await settle(change, null, { issuer, ...columns })
    await audit(change, 'scim-create-user', `ScimUser/${id}`, shown(columns))
  })
  return await readUser(deps, client, id)
}

/** PUT, or PATCH by its operations. `ifMatch` is the version that the client has seen, if it says so. */
export async function changeUser(
  deps: ScimDeps,
  client: ScimClient,
  id: string,
  change: { readonly input: unknown } | { readonly operations: readonly PatchOperation[] },
  ifMatch: string | undefined,
): Promise<ScimUserRow> {
  await changing(deps, client, async (under) => {
    const { tx, at } = under
    const [before] = await lockUsers(tx, client.provider.name, [id])
    const row = await findUser(tx, client.provider.name, id)
    if (before === undefined || row === null) throw notFound('user')
    checkVersion(row, ifMatch)
    const input = 'input' in change ? change.input : applyPatch(jsonOf(userInputOf(row)), change.operations)
    const columns = columnsOf(client, parsed(input), before.active)
    await putUser(tx, id, columns, at)
    await settle(under, before, { issuer: before.issuer, ...columns })
    await audit(under, 'scim-change-user', `ScimUser/${id}`, shown(columns))
  })
  return await readUser(deps, client, id)
}

export async function deleteUser(deps: ScimDeps, client: ScimClient, id: string, ifMatch: string | undefined) {
  await changing(deps, client, async (change) => {
    const { tx } = change
    const [before] = await lockUsers(tx, client.provider.name, [id])
    const row = await findUser(tx, client.provider.name, id)
    if (before === undefined || row === null) throw notFound('user')
    checkVersion(row, ifMatch)
    await dropUser(tx, id)
    await settle(change, before, null)
    await audit(change, 'scim-delete-user', `ScimUser/${id}`, { userName: row.userName, active: false })
  })
}

/** RFC 7644, 3.14: a change of what the client has not seen is refused. */
export function checkVersion(row: { readonly version: number }, ifMatch: string | undefined): void {
  if (ifMatch === undefined || ifMatch === '*' || ifMatch === versionTag(row)) return
  throw new ScimRefusal(412, 'it was changed meanwhile; read it again')
}

interface State {
  readonly issuer: string
  readonly subject: string | null
  readonly active: boolean
}

/** What the change means for the people behind it: who was somebody else's name before loses it, who is inactive all. */
async function settle(change: Change, before: State | null, after: State | null): Promise<void> {
  const old = before?.subject == null ? null : { issuer: before.issuer, subject: before.subject }
  const now = after?.subject == null ? null : { issuer: after.issuer, subject: after.subject }
  const isSame = old !== null && now !== null && old.subject === now.subject
  if (old !== null && !isSame) {
    await closeDoor(change, old, before?.active ? 'deprovisioned' : 'renamed')
    await keepOut(change, old)
  }
  if (now !== null && after !== null) {
    if (!after.active && (before === null || before.active || !isSame)) await closeDoor(change, now, 'deactivated')
    if (after.active) await openDoor(change, now)
  }
  await syncProvisioned(
    change.tx,
    [old, now].filter((who) => who !== null),
  )
}

function parsed(input: unknown): UserInput {
  const result = UserInput.safeParse(input)
  if (!result.success) {
    const [issue] = result.error.issues
    throw new ScimRefusal(400, `"${issue?.path.join('.')}": ${issue?.message}`, 'invalidValue')
  }
  if (Buffer.byteLength(JSON.stringify(attributesOf(result.data))) > attributesBytesMax)
    throw new ScimRefusal(400, `the attributes are longer than ${attributesBytesMax} bytes`, 'tooMany')
  return result.data
}

/** `isActive` where the input does not say: nobody is let in again by what a request leaves out. */
function columnsOf({ provider }: ScimClient, input: UserInput, isActive: boolean): UserColumns {
  const externalId = input.externalId ?? null
  return {
    subject: provider.provisionedSubject === 'userName' ? input.userName : externalId,
    userName: input.userName,
    externalId,
    display: displayOfUser(input),
    active: input.active ?? isActive,
    attributes: attributesOf(input),
  }
}

const shown = ({ userName, externalId, active }: UserColumns) => ({ userName, externalId, active })

/** Stored as JSON, so it is JSON. */
const jsonOf = (value: object): { [key: string]: Json } => JSON.parse(JSON.stringify(value))
