// Asking for a scan, and showing what came of it: counts, and Label documents that can be applied. What people see is made
// from the labels of now, so that what is labelled meanwhile is not proposed again.
import type { Scan } from '@sallyport/api/scans'
import { SallyportError } from '@sallyport/base/errors'
import { isId } from '@sallyport/base/ids'
import { limits } from '@sallyport/base/limits'
import { proposalsOf, ScanReport } from '@sallyport/mask/scan'
import type { LabelDocument } from '@sallyport/policy/document'
import { labelDocuments, labelsOf } from '@sallyport/policy/labels'
import { onlineMs } from '../agents/rules.ts'
import { inRowTransaction } from '../agents/store.ts'
import { appendAction } from '../audit/store.ts'
import type { Deps } from '../deps.ts'
import { type Actor, actorKey } from '../http/actor.ts'
import { readDocument, readDocuments } from '../policies/store.ts'
import * as store from './store.ts'

/** An agent that has not answered for longer will not, in milliseconds: the scan itself, and time to link again. */
export const answerMsMax = limits.scanMsMax + 60_000
/** Scans are kept for a day, in milliseconds. */
const keptMs = 86_400_000

export type ScanDeps = Pick<Deps, 'db' | 'clock' | 'randomBytes' | 'bus'>

/** Throws TARGET_UNKNOWN, CONFLICT while the agent scans, and UPSTREAM_UNREACHABLE when no agent is there. */
export async function askScan(deps: ScanDeps, actor: Actor, name: string, rows: number): Promise<string> {
  const stored = await readDocument(deps.db, 'Target', name)
  if (stored === null || stored.document.kind !== 'Target')
    throw new SallyportError('TARGET_UNKNOWN', 'there is no target of this name')
  const { agents } = stored.document.spec
  const nowMs = deps.clock.nowMs()
  const newId = (): string => deps.randomBytes(16).toString('hex')
  const id = newId()
  const at = new Date(nowMs)
  await inRowTransaction(deps.db, async (tx) => {
    const agent = await store.findAgentSeen(tx, agents, new Date(nowMs - onlineMs))
    if (agent === null)
      throw new SallyportError('UPSTREAM_UNREACHABLE', `no agent that serves "${name}" is online`, {
        hint: 'sallyport agent list shows them',
      })
    if ((await store.countAsked(tx, agent.id, new Date(nowMs - answerMsMax))) > 0)
      throw new SallyportError('CONFLICT', `agent "${agent.name}" scans already`, { hint: 'try again when it is done' })
    await store.removeScansBefore(tx, new Date(nowMs - keptMs))
    await store.addScan(tx, { id, target: name, agentId: agent.id, rows, askedAt: at, askedBy: actorKey(actor) })
    const detail = { scan: id, agent: agent.name, rows }
    await appendAction(tx, {
      id: newId(),
      at,
      actor: actorKey(actor),
      action: 'scan',
      object: `Target/${name}`,
      detail,
    })
  })
  deps.bus.publish({ kind: 'scan', id })
  return id
}

export async function showScan(deps: ScanDeps, id: string): Promise<Scan> {
  const row = isId(id) ? await store.findScan(deps.db, id) : null
  if (row === null) throw new SallyportError('NOT_FOUND', 'there is no scan with this id')
  const shown = {
    id,
    target: row.target,
    askedAt: row.askedAt.toISOString(),
    doneAt: row.doneAt?.toISOString() ?? null,
  }
  const fail = (code: string, message: string): Scan => ({
    ...shown,
    state: 'failed',
    error: { code, message },
    result: null,
  })
  if (row.state === 'failed') return fail(row.errorCode ?? 'INTERNAL', row.errorMessage ?? '')
  if (row.state === 'asked') {
    if (deps.clock.nowMs() - row.askedAt.getTime() > answerMsMax)
      return fail('UPSTREAM_UNREACHABLE', 'the agent did not answer in time')
    return { ...shown, state: 'running', error: null, result: null }
  }
  const documents = await readDocuments(deps.db, ['Label'])
  const labels = documents.flatMap(({ document }) => (document.kind === 'Label' ? [document] : []))
  return { ...shown, state: 'done', error: null, result: resultOf(ScanReport.parse(row.report), row.target, labels) }
}

function resultOf(report: ScanReport, target: string, labels: readonly LabelDocument[]): NonNullable<Scan['result']> {
  const proposals = proposalsOf(report)
  const { role, catalogVersion, relations, columns, isCut } = report
  return {
    role,
    catalogVersion,
    relations,
    columns,
    isCut,
    unread: report.unread.map(({ schema, relation }) => `${schema}.${relation}`),
    columnsFound: report.found.map((column) => {
      const proposal = proposals.find((one) => one.column === column)
      return {
        ...column,
        label: proposal?.label ?? null,
        evidence: proposal?.evidence ?? null,
        labelled: labelsOf(labels, target, column),
      }
    }),
    documents: labelDocuments(labels, target, proposals),
  }
}
