// Applying and deleting documents: all or nothing, in one transaction, each changed document a new version with a line in
// the audit log. A text that changes nothing makes no version. Agents are told after the commit.
import { isDeepStrictEqual } from 'node:util'
import type { ApplyResult, ExpectedVersion } from '@sallyport/api/resources'
import { SallyportError } from '@sallyport/base/errors'
import { builtInIssuerName } from '@sallyport/identity/trust'
import type { Document, DocumentKind } from '@sallyport/policy/document'
import { parseDocuments } from '@sallyport/policy/parse'
import { appendAction } from '../audit/store.ts'
import type { Config } from '../config.ts'
import { inTransaction, type Tx } from '../db.ts'
import type { Deps } from '../deps.ts'
import { DocumentsRefused } from '../http/errors.ts'
import { appendOutbox } from '../notifications/outbox.ts'
import { readAgentNames } from '../targets/store.ts'
import { checkChange, keyOf, locksOutAdmins, usersOf } from './rules.ts'
import {
  hasHistory,
  lastVersion,
  readDocument,
  readDocuments,
  type StoredDocument,
  writeDeletion,
  writeVersion,
} from './store.ts'

/** What apply and delete need; `by` is `issuer subject` of a person, or "bootstrap". */
type ApplyDeps = Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'config' | 'log' | 'metrics' | 'publish'>

interface Planned {
  readonly document: Document
  readonly change: 'created' | 'updated' | 'unchanged'
  readonly version: number
}

/** The documents of a YAML text. Throws with every problem and its line. */
export function readText(yaml: string): readonly Document[] {
  const { documents, problems } = parseDocuments(yaml)
  if (problems.length > 0) throw new DocumentsRefused(problems)
  if (documents.length === 0)
    throw new SallyportError('DOCUMENT_INVALID', 'the text holds no document', {
      hint: 'each document starts with "apiVersion: sallyport.dev/v1"',
    })
  return documents
}

/** The control plane among the issuers. */
export const builtInOf = (config: Pick<Config, 'publicUrl'>) => ({ name: builtInIssuerName, issuer: config.publicUrl })

export interface ApplyOptions {
  readonly dryRun?: boolean
  /** What the caller has seen; nothing is written over anything else. */
  readonly expect?: readonly ExpectedVersion[] | undefined
  /** What the line of the audit log says beside change and version. */
  readonly detail?: Readonly<Record<string, string>>
}

/** Applies a YAML text. Throws with nothing written when anything in it is wrong, or somebody else changed the same. */
export async function applyDocuments(
  deps: ApplyDeps,
  by: string,
  yaml: string,
  { dryRun = false, expect = [], detail = {} }: ApplyOptions = {},
): Promise<ApplyResult> {
  const documents = readText(yaml)
  const { planned, warnings } = await inTransaction(deps.db, async (tx) => {
    const current = await readDocuments(tx)
    refuseUnseen(current, expect)
    const check = checkChange(
      current.map((stored) => stored.document),
      documents,
      {
        agentNames: await readAgentNames(tx),
        builtIn: builtInOf(deps.config),
      },
    )
    if (check.problems.length > 0) throw new DocumentsRefused(check.problems)
    const plan = await planVersions(tx, current, documents)
    if (!dryRun) for (const one of plan) await writePlanned(deps, tx, by, one, detail)
    return { planned: plan, warnings: check.warnings }
  })
  if (!dryRun) await announce(deps, planned)
  return {
    dryRun,
    changes: planned.map(({ document, change, version }) => ({
      kind: document.kind,
      name: document.metadata.name,
      change,
      version,
    })),
    warnings: warnings.map((warning) => ({ ...warning })),
  }
}

/** Two people who edit the same document: the second one is told, and overwrites nothing that they have not seen. */
function refuseUnseen(current: readonly StoredDocument[], expect: readonly ExpectedVersion[]): void {
  const versions = new Map(current.map((stored) => [`${stored.kind}/${stored.name}`, stored.version]))
  for (const { kind, name, version } of expect) {
    const now = versions.get(`${kind}/${name}`) ?? 0
    if (now === version) continue
    throw changedMeanwhile({ kind, name, version: now }, version)
  }
}

/** `now.version` 0: there is none. */
function changedMeanwhile(now: Pick<StoredDocument, 'kind' | 'name' | 'version'>, seen: number): SallyportError {
  const { kind, name, version } = now
  const is = version === 0 ? 'is deleted by now' : seen === 0 ? 'is there already' : `is at version ${version} by now`
  return new SallyportError('CONFLICT', `${kind} "${name}" ${is}; you have seen ${seenText(seen)}`, {
    hint: 'nothing was applied; look at what is stored now, then do it again',
  })
}

const seenText = (version: number): string => (version === 0 ? 'that there is none' : `version ${version}`)

async function planVersions(tx: Tx, current: readonly StoredDocument[], documents: readonly Document[]) {
  const byKey = new Map(current.map((stored) => [keyOf(stored.document), stored]))
  const planned: Planned[] = []
  for (const document of documents) {
    const before = byKey.get(keyOf(document))
    if (before !== undefined && isDeepStrictEqual(before.document, document))
      planned.push({ document, change: 'unchanged', version: before.version })
    else {
      const last = before?.version ?? (await lastVersion(tx, document.kind, document.metadata.name))
      planned.push({ document, change: before === undefined ? 'created' : 'updated', version: last + 1 })
    }
  }
  return planned
}

async function writePlanned(
  deps: ApplyDeps,
  tx: Tx,
  by: string,
  planned: Planned,
  detail: NonNullable<ApplyOptions['detail']>,
): Promise<void> {
  const { document, change, version } = planned
  if (change === 'unchanged') return
  const at = new Date(deps.clock.nowMs())
  await writeVersion(tx, { kind: document.kind, name: document.metadata.name, version, document, at, by })
  const id = deps.randomBytes(16).toString('hex')
  const said = { change, version, ...detail }
  await appendAction(tx, { id, at, actor: by, action: 'apply', object: keyOf(document), detail: said })
  await tell(deps, tx, by, { kind: document.kind, name: document.metadata.name, version, change })
}

interface Changed {
  readonly kind: DocumentKind
  readonly name: string
  readonly version: number
  readonly change: 'created' | 'updated' | 'deleted'
}

/** Outsiders hear which document changed, not how. Every kind decides what callers may do: a target and a group as well. */
async function tell(deps: ApplyDeps, tx: Tx, by: string, changed: Changed): Promise<void> {
  const id = deps.randomBytes(16).toString('hex')
  const at = new Date(deps.clock.nowMs())
  const subject = `${changed.kind}/${changed.name}`
  await appendOutbox(tx, { id, at, event: 'policy.changed', subject, payload: { ...changed, by } })
}

/** After the commit. What is stored counts even if the push fails: agents get it with the next snapshot. */
async function announce(deps: ApplyDeps, planned: readonly Planned[]): Promise<void> {
  const changed = planned.filter((one) => one.change !== 'unchanged')
  for (const { document, change } of changed) deps.metrics.applied.inc({ kind: document.kind, change })
  if (changed.length > 0)
    await publishChange(
      deps,
      changed.map(({ document }) => keyOf(document)),
    )
}

async function publishChange(deps: ApplyDeps, changed: readonly string[]): Promise<void> {
  try {
    await deps.publish(changed)
  } catch (err) {
    deps.log.error({ event: 'publish-failed', err })
  }
}

export interface AskedDeletion {
  readonly kind: DocumentKind
  readonly name: string
  /** That the caller has looked at; undefined: whatever is there. */
  readonly version?: number | undefined
}

/** Deletes a document; the deletion is a version too. Throws CONFLICT while others name it, or when it is not that version. */
export async function deleteDocument(deps: ApplyDeps, by: string, asked: AskedDeletion): Promise<void> {
  const { kind, name } = asked
  await inTransaction(deps.db, async (tx) => {
    const stored = await readDocument(tx, kind, name)
    if (stored === null) throw new SallyportError('NOT_FOUND', `there is no ${kind} "${name}"`)
    if (asked.version !== undefined && asked.version !== stored.version) throw changedMeanwhile(stored, asked.version)
    const all = (await readDocuments(tx)).map((one) => one.document)
    const users = usersOf(stored.document, all)
    if (users.length > 0)
      throw new SallyportError('CONFLICT', `${kind} "${name}" is in use by ${users.slice(0, 10).join(', ')}`, {
        hint: 'change those documents first',
      })
    const after = all.filter((document) => keyOf(document) !== keyOf(stored.document))
    if (locksOutAdmins(all, after))
      throw new SallyportError('CONFLICT', `without Role "${name}" nobody would be an administrator`)
    const at = new Date(deps.clock.nowMs())
    const version = stored.version + 1
    await writeDeletion(tx, { kind, name, version, document: stored.document, at, by })
    const id = deps.randomBytes(16).toString('hex')
    await appendAction(tx, { id, at, actor: by, action: 'delete', object: `${kind}/${name}`, detail: { version } })
    await tell(deps, tx, by, { kind, name, version, change: 'deleted' })
  })
  deps.metrics.applied.inc({ kind, change: 'deleted' })
  await publishChange(deps, [`${kind}/${name}`])
}

/** At the first start: a store without any document gets those of the bootstrap file, as actor "bootstrap". */
export async function applyBootstrap(deps: ApplyDeps, yaml: string): Promise<boolean> {
  if (await hasHistory(deps.db)) return false
  await applyDocuments(deps, 'bootstrap', yaml)
  return true
}
