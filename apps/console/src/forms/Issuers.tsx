// Whose tokens count here, and what must stand in them: the TrustedIssuer documents, to be read. They are changed as documents.
import type { Resource } from '@sallyport/api/resources'
import { useQuery } from '@tanstack/react-query'
import { z } from 'zod'
import { resourcesQuery } from '../api/queries.ts'
import { Badge } from '../ui/Badge.tsx'
import { Mono } from '../ui/Code.tsx'
import { EmptyState, ErrorState, Skeleton } from '../ui/States.tsx'
import { type Column, Table } from '../ui/Table.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'
import { claimTexts } from './claims.ts'

/** Leniently, because a control plane may be newer than the console. */
const Issuer = z.object({
  metadata: z.object({ name: z.string(), description: z.string().catch('').default('') }),
  spec: z.object({
    issuer: z.string(),
    preset: z.string().optional().catch(undefined),
    principals: z.string().catch('workload').default('workload'),
    audiences: z.array(z.string()).catch([]).default([]),
    requiredClaims: z.record(z.string(), z.unknown()).catch({}).default({}),
    maxLife: z.string().catch('1h').default('1h'),
  }),
})
type Issuer = z.infer<typeof Issuer>

const issuersOf = (resources: readonly Resource[]): Issuer[] =>
  resources.flatMap(({ document }) => {
    const read = Issuer.safeParse(document)
    return read.success ? [read.data] : []
  })

export function Issuers() {
  const resources = useQuery(resourcesQuery('trusted-issuers'))
  const items = issuersOf(resources.data?.items ?? [])
  return (
    <section aria-labelledby="issuers" className="mt-8 space-y-3">
      <h2 id="issuers" className="text-base font-semibold">
        Trusted issuers
      </h2>
      <p className="max-w-prose text-ink-2">
        Platforms and providers whose own tokens open targets. What they say counts for nothing until a Group document
        names it; <Mono>sallyport apply</Mono> changes both.
      </p>
      {resources.data === undefined ? (
        resources.isError ? (
          <ErrorState error={resources.error} retry={() => void resources.refetch()} />
        ) : (
          <Skeleton label="Loading trusted issuers" rows={2} />
        )
      ) : items.length === 0 ? (
        <EmptyState title="No issuer is trusted">
          <p>
            Tokens of this control plane count alone. A TrustedIssuer document lets workloads in with the identity that
            their platform gives them, and without a key.
          </p>
        </EmptyState>
      ) : (
        <Table caption="Trusted issuers" columns={columns} rows={items} rowKey={({ metadata }) => metadata.name} />
      )}
    </section>
  )
}

function Lines({
  texts,
  none,
  width = '',
}: {
  readonly texts: readonly string[]
  readonly none: string
  readonly width?: string
}) {
  if (texts.length === 0) return <span className="text-ink-3">{none}</span>
  return (
    <span className={`block ${width}`}>
      {texts.map((text) => (
        <span key={text} className="block font-mono text-[0.92em] [overflow-wrap:anywhere]">
          <VisibleText text={text} />
        </span>
      ))}
    </span>
  )
}

const columns: readonly Column<Issuer>[] = [
  {
    name: 'issuer',
    head: 'Issuer',
    cell: ({ metadata, spec }) => (
      <span className="block md:w-72">
        <span className="flex flex-wrap items-center gap-2">
          <VisibleText text={metadata.name} />
          {spec.preset === undefined ? null : <Badge tone="neutral">{spec.preset}</Badge>}
        </span>
        <span className="block text-xs [overflow-wrap:anywhere] text-ink-3">
          <VisibleText text={spec.issuer} />
        </span>
      </span>
    ),
  },
  {
    name: 'for',
    head: 'Speaks for',
    cell: ({ spec }) => (spec.principals === 'user' ? 'people' : 'workloads'),
  },
  {
    name: 'audience',
    head: 'Audience',
    cell: ({ spec }) => <Lines texts={spec.audiences} none="none" width="md:w-48" />,
  },
  {
    name: 'claims',
    head: 'Must say',
    grow: true,
    cell: ({ spec }) => <Lines texts={claimTexts(spec.requiredClaims)} none="nothing more" />,
  },
  { name: 'life', head: 'Life at most', cell: ({ spec }) => spec.maxLife },
]
