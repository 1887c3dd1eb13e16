// What the control plane is told about targets unasked, and again on each new link: catalogs, and tools in quarantine. Of everything
// the newest alone; what a target's server makes of it costs one message at a time.
import { create } from '@bufbuild/protobuf'
import { limits } from '@sallyport/base/limits'
import type { AgentMessage } from '@sallyport/proto/gen/sallyport/v1/link_pb'
import { QuarantineReportSchema } from '@sallyport/proto/gen/sallyport/v1/quarantine_pb'
import type { Catalog } from '@sallyport/sql/catalog'
import type { QuarantineNews } from '../mcp/quarantine.ts'
import type { Log } from '../session/log.ts'
import { Catalogs } from './catalogs.ts'
import type { After } from './holds.ts'

export interface News {
  catalog(target: string, upstreamRole: string, catalog: Catalog): void
  quarantine(news: QuarantineNews): void
  /** There is a new link: its other end may have missed some. */
  up(): void
}

export interface NewsDeps {
  readonly log: Log
  /** False when the link is down. */
  readonly send: (body: AgentMessage['body']) => boolean
  readonly after: After
}

export function openNews({ log, send, after }: NewsDeps): News {
  const catalogs = new Catalogs(log)
  const quarantined = openQuarantined(send, after)
  return {
    catalog(target, upstreamRole, catalog) {
      catalogs
        .put(target, upstreamRole, catalog)
        .then((value) => {
          if (value !== undefined) send({ case: 'catalog', value })
        })
        .catch((err: unknown) => log.warn({ err, target }, 'catalog-not-sent'))
    },
    quarantine: quarantined.put,
    up() {
      for (const value of catalogs.all()) send({ case: 'catalog', value })
      quarantined.all()
    },
  }
}

/** One message at a time, with a pause behind each: what changes meanwhile goes in the next one. */
function openQuarantined(send: NewsDeps['send'], after: After) {
  const newest = new Map<string, QuarantineNews>()
  const untold = new Set<string>()
  let isPausing = false
  const tell = (): void => {
    const [target] = untold
    const news = target === undefined ? undefined : newest.get(target)
    if (isPausing || target === undefined || news === undefined) return
    if (!send({ case: 'quarantineReport', value: reportOf(news) })) return
    untold.delete(target)
    isPausing = true
    after(limits.mcpQuarantineEveryMsMin, () => {
      isPausing = false
      tell()
    })
  }
  return {
    put(news: QuarantineNews) {
      newest.set(news.target, news)
      untold.add(news.target)
      tell()
    },
    all() {
      for (const target of newest.keys()) untold.add(target)
      tell()
    },
  }
}

const reportOf = ({ target, tools, more }: QuarantineNews) =>
  create(QuarantineReportSchema, {
    target,
    more,
    tools: tools.map(({ tool, digest, approved, definition, approvedDefinition }) => ({
      name: tool,
      digest,
      approvedDigest: approved ?? '',
      definition: definition ?? '',
      approvedDefinition: approvedDefinition ?? '',
    })),
  })
