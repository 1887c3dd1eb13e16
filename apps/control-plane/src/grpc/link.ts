// The stream Link of one agent: greeting, snapshots down, what was applied and catalogs up, holds and heartbeats both ways.
import { create } from '@bufbuild/protobuf'
import type { ServerDuplexStream } from '@grpc/grpc-js'
import type { Clock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import {
  type AgentMessage,
  type ControlMessage,
  ControlMessageSchema,
  type Heartbeat,
  type Hello,
  PongSchema,
  RevokedSchema,
  type SnapshotApplied,
} from '@sallyport/proto/gen/sallyport/v1/link_pb'
import type { QuarantineReport } from '@sallyport/proto/gen/sallyport/v1/quarantine_pb'
import type { TicketWanted } from '@sallyport/proto/gen/sallyport/v1/ticket_pb'
import type { TokenShown } from '@sallyport/proto/gen/sallyport/v1/token_pb'
import { printable } from '@sallyport/proto/status'
import type { Logger } from 'pino'
import type { AgentsHeard } from '../agents/heard.ts'
import { checkAdvertise, checkedVersion } from '../agents/rules.ts'
import { greetAgent } from '../agents/store.ts'
import type { Db } from '../db.ts'
import type { Bus } from '../live/bus.ts'
import type { Publisher } from '../policies/publish.ts'
import { acceptQuarantine } from '../quarantine/accept.ts'
import { acceptScan } from '../scans/accept.ts'
import type { Served } from './calls.ts'
import { acceptCatalog } from './catalog.ts'
import type { Holds, LinkHolds } from './hold.ts'
import type { Leases } from './lease.ts'
import type { Links } from './links.ts'
import type { AgentIdentity } from './peer.ts'
import { eachInOrder, written } from './stream.ts'
import { answerTickets } from './ticket.ts'
import { answerTokens } from './token.ts'

/** From the start of the stream to Hello, in milliseconds. */
export const helloMsMax = 10_000
/** Without a heartbeat for longer the stream is ended, in milliseconds: three heartbeats. */
export const silenceMsMax = 30_000
/** Versions beyond this are no numbers that we made. */
const versionMax = 2n ** 53n
/** Of an agent; later releases may say more than we know. */
const capabilitiesMax = 200
/** Messages that an agent has not read yet; one that reads nothing is cut off. */
const unreadMax = 64

export interface LinkDeps {
  readonly db: Db
  readonly clock: Clock
  readonly log: Logger
  readonly publisher: Pick<Publisher, 'attach'>
  readonly holds: Holds
  readonly leases: Leases
  readonly links: Pick<Links, 'greeted'>
  readonly heard: AgentsHeard
  readonly bus: Pick<Bus, 'publish'>
}

export type LinkCall = ServerDuplexStream<AgentMessage, ControlMessage>

/** Serves one call until it ends. `failed` answers it with an error. */
export function serveLink(
  deps: LinkDeps,
  agent: AgentIdentity,
  call: LinkCall,
  failed: (thrown: unknown) => void,
): Served {
  let linked: Linked | undefined
  let isOver = false
  const silent = () => failed(new SallyportError('CONTROL_PLANE_UNREACHABLE', 'nothing was heard from the agent'))
  let deadline = setTimeout(silent, helloMsMax)
  const send = (body: ControlMessage['body']): void => {
    if (isOver || call.cancelled) return
    if (call.writableLength < unreadMax) call.write(create(ControlMessageSchema, { body }))
    else failed(new SallyportError('TOO_MANY_REQUESTS', 'the agent reads nothing'))
  }
  const sendSlowly = async (body: ControlMessage['body']): Promise<void> => {
    await written(call, create(ControlMessageSchema, { body }), () => isOver || call.cancelled)
  }
  const greet = async (hello: Hello): Promise<void> => {
    if (linked !== undefined) throw new SallyportError('REQUEST_INVALID', 'Hello came twice')
    await noteHello(deps, agent, hello)
    if (!isOver) linked = openLinked(deps, agent, hello, send, sendSlowly)
  }
  const take = async ({ body }: AgentMessage): Promise<void> => {
    clearTimeout(deadline)
    if (!isOver) deadline = setTimeout(silent, silenceMsMax)
    if (body.case === 'hello') return await greet(body.value)
    if (linked === undefined) throw new SallyportError('REQUEST_INVALID', 'the first message must be Hello')
    await takeLinked(deps, agent, body, send, linked)
  }
  eachInOrder(call, take, failed)
  return {
    sayRevoked: (reason) => send({ case: 'revoked', value: create(RevokedSchema, { reason }) }),
    stop() {
      isOver = true
      clearTimeout(deadline)
      linked?.stop()
    },
  }
}

async function noteHello(deps: LinkDeps, agent: AgentIdentity, hello: Hello): Promise<void> {
  if (hello.agentName !== agent.name || hello.snapshotVersion > versionMax)
    throw new SallyportError('REQUEST_INVALID', 'Hello is not that of the agent of this certificate')
  checkAdvertise(hello.advertise)
  if (hello.advertiseHttp !== '') checkAdvertise(hello.advertiseHttp)
  const softwareVersion = checkedVersion(hello.version)
  const { advertise, advertiseHttp } = hello
  const at = new Date(deps.clock.nowMs())
  const capabilities = shownCapabilities(hello)
  await greetAgent(deps.db, agent.agentId, { at, softwareVersion, advertise, advertiseHttp, capabilities })
  deps.log.info({ event: 'agent-linked', agent: agent.agentId, version: softwareVersion })
}

/** Names that nobody knows are those of a later release. */
const shownCapabilities = ({ capabilities }: Hello): readonly string[] =>
  capabilities.slice(0, capabilitiesMax).filter((name) => /^[a-z0-9-]{1,63}$/.test(name))

/** What a link has once its agent has greeted. */
interface Linked {
  readonly holds: LinkHolds
  readonly ticketWanted: (wanted: TicketWanted) => void
  readonly tokenShown: (shown: TokenShown) => void
  readonly quarantined: (report: QuarantineReport) => Promise<void>
  stop(): void
}

function openLinked(
  deps: LinkDeps,
  agent: AgentIdentity,
  hello: Hello,
  send: (body: ControlMessage['body']) => void,
  sendSlowly: (body: ControlMessage['body']) => Promise<void>,
): Linked {
  const { agentId, name } = agent
  const holds = deps.holds.attach(agent, sendSlowly)
  const leave = deps.links.greeted({ agentId, name, send })
  const detach = deps.publisher.attach({
    agentId,
    name,
    reportedVersion: hello.snapshotVersion,
    capabilities: shownCapabilities(hello),
    send: (value) => send({ case: 'snapshot', value }),
  })
  deps.bus.publish({ kind: 'agent', id: agentId })
  return {
    holds,
    ticketWanted: answerTickets(deps, agent, send),
    tokenShown: answerTokens(deps, agent, send),
    quarantined: acceptQuarantine(deps, agent),
    stop() {
      detach()
      leave()
      holds.stop()
      deps.bus.publish({ kind: 'agent', id: agentId })
    },
  }
}

async function takeLinked(
  deps: LinkDeps,
  agent: AgentIdentity,
  body: AgentMessage['body'],
  send: (body: ControlMessage['body']) => void,
  { holds, ticketWanted, tokenShown, quarantined }: Linked,
): Promise<void> {
  switch (body.case) {
    case 'heartbeat':
      return await beat(deps, agent, body.value, send)
    case 'snapshotApplied':
      return noteApplied(deps, agent, body.value)
    case 'catalog':
      return await acceptCatalog(deps, agent, body.value)
    case 'quarantineReport':
      return await quarantined(body.value)
    case 'scanDone':
      return await acceptScan(deps, agent, body.value)
    case 'holdOpened':
      return await holds.opened(body.value)
    case 'holdClaim':
      return await holds.claim(body.value)
    case 'holdReleased':
      return await holds.released(body.value)
    case 'holdRan':
      return await holds.ran(body.value)
    case 'ticketWanted':
      return ticketWanted(body.value)
    case 'leaseWanted':
      return deps.leases.wanted(agent, body.value, send)
    case 'leaseLent':
      return deps.leases.lent(agent, body.value)
    case 'tokenShown':
      return tokenShown(body.value)
    case 'hello':
    case undefined:
      // A later agent may say more than we understand; that harms nobody.
      deps.log.warn({ event: 'agent-message-unknown', agent: agent.agentId, message: body.case ?? 'none' })
  }
}

async function beat(
  deps: LinkDeps,
  agent: AgentIdentity,
  heartbeat: Heartbeat,
  send: (body: ControlMessage['body']) => void,
): Promise<void> {
  const { sessions, spoolBytes, draining } = heartbeat
  const at = new Date(deps.clock.nowMs())
  // Whoever asks where a target is reached from now on is sent to another agent, if there is one.
  if (draining) await deps.heard.leaving(agent.agentId, at)
  else deps.heard.seen(agent.agentId, at)
  deps.log.debug({ event: 'agent-heartbeat', agent: agent.agentId, sessions, spoolBytes: Number(spoolBytes) })
  send({ case: 'pong', value: create(PongSchema, { atMs: heartbeat.atMs }) })
}

function noteApplied(deps: LinkDeps, agent: AgentIdentity, applied: SnapshotApplied): void {
  if (applied.version > versionMax)
    throw new SallyportError('REQUEST_INVALID', 'SnapshotApplied names no version of ours')
  if (applied.errorCode !== '')
    deps.log.error({
      event: 'snapshot-refused',
      agent: agent.agentId,
      version: Number(applied.version),
      code: printable(applied.errorCode),
      reason: printable(applied.errorMessage),
    })
  deps.heard.applied(agent.agentId, applied.version)
}
