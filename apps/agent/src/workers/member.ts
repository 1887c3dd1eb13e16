// One worker as its primary sees it, from the start of the process to its end: what it asks is asked for it, and what it says to
// the others is passed on. When it is gone, all that it held is free again.
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { type McpHolder, nothingShown, type ShownText } from '../mcp/registry.ts'
import { type Answering, openAnswering } from './answering.ts'
import type { CrewDeps, CrewShared, Ports } from './crew.ts'
import { type Holding, openHolding } from './holding.ts'
import { errorSaid, type SaidError, type Start, saidError, type ToPrimary, type ToWorker } from './messages.ts'
import type { WorkerProcess } from './process.ts'

export interface Member {
  send(message: ToWorker): void
  /** Where, once it listens. Rejects when it cannot, or ends before. */
  readonly listening: Promise<Ports>
  /** Settles when the process is gone and nothing of it is left. */
  readonly ended: Promise<void>
  /** It listens, and is not gone. */
  readonly isServing: boolean
  /** As it last said. */
  readonly sessions: number
  kill(why: string): void
}

export interface MemberDeps {
  readonly deps: CrewDeps
  readonly shared: CrewShared
  readonly process: WorkerProcess
  /** From 0. */
  readonly place: number
  /** As it is when the worker asks. */
  readonly start: () => Start
}

export function startMember(of: MemberDeps): Member {
  const { deps, shared, process, place } = of
  const { log, link, recorder } = deps
  const which = { worker: place, process: process.processId }
  const state = { sessions: 0, isServing: false, isGone: false }
  const send = (message: ToWorker): void => {
    if (!state.isGone) process.send(message)
  }
  const kill = (why: string): void => {
    log.error({ ...which, reason: why }, 'worker-killed')
    process.kill()
  }
  const answering = openAnswering(shared.answering, {
    pipe: process.pipe,
    chains: recorder.passed(),
    ...toldBy(send),
    broken: (why) => kill(why.message),
    mcp: mcpHolderOf(shared, send, () => member),
  })
  const holding = openHolding(link.holds, send)
  const late = setTimeout(() => kill('it does not start'), limits.workerStartMsMax).unref()
  const listening = new Promise<Ports>((resolve, reject) => {
    process.onMessage((message) => {
      if (message.kind === 'ready') send(of.start())
      else if (message.kind === 'failed') reject(errorSaid(message.error))
      else if (message.kind === 'sessions') state.sessions = message.count
      else if (message.kind === 'listening') {
        clearTimeout(late)
        state.isServing = true
        log.info(which, 'worker-started')
        resolve({ port: message.port, httpPort: message.httpPort })
      } else take(of, { member, holding, answering, send }, message)
    })
    process.onExit((how) => reject(new SallyportError('INTERNAL', `a worker ended before it listened, by ${how}`)))
  })
  listening.catch(() => {})
  const ended = new Promise<void>((resolve) => {
    process.onExit((how) => {
      Object.assign(state, { sessions: 0, isServing: false, isGone: true })
      clearTimeout(late)
      holding.end()
      answering.end()
      log.info({ ...which, how }, 'worker-ended')
      resolve()
    })
  })
  const member: Member = {
    send,
    listening,
    ended,
    get isServing() {
      return state.isServing
    },
    get sessions() {
      return state.sessions
    },
    kill,
  }
  return member
}

/** What others do that it shares places with. */
const toldBy = (send: Member['send']): Pick<Parameters<typeof openAnswering>[1], 'tell' | 'recall'> => ({
  tell: (news) => send({ kind: 'share', news }),
  recall: ({ issuer, subject }) => send({ kind: 'callerRecalled', issuer, subject }),
})

/** What the registry of MCP sessions tells and asks a worker. */
const mcpHolderOf = (shared: CrewShared, send: Member['send'], member: () => Member): McpHolder => ({
  ended: (id) => send({ kind: 'mcpEnded', id }),
  async show(id, text) {
    const [shown = nothingShown] = await shared.shown.ask([member()], (call) => ({ kind: 'mcpShow', call, id, text }))
    if ('code' in shown) throw errorSaid(shown)
    return shown
  },
})

interface Taking {
  readonly member: Member
  readonly holding: Holding
  readonly answering: Answering
  readonly send: Member['send']
}

type Asked = Exclude<ToPrimary, { kind: 'ready' | 'failed' | 'sessions' | 'listening' }>

function take({ deps, shared }: MemberDeps, { member, holding, answering, send }: Taking, message: Asked): void {
  const { link, recorder } = deps
  switch (message.kind) {
    case 'catalog':
      link.uploadCatalog(message.target, message.role, message.catalog)
      break
    case 'cancel':
      for (const other of shared.members) if (other !== member) other.send(message)
      break
    case 'catalogChanged':
      void tellOthers(shared, member, message.target).then(() => send({ kind: 'catalogKnown', call: message.call }))
      break
    case 'catalogKnown':
      shared.catalogs.answered(message.call, member, undefined)
      break
    case 'metrics':
      shared.metrics.answered(message.call, member, message.metrics)
      break
    case 'ticketWanted':
      void link.tickets
        .ask(message.id, message.spend)
        .then((answer) => send({ kind: 'ticketFound', call: message.call, answer }))
      break
    case 'tokenShown':
      void link.tokens
        .take(message.jti, message.expiresAtMs)
        .then((isTaken) => send({ kind: 'tokenTaken', call: message.call, isTaken }))
      break
    case 'sync':
      recorder.spool.sync().then(
        () => send({ kind: 'synced', call: message.call, error: null }),
        (thrown: unknown) => send({ kind: 'synced', call: message.call, error: saidError(asSallyportError(thrown)) }),
      )
      break
    case 'oauthWanted':
      void shared.http
        ?.token(message.target, message.key)
        .then((token) => send({ kind: 'oauthFound', call: message.call, token }))
      break
    case 'oauthRefused':
      shared.http?.refused(message.target, message.key)
      break
    case 'mcpShowElsewhere':
      void showElsewhere(answering, message).then((shown) =>
        send({ kind: 'mcpShownElsewhere', call: message.call, shown }),
      )
      break
    case 'mcpShown':
      shared.shown.answered(message.call, member, message.shown)
      break
    default:
      holding.take(message)
  }
}

async function tellOthers({ members, catalogs }: CrewShared, member: Member, target: string): Promise<void> {
  const others = [...members].filter((one) => one !== member && one.isServing)
  await catalogs.ask(others, (call) => ({ kind: 'catalogChanged', call, target }))
}

async function showElsewhere(
  { http }: Answering,
  { id, key, text }: Extract<ToPrimary, { kind: 'mcpShowElsewhere' }>,
): Promise<ShownText | SaidError> {
  try {
    return (await http?.show(id, key, text)) ?? nothingShown
  } catch (thrown) {
    return saidError(asSallyportError(thrown))
  }
}
