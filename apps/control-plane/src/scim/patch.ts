// PATCH of SCIM (RFC 7644, 3.5.2) on a resource as JSON, with what providers send beside it: operations in any case, and a
// remove that names values in place of a filter. Pure: a new resource comes out, or a refusal and nothing is changed.
import { ScimRefusal } from './errors.ts'
import { bareName, parseFilter } from './filter.ts'

export type Json = null | string | number | boolean | Json[] | { [key: string]: Json }
type Tree = { [key: string]: Json }

export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove'
  readonly path?: string | undefined
  readonly value?: Json | undefined
}

/** `name`, `name.familyName`, `emails[type eq "work"]`, `emails[type eq "work"].value`; an extension's URN before it. */
interface Path {
  readonly extension: string | null
  readonly attribute: string
  readonly filter: string | null
  readonly sub: string | null
}

const pathForm = /^(?:(urn:[\w:.-]+):)?([A-Za-z$][\w$-]*)(?:\[([^\]]*)\])?(?:\.([A-Za-z$][\w$-]*))?$/

function parsePath(text: string): Path {
  const match = pathForm.exec(text.trim())
  const [, urn, attribute, filter, sub] = match ?? []
  if (attribute === undefined) throw new ScimRefusal(400, 'the path of an operation cannot be read', 'invalidPath')
  const isCore = urn === undefined || /^urn:ietf:params:scim:schemas:core:2\.0:/i.test(urn)
  return { extension: isCore ? null : urn, attribute, filter: filter ?? null, sub: sub ?? null }
}

const isTree = (value: Json | undefined): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const unsafe: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])
const isUnsafe = (name: string): boolean => unsafe.has(name)

/** The name that the resource has for it already, whatever its case. */
function keyIn(tree: Tree, name: string): string {
  if (isUnsafe(name)) throw new ScimRefusal(400, 'an attribute cannot have this name', 'invalidPath')
  if (Object.hasOwn(tree, name)) return name
  return Object.keys(tree).find((key) => key.toLowerCase() === name.toLowerCase()) ?? name
}

/** Throws 400. */
export function applyPatch(resource: Readonly<Tree>, operations: readonly PatchOperation[]): Tree {
  const next = structuredClone(resource)
  for (const operation of operations) applyOne(next, operation)
  return next
}

function applyOne(resource: Tree, { op, path, value }: PatchOperation): void {
  if (path === undefined || path === '') {
    if (op === 'remove' || !isTree(value))
      throw new ScimRefusal(
        400,
        `"${op}" without a path needs an object of attributes`,
        op === 'remove' ? 'invalidPath' : 'invalidValue',
      )
    // Keys may be paths themselves: `name.familyName` (Entra ID).
    for (const [key, inner] of Object.entries(value)) applyOne(resource, { op, path: key, value: inner })
    return
  }
  const isWholeExtension = /^urn:[\w:.-]+$/.test(path) && isTree(value)
  const at = isWholeExtension ? { extension: null, attribute: path, filter: null, sub: null } : parsePath(path)
  const root = at.extension === null ? resource : childOf(resource, at.extension)
  const key = keyIn(root, at.attribute)
  if (at.filter !== null) applyFiltered(root, key, { op, value, filter: at.filter, sub: at.sub })
  else if (at.sub === null) applyTo(root, key, op, value)
  else if (op !== 'remove' || isTree(root[key])) applyTo(childOf(root, key), at.sub, op, value)
}

function childOf(tree: Tree, name: string): Tree {
  const key = keyIn(tree, name)
  const child = tree[key]
  if (isTree(child)) return child
  const made: Tree = {}
  tree[key] = made
  return made
}

function applyTo(tree: Tree, name: string, op: PatchOperation['op'], value: Json | undefined): void {
  const key = keyIn(tree, name)
  const now = tree[key]
  if (op === 'remove') {
    // Entra ID names the members to remove as values.
    if (Array.isArray(now) && Array.isArray(value)) {
      const isGone = among(value, now.length)
      tree[key] = now.filter((item) => !isGone(item))
    } else delete tree[key]
    return
  }
  if (value === undefined) throw new ScimRefusal(400, `"${op}" needs a value`, 'invalidValue')
  if (op === 'add' && Array.isArray(now)) {
    const added = Array.isArray(value) ? value : [value]
    const isThere = among(now, added.length)
    tree[key] = [...now, ...added.filter((item) => !isThere(item))]
  } else if (op === 'add' && isTree(now) && isTree(value)) Object.assign(now, safe(value))
  else tree[key] = isTree(value) ? safe(value) : value
}

function safe(tree: Tree): Tree {
  if (Object.keys(tree).some(isUnsafe)) throw new ScimRefusal(400, 'an attribute cannot have this name', 'invalidValue')
  return tree
}

/** Two items of a list are one when they have the same `value` (RFC 7643, 2.4), or are equal. */
const hasValue = (item: Json): item is Tree => isTree(item) && 'value' in item
const keyOf = (item: Json): string => (hasValue(item) ? `value ${JSON.stringify(item['value'])}` : JSON.stringify(item))
const isSame = (left: Json, right: Json): boolean =>
  hasValue(left) && hasValue(right) ? left['value'] === right['value'] : keyOf(left) === keyOf(right)

/** Items that are compared with each of a list; of more than so many a set is made, since one request can hold many thousands. */
const fewMax = 8

/** Whether one of so many items is among these. */
function among(list: readonly Json[], asked: number): (item: Json) => boolean {
  if (Math.min(list.length, asked) <= fewMax) return (item) => list.some((there) => isSame(there, item))
  const keys = new Set(list.map(keyOf))
  return (item) => keys.has(keyOf(item))
}

function applyFiltered(
  tree: Tree,
  key: string,
  { op, value, filter, sub }: { op: PatchOperation['op']; value: Json | undefined; filter: string; sub: string | null },
): void {
  const wanted = parseFilter(filter)
  const list = tree[key]
  const items = Array.isArray(list) ? list : []
  const fits = (item: Json): boolean =>
    isTree(item) && wanted.every((one) => item[keyIn(item, one.attribute)] === one.value)
  if (op === 'remove' && sub === null) {
    tree[key] = items.filter((item) => !fits(item))
    return
  }
  const found = items.filter(fits)
  if (found.length === 0 && op !== 'remove') {
    // As Entra ID expects: an address of this type comes to be by being set.
    const made: Tree = Object.fromEntries(wanted.map((one) => [bareName(one.attribute), one.value]))
    items.push(made)
    found.push(made)
    tree[key] = items
  }
  for (const item of found) {
    if (!isTree(item)) continue
    if (sub !== null) applyTo(item, sub, op, value)
    else if (isTree(value)) Object.assign(item, safe(value))
    else throw new ScimRefusal(400, 'an item of a list is replaced by an object', 'invalidValue')
  }
}
