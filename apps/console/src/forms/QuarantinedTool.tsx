// One tool in quarantine: what it said when it was approved beside what it says now, and its approval. What it says is the server's
// text, shown as text with every hidden character marked.
import type { QuarantinedTool as Found } from '@sallyport/api/quarantine'
import { ToolApproved } from '@sallyport/api/quarantine'
import { indented } from '@sallyport/base/indented'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { ShieldCheck } from 'lucide-react'
import { useState } from 'react'
import { change } from '../api/client.ts'
import { quarantinedToolPath, quarantinedToolQuery } from '../api/queries.ts'
import { Badge } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import { Card, Pairs } from '../ui/Card.tsx'
import { CodeBlock, Mono } from '../ui/Code.tsx'
import { EmptyState, ErrorState, Skeleton } from '../ui/States.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { announce } from '../util/announce.ts'
import { Confirm } from './Confirm.tsx'
import { useReadOnly } from './queries.ts'
import { SideBySide } from './SideBySide.tsx'

type Kept = Found['definitions'][number]

export function QuarantinedTool({ target, tool }: { readonly target: string; readonly tool: string }) {
  const found = useQuery(quarantinedToolQuery(target, tool))
  if (found.data === undefined) {
    if (found.isPending) return <Skeleton label="Loading the definitions" rows={4} />
    return <ErrorState error={found.error} retry={() => void found.refetch()} />
  }
  const { definitions, version } = found.data
  if (definitions.length === 0) return <NotKept tool={tool} />
  return (
    <article className="space-y-4" aria-label={`Tool ${tool} of ${target}`}>
      <h2 className="text-lg font-semibold tracking-tight">
        {target}/{tool}
      </h2>
      {definitions.map((kept) => (
        <Definition key={`${kept.digest} ${kept.approved}`} kept={kept} version={version} />
      ))}
    </article>
  )
}

const NotKept = ({ tool }: { readonly tool: string }) => (
  <EmptyState title={`“${tool}” is not in quarantine`}>
    <p>It was approved, or its server says again what was approved.</p>
  </EmptyState>
)

function Definition({ kept, version }: { readonly kept: Kept; readonly version: number }) {
  const { target, tool, digest, approved, agents, since } = kept
  const readOnly = useReadOnly()
  const [asking, setAsking] = useState(false)
  return (
    <Card
      title={
        <span className="flex items-center gap-2">
          What it says now <Badge tone="hold">{approved === null ? 'never approved' : 'changed'}</Badge>
        </span>
      }
      lead="A model acts by what a tool says of itself. Approve it only if you would let a model act by this."
    >
      <Compared kept={kept} />
      <div className="mt-3">
        <Pairs
          pairs={[
            { name: 'Since', value: <TimeAgo at={since} /> },
            { name: 'Seen by', value: agents.join(', ') },
            { name: 'Digest now', value: <Mono>{digest}</Mono> },
            { name: 'Approved', value: approved === null ? 'none' : <Mono>{approved}</Mono> },
          ]}
        />
      </div>
      <div className="mt-3">
        <Button
          kind="primary"
          icon={<ShieldCheck aria-hidden size={16} />}
          onClick={() => setAsking(true)}
          {...(readOnly === undefined ? {} : { why: readOnly })}
        >
          Approve what it says now
        </Button>
      </div>
      {asking ? <Approve of={{ target, tool, digest, version }} onClose={() => setAsking(false)} /> : null}
    </Card>
  )
}

function Compared({ kept: { definition, approved, approvedDefinition } }: { readonly kept: Kept }) {
  if (definition === null)
    return <p className="text-ink-2">It is longer than what agents tell. Compare it at the server itself.</p>
  if (approvedDefinition !== null)
    return (
      <SideBySide
        before={indented(approvedDefinition)}
        after={indented(definition)}
        beforeLabel="When it was approved"
        afterLabel="Now"
      />
    )
  return (
    <>
      {approved === null ? null : <p className="mb-2 text-ink-2">The agents have not kept what it said before.</p>}
      <SideBySide before="" after={indented(definition)} beforeLabel="Before" afterLabel="Now" />
    </>
  )
}

interface Approval {
  readonly target: string
  readonly tool: string
  readonly digest: string
  readonly version: number
}

function Approve({ of, onClose }: { readonly of: Approval; readonly onClose: () => void }) {
  const { target, tool, digest, version } = of
  const queries = useQueryClient()
  const approve = async () => {
    await change('POST', `${quarantinedToolPath(target, tool)}/approve`, { digest, version }, ToolApproved)
    announce(`Approved ${target}/${tool}`)
    await queries.invalidateQueries({ queryKey: ['quarantine'] })
  }
  return (
    <Confirm
      title={`Approve ${target}/${tool}`}
      lead="Every agent of the target lets callers have it as it is now. The target's document gets a version with this pin."
      verb="Approve"
      typed={tool}
      onClose={onClose}
      onConfirm={approve}
    >
      <CodeBlock
        text={`mcp:\n  pins: { ${tool}: "${digest}" }`}
        what="the pin"
        label="If the document is kept in Git, put it there, too: else the next apply takes it back"
      />
    </Confirm>
  )
}
