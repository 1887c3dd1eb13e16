// Tools of MCP servers that say something else of themselves than what was approved, and are kept from callers until somebody decides.
import type { Quarantined } from '@sallyport/api/quarantine'
import { useQuery } from '@tanstack/react-query'
import { quarantineQuery } from '../api/queries.ts'
import { QuarantinedTool } from '../forms/QuarantinedTool.tsx'
import { quarantineRoute } from '../router.tsx'
import { AsOf } from '../ui/Connection.tsx'
import { PageHead } from '../ui/Frame.tsx'
import { SplitList } from '../ui/SplitList.tsx'
import { EmptyState, ErrorState, Skeleton } from '../ui/States.tsx'
import { plural } from '../util/format.ts'

const keyOf = ({ target, tool }: Pick<Quarantined, 'target' | 'tool'>): string => `${target}/${tool}`

export function Quarantine() {
  const list = useQuery(quarantineQuery())
  return (
    <>
      <PageHead
        title="Tools in quarantine"
        lead="Tools of MCP servers that say something else of themselves than what was approved. Callers neither see nor call them."
      >
        <AsOf query={list} />
      </PageHead>
      {list.data === undefined ? (
        list.isError ? (
          <ErrorState error={list.error} retry={() => void list.refetch()} />
        ) : (
          <Skeleton label="Loading the quarantine" />
        )
      ) : list.data.items.length === 0 ? (
        <EmptyState title="No tool is in quarantine">
          <p>Every tool that agents have seen is what it was when it was approved.</p>
        </EmptyState>
      ) : (
        <Kept items={list.data.items} more={list.data.more} />
      )}
    </>
  )
}

function Kept({ items, more }: { readonly items: readonly Quarantined[]; readonly more: number }) {
  const { open } = quarantineRoute.useSearch()
  const navigate = quarantineRoute.useNavigate()
  const byKey = new Map(items.map((item) => [keyOf(item), item]))
  const [first = ''] = byKey.keys()
  const [target = '', tool = ''] = (open ?? first).split('/')
  return (
    <>
      {more === 0 ? null : (
        <p className="mb-3 text-sm text-hold">
          {plural(more, 'more tool')} not listed here: servers may have so many at once that it is no use to read them.
        </p>
      )}
      <SplitList
        label="Tools in quarantine"
        one="tool"
        items={[...byKey].map(([key, item]) => ({
          key,
          title: <span className="min-w-0 truncate">{item.tool}</span>,
          lead: `${item.target}, ${item.approved === null ? 'never approved' : 'changed'}`,
        }))}
        open={open ?? null}
        onOpen={(key) => void navigate({ search: { open: key ?? undefined } })}
      >
        <QuarantinedTool key={`${target}/${tool}`} target={target} tool={tool} />
      </SplitList>
    </>
  )
}
