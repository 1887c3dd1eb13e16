// One target: how to connect, who serves it, what guards it, how it is reached.
import type { Agent, Resource } from '@sallyport/api/resources'
import { Link } from '@tanstack/react-router'
import { FileCode2, KeyRound, ScanSearch, ScrollText } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'
import { Badge, Environment } from '../ui/Badge.tsx'
import { Button } from '../ui/Button.tsx'
import { Card, Pairs } from '../ui/Card.tsx'
import { CodeBlock, Mono } from '../ui/Code.tsx'
import { useKeys } from '../ui/Keys.tsx'
import { Tabs } from '../ui/Tabs.tsx'
import { TimeAgo } from '../ui/TimeAgo.tsx'
import { announce } from '../util/announce.ts'
import { plural } from '../util/format.ts'
import { paths } from '../util/paths.ts'
import { AgentState } from './AgentState.tsx'
import { By } from './By.tsx'
import { addressOf, connectionLines } from './connection.ts'
import { callersText, type MaskView, type PolicyView, selects, type TargetView } from './documents.ts'
import { Sentence } from './Sentence.tsx'
import { maskSentence } from './sentences.ts'
import { YamlDialog } from './YamlDialog.tsx'

const SealDialog = lazy(() => import('./SealDialog.tsx').then((file) => ({ default: file.SealDialog })))

interface TargetDetailProps {
  readonly row: { readonly resource: Resource; readonly view: TargetView | null }
  /** Undefined while they are loading. */
  readonly agents: readonly Agent[] | undefined
  readonly policies: readonly PolicyView[] | undefined
  readonly unreadPolicies: number
}

export function TargetDetail({ row, agents, policies, unreadPolicies }: TargetDetailProps) {
  const { resource, view } = row
  return (
    <article className="space-y-4" aria-label={`Target ${resource.name}`}>
      <header className="flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0">
          <h2 className="flex flex-wrap items-center gap-2 text-lg font-semibold tracking-tight">
            {resource.name}
            <Environment labels={view?.metadata.labels ?? {}} />
          </h2>
          <p className="max-w-prose text-ink-2">{view?.metadata.description || 'No description.'}</p>
        </div>
        <Actions row={row} />
      </header>
      {view === null ? (
        <Card>
          <p>This document has a shape that this console does not know. Its YAML is whole; update the console.</p>
        </Card>
      ) : (
        <>
          <Connect view={view} agents={agents} />
          <Guards view={view} policies={policies} unread={unreadPolicies} />
          <Reached view={view} agents={agents} resource={resource} />
        </>
      )}
    </article>
  )
}

/** What can be done with it from here, and the dialogs that this opens. */
function Actions({ row: { resource, view } }: Pick<TargetDetailProps, 'row'>) {
  const [yaml, setYaml] = useState(false)
  const [seals, setSeals] = useState(false)
  return (
    <>
      <div className="flex flex-wrap gap-2">
        <Link
          to={paths.sessions()}
          search={{ q: `target:${resource.name}` }}
          className="inline-flex min-h-9 items-center gap-2 rounded-lg border border-line bg-surface px-3 font-medium hover:border-line-strong hover:bg-surface-2"
        >
          <ScrollText aria-hidden size={16} />
          Sessions
        </Link>
        <Link
          to={paths.scan(resource.name)}
          title="Look at a sample for personal data and secrets, and label it"
          className="inline-flex min-h-9 items-center gap-2 rounded-lg border border-line bg-surface px-3 font-medium hover:border-line-strong hover:bg-surface-2"
        >
          <ScanSearch aria-hidden size={16} />
          Scan
        </Link>
        {view === null ? null : (
          <Button icon={<KeyRound aria-hidden size={16} />} onClick={() => setSeals(true)}>
            Seal
          </Button>
        )}
        <Button icon={<FileCode2 aria-hidden size={16} />} onClick={() => setYaml(true)}>
          YAML
        </Button>
      </div>
      {seals && view !== null ? (
        <Suspense fallback={null}>
          <SealDialog view={view} onClose={() => setSeals(false)} />
        </Suspense>
      ) : null}
      {yaml ? (
        <YamlDialog
          title={`Target ${resource.name}`}
          lead={`Version ${resource.version}. It refers to credentials and never holds them.`}
          document={resource.document}
          onClose={() => setYaml(false)}
        />
      ) : null}
    </>
  )
}

const clients = [
  { value: 'cli', label: 'CLI' },
  { value: 'psql', label: 'psql' },
  { value: 'url', label: 'Connection URL' },
] as const
type Client = (typeof clients)[number]['value']
const clientNotes: Readonly<Record<Client, string>> = {
  cli: 'Gets a short-lived token and hands it to psql by its environment.',
  psql: '“sallyport connect” without a command writes the agent’s authority to a file and names it; use that for sslrootcert.',
  url: 'For any driver. The password is a token: of “sallyport token”, or the JWT that the platform gives a function.',
}

function Connect({ view, agents }: { readonly view: TargetView; readonly agents: readonly Agent[] | undefined }) {
  const [client, setClient] = useState<Client>('cli')
  const serving = view.spec.agents.flatMap(
    (name) => agents?.find((agent) => agent.name === name && agent.state !== 'revoked') ?? [],
  )
  const agent = serving.find((one) => one.state === 'online') ?? serving[0]
  const address = agent === undefined ? null : addressOf(agent.advertise)
  const lines = address === null ? null : connectionLines(view.metadata.name, address)
  const copy = () => {
    if (lines === null) return
    navigator.clipboard.writeText(lines[client]).then(
      () => announce('Copied the connection line'),
      () => announce('The browser did not allow copying; select the text instead', true),
    )
  }
  useKeys('Target', [{ keys: 'c', label: 'Copy the connection line', run: copy }])
  if (lines === null)
    return (
      <Card title="Connect">
        <p className="text-ink-2">
          {agents === undefined
            ? 'Looking for its agents…'
            : `No agent has joined that serves it. It names ${view.spec.agents.join(', ')}; `}
          {agents === undefined ? null : (
            <Link to={paths.agents()} className="link">
              add the agent
            </Link>
          )}
          {agents === undefined ? null : ' to get connection lines.'}
        </p>
      </Card>
    )
  return (
    <Card
      title="Connect"
      lead={`Through ${agent?.name} at ${agent?.advertise}${agent?.state === 'online' ? '' : ', which is offline'}`}
    >
      <Tabs label="Client" tabs={clients} value={client} onChange={setClient}>
        <div className="pt-3">
          <CodeBlock text={lines[client]} what="the connection line" label="Without a credential in it" />
          <p className="mt-2 text-xs text-ink-3">{clientNotes[client]}</p>
        </div>
      </Tabs>
    </Card>
  )
}

function Guards({
  view,
  policies,
  unread,
}: {
  readonly view: TargetView
  readonly policies: readonly PolicyView[] | undefined
  readonly unread: number
}) {
  const selecting = (policies ?? []).filter((policy) => selects(policy, view))
  const masks = selecting.flatMap((policy) =>
    policy.spec.masks.items.map((mask, index) => ({ mask, key: `${policy.metadata.name} ${index}` })),
  )
  return (
    <Card title="Guarded by" lead="Policies whose selector names this target. Together they decide; a deny wins.">
      {policies === undefined ? (
        <p className="text-ink-3">Loading policies…</p>
      ) : selecting.length === 0 ? (
        <p>
          No policy selects it, so every statement is denied.{' '}
          <Link to={paths.newPolicy()} className="link">
            Write one
          </Link>
        </p>
      ) : (
        <ul className="divide-y divide-line">
          {selecting.map((policy) => (
            <li key={policy.metadata.name} className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1 py-2">
              <span className="min-w-0">
                <Link to={paths.policy(policy.metadata.name)} className="link font-medium">
                  {policy.metadata.name}
                </Link>
                <span className="block text-xs text-ink-3">{policy.metadata.description}</span>
              </span>
              <span className="text-xs text-ink-2 tabular-nums">
                {plural(policy.spec.rules.items.length, 'rule')}, {plural(policy.spec.masks.items.length, 'mask')}
              </span>
            </li>
          ))}
        </ul>
      )}
      {unread === 0 ? null : (
        <p className="mt-2 text-xs text-hold">
          {plural(unread, 'policy', 'policies')} cannot be read by this console and may apply as well.
        </p>
      )}
      <MasksHere masks={masks} />
    </Card>
  )
}

function MasksHere({ masks }: { readonly masks: readonly { readonly mask: MaskView; readonly key: string }[] }) {
  if (masks.length === 0) return null
  return (
    <section className="mt-3 border-t border-line pt-3">
      <h3 className="mb-2 flex items-center gap-2 font-medium">
        Masked here <Badge tone="mask">{plural(masks.length, 'mask')}</Badge>
      </h3>
      <ul className="space-y-1.5 text-sm">
        {masks.map(({ mask, key }) => (
          <li key={key}>
            <Sentence pieces={maskSentence(mask)} />
          </li>
        ))}
      </ul>
    </section>
  )
}

const recordings: Readonly<Record<string, string>> = {
  strict: 'strict: on disk before a statement is forwarded',
  spool: 'spool: written before a statement is forwarded',
  off: 'off: nothing is recorded',
}

const networks: Readonly<Record<string, string>> = {
  public: 'public addresses only',
  private: 'public and private addresses',
  loopback: 'public, private and loopback addresses',
}

function addressPairs(spec: TargetView['spec']) {
  if (spec.protocol === 'http')
    return [
      { name: 'Address', value: <Mono>{spec.url}</Mono> },
      { name: 'Network', value: networks[spec.network] ?? spec.network },
    ]
  const tls =
    spec.tls.mode === 'disable'
      ? 'off, for a target on the agent’s own host'
      : `${spec.tls.mode}: certificate and name are checked`
  return [
    { name: 'Address', value: <Mono>{`${spec.host}:${spec.port}/${spec.database}`}</Mono> },
    { name: 'TLS', value: tls },
  ]
}

function Reached({
  view,
  agents,
  resource,
}: {
  readonly view: TargetView
  readonly agents: readonly Agent[] | undefined
  readonly resource: Resource
}) {
  const { spec } = view
  return (
    <Card title="How it is reached">
      <Pairs
        pairs={[
          { name: 'Protocol', value: spec.protocol },
          ...addressPairs(spec),
          { name: 'Agents', value: <Servers names={spec.agents} agents={agents} /> },
          ...(spec.protocol === 'http' ? [] : [{ name: 'Upstream roles', value: <Roles roles={spec.roles} /> }]),
          { name: 'Recording', value: recordings[spec.recording] ?? spec.recording },
          {
            name: 'Initiator',
            value: spec.initiator === 'required' ? 'required: a function says for whom it asks' : 'optional',
          },
          ...(spec.mayAct.items.length === 0 && spec.mayAct.unread === 0
            ? []
            : [{ name: 'May act', value: <MayAct spec={spec} /> }]),
          ...(spec.preset === 'none' ? [] : [{ name: 'Preset', value: spec.preset }]),
          {
            name: 'Labels',
            value: <Labels labels={view.metadata.labels} />,
          },
          {
            name: 'Document',
            value: (
              <>
                version {resource.version}, <TimeAgo at={resource.updatedAt} /> by <By actor={resource.updatedBy} />
              </>
            ),
          },
        ]}
      />
    </Card>
  )
}

/** Which functions may say that they work for whom. */
function MayAct({ spec }: { readonly spec: TargetView['spec'] }) {
  const { items, unread } = spec.mayAct
  return (
    <ul className="space-y-1">
      {items.map((one, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: entries have no name, and the list is never reordered on the page
        <li key={index}>
          {callersText(one.actors)} <span className="text-ink-3">for</span> {callersText(one.initiators)}
        </li>
      ))}
      {unread === 0 ? null : (
        <li className="text-hold">{plural(unread, 'entry', 'entries')} this console cannot read</li>
      )}
    </ul>
  )
}

function Labels({ labels }: { readonly labels: TargetView['metadata']['labels'] }) {
  const entries = Object.entries(labels)
  if (entries.length === 0) return <>none</>
  return (
    <span className="flex flex-wrap gap-1">
      {entries.map(([name, value]) => (
        <Badge key={name}>
          {name}: {value}
        </Badge>
      ))}
    </span>
  )
}

function Servers({
  names,
  agents,
}: {
  readonly names: readonly string[]
  readonly agents: readonly Agent[] | undefined
}) {
  return (
    <ul className="space-y-1">
      {names.map((name) => {
        const agent = agents?.find((one) => one.name === name)
        return (
          <li key={name} className="flex flex-wrap items-center gap-2">
            <Link to={paths.agents()} search={{ open: name }} className="link">
              {name}
            </Link>
            {agent === undefined ? (
              agents === undefined ? null : (
                <Badge tone="hold">has not joined</Badge>
              )
            ) : (
              <AgentState state={agent.state} />
            )}
          </li>
        )
      })}
    </ul>
  )
}

function Roles({ roles }: { readonly roles: TargetView['spec']['roles'] }) {
  return (
    <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
      {roles.map((role, index) => (
        <span key={role.name}>
          <Mono>{role.name}</Mono>
          {index === 0 ? <span className="text-ink-3"> (default)</span> : null}
        </span>
      ))}
    </span>
  )
}
