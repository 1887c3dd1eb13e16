// Agents: are the processes of the data path there, current and trusted? Adding and revoking them.
import type { Agent } from '@sallyport/api/resources'
import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { agentsQuery } from '../api/queries.ts'
import { AddAgent } from '../forms/AddAgent.tsx'
import { AgentDetail } from '../forms/AgentDetail.tsx'
import { AgentState } from '../forms/AgentState.tsx'
import { useReadOnly } from '../forms/queries.ts'
import { agentsRoute } from '../router.tsx'
import { Button } from '../ui/Button.tsx'
import { AsOf } from '../ui/Connection.tsx'
import { FilterBar, SearchField } from '../ui/Filters.tsx'
import { PageHead } from '../ui/Frame.tsx'
import { useKeys } from '../ui/Keys.tsx'
import { type SplitItem, SplitList } from '../ui/SplitList.tsx'
import { EmptyState, ErrorState, Skeleton } from '../ui/States.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'

export function Agents() {
  const agents = useQuery(agentsQuery())
  const readOnly = useReadOnly()
  const [adding, setAdding] = useState(false)
  useKeys('Agents', [{ keys: 'n', label: 'Add an agent', run: () => setAdding(readOnly === undefined) }])
  const add = (
    <Button
      kind="primary"
      icon={<Plus aria-hidden size={16} />}
      keys="n"
      {...(readOnly === undefined ? {} : { why: readOnly })}
      onClick={() => setAdding(true)}
    >
      Add an agent
    </Button>
  )
  const items = agents.data?.items ?? []
  return (
    <>
      <PageHead title="Agents" lead="The processes beside your targets: they decide, inject, mask and record.">
        <AsOf query={agents} />
        {items.length === 0 ? null : add}
      </PageHead>
      <AgentsBody add={add} />
      {adding ? <AddAgent known={items.map((agent) => agent.id)} onClose={() => setAdding(false)} /> : null}
    </>
  )
}

function AgentsBody({ add }: { readonly add: ReactNode }) {
  const { q, open } = agentsRoute.useSearch()
  const navigate = agentsRoute.useNavigate()
  const agents = useQuery(agentsQuery())
  const items = agents.data?.items ?? []
  const shown = items.filter((agent) => matches(agent, q))
  return agents.data === undefined ? (
    agents.isError ? (
      <ErrorState error={agents.error} retry={() => void agents.refetch()} />
    ) : (
      <Skeleton label="Loading agents" />
    )
  ) : items.length === 0 ? (
    <EmptyState title="No agent has joined" action={add}>
      <p>An agent runs beside a target and dials out to this control plane. Nothing reaches a target without one.</p>
    </EmptyState>
  ) : (
    <>
      {/* On a phone an open one has the page to itself. */}
      <div className={open === undefined ? '' : 'max-lg:hidden'}>
        <FilterBar>
          <SearchField
            label="Filter agents"
            placeholder="Name, state, address, target or fingerprint"
            value={q}
            onChange={(next) => void navigate({ search: (was) => ({ ...was, q: next }), replace: true })}
          />
        </FilterBar>
      </div>
      {shown.length === 0 ? (
        <EmptyState title="No agent matches">
          <p>No name, state, address, target or fingerprint contains “{q}”.</p>
        </EmptyState>
      ) : (
        <AgentList agents={shown} />
      )}
    </>
  )
}

function matches(agent: Agent, query: string): boolean {
  const text = [agent.name, agent.state, agent.advertise, agent.recordKeyFingerprint, ...agent.targets].join(' ')
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.toLowerCase().includes(word))
}

/** Those that should serve and do not come first, those of the past last. */
const order: readonly Agent['state'][] = ['offline', 'online', 'revoked']
const inOrder = (agents: readonly Agent[]): readonly Agent[] =>
  agents.toSorted(
    (left, right) => order.indexOf(left.state) - order.indexOf(right.state) || left.name.localeCompare(right.name),
  )

function AgentList({ agents }: { readonly agents: readonly Agent[] }) {
  const { open } = agentsRoute.useSearch()
  const navigate = agentsRoute.useNavigate()
  const sorted = inOrder(agents)
  // A link names an agent; the address of an open one may be kept and given on, so it is the name as well.
  const current =
    sorted.find((agent) => agent.name === open || agent.id === open) ?? (open === undefined ? sorted[0] : undefined)
  return (
    <SplitList
      label="Agents"
      one="agent"
      items={sorted.map(itemOf)}
      open={open === undefined ? null : (current?.id ?? open)}
      onOpen={(key) => {
        const name = sorted.find((agent) => agent.id === key)?.name
        void navigate({ search: (was) => ({ ...was, open: name }) })
      }}
    >
      {current === undefined ? (
        <EmptyState title={`There is no agent “${open}”`}>
          <p>It has not joined yet, or the filter hides it.</p>
        </EmptyState>
      ) : (
        <AgentDetail key={current.id} agent={current} />
      )}
    </SplitList>
  )
}

const itemOf = (agent: Agent): SplitItem => ({
  key: agent.id,
  title: (
    <>
      <span className="min-w-0 grow truncate">{agent.name}</span>
      <AgentState state={agent.state} />
    </>
  ),
  lead: (
    <>
      {agent.targets.length === 0 ? 'no target' : agent.targets.join(', ')}
      {agent.state === 'online' || agent.lastSeenAt === null ? null : (
        <>
          , seen <TimeAgo at={agent.lastSeenAt} />
        </>
      )}
    </>
  ),
})
