// Takes a catalog from an agent: only for a target that the agent serves, only what unpacks to JSON of a sane size.
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Clock } from '@sallyport/base/clock'
import { isPostgresTarget } from '@sallyport/policy/document'
import type { CatalogUpload } from '@sallyport/proto/gen/sallyport/v1/catalog_pb'
import type { Logger } from 'pino'
import { z } from 'zod'
import { putCatalog } from '../agents/store.ts'
import type { Db } from '../db.ts'
import { readDocument } from '../policies/store.ts'
import type { AgentIdentity } from './peer.ts'

/** A catalog, unpacked, in bytes: some 100,000 columns. */
export const catalogBytesMax = 67_108_864

const unpack = promisify(gunzip)
const Envelope = z.object({ version: z.string().min(1).max(200), database: z.string() })

/** Stores the catalog, or logs why not: a bad catalog hurts explanations, not the data path, so the link stays. */
export async function acceptCatalog(
  deps: { readonly db: Db; readonly clock: Clock; readonly log: Logger },
  agent: AgentIdentity,
  upload: CatalogUpload,
): Promise<void> {
  const { target, upstreamRole, version } = upload
  const refusal = await refusalOf(deps.db, agent, upload)
  if (refusal !== null) {
    deps.log.warn({ event: 'catalog-refused', agent: agent.agentId, reason: refusal })
    return
  }
  const catalog = new Uint8Array(upload.catalog)
  const at = new Date(deps.clock.nowMs())
  await putCatalog(deps.db, { target, upstreamRole, version, catalog, agentId: agent.agentId, at })
  deps.log.info({ event: 'catalog-stored', agent: agent.agentId, target, version })
}

async function refusalOf(db: Db, agent: AgentIdentity, upload: CatalogUpload): Promise<string | null> {
  const stored = await readDocument(db, 'Target', upload.target)
  if (stored === null || stored.document.kind !== 'Target') return 'there is no such target'
  const { document } = stored
  if (!document.spec.agents.includes(agent.name)) return 'the target is not served by this agent'
  if (!isPostgresTarget(document)) return 'the target is no database'
  if (!document.spec.roles.some((role) => role.name === upload.upstreamRole)) return 'the target has no such role'
  const parsed = Envelope.safeParse(await jsonOf(upload.catalog))
  if (!parsed.success || parsed.data.version !== upload.version) return 'it is no catalog, or of another version'
  return null
}

async function jsonOf(packed: Uint8Array): Promise<unknown> {
  try {
    return JSON.parse((await unpack(packed, { maxOutputLength: catalogBytesMax })).toString('utf8'))
  } catch {
    return undefined
  }
}
