// What HTTP needs of the other workers, in a worker: each question goes to the primary, and so does what another worker alone can say.

import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { Secret } from '@sallyport/base/secret'
import { type OauthSource, oauthKey } from '../http/oauth.ts'
import { lentRoom } from '../http/room.ts'
import type { HttpShares } from '../listen/http-shares.ts'
import type { PinBook } from '../mcp/pins.ts'
import type { EnterMcp, McpHolder, ShownText } from '../mcp/registry.ts'
import type { Asking } from './asking.ts'
import { lentCallers } from './caller-blocks.ts'
import { type Calls, openCalls } from './calls.ts'
import { type Counting, countedAdmission, countedCallers } from './counted.ts'
import { errorSaid, type OauthFound, type SaidError, saidError, type ToPrimary, type ToWorker } from './messages.ts'

export type HttpPortMessage = Extract<
  ToWorker,
  { kind: 'oauthFound' | 'mcpShow' | 'mcpShownElsewhere' | 'mcpEnded' | 'callerRecalled' }
>

export const isOfHttp = (message: ToWorker): message is HttpPortMessage =>
  message.kind === 'oauthFound' ||
  message.kind === 'mcpShow' ||
  message.kind === 'mcpShownElsewhere' ||
  message.kind === 'mcpEnded' ||
  message.kind === 'callerRecalled'

export interface HttpPorts {
  shares(): HttpShares
  take(message: HttpPortMessage): void
}

type Send = (message: ToPrimary) => void

export function openHttpPorts(counting: Counting, send: Send): HttpPorts {
  const { asking } = counting
  const { ask, tell } = asking
  const tokens = openCalls<OauthFound | SaidError>()
  const shown = openCalls<ShownText | SaidError>()
  const holders = new Set<McpHolder>()
  const requests = lentRequests(asking)
  return {
    shares: () => ({
      admission: countedAdmission(counting, 'enterHttpDoor'),
      callers: {
        connections: countedCallers(counting, 'connections'),
        requests,
        webSockets: countedCallers(counting, 'webSockets'),
      },
      room: lentRoom(
        {
          take: (bytes) => ask({ kind: 'bodyRoom', bytes }),
          give: (bytes) => tell({ kind: 'bodyRoomBack', bytes }),
        },
        limits.workerRoomBlockBytes,
      ),
      enterMcp: (holder) => {
        holders.add(holder)
        return { ...sharedMcp(asking, send, shown), leave: () => void holders.delete(holder) }
      },
      pins: sharedPins(asking),
      oauth: sharedOauth(send, tokens),
    }),
    take(message) {
      switch (message.kind) {
        case 'oauthFound':
          tokens.answered(message.call, message.token)
          break
        case 'mcpShownElsewhere':
          shown.answered(message.call, message.shown)
          break
        case 'callerRecalled':
          requests.recalled(message)
          break
        case 'mcpEnded':
          for (const holder of holders) holder.ended(message.id)
          break
        case 'mcpShow':
          void showHere(holders, message).then((one) => send({ kind: 'mcpShown', call: message.call, shown: one }))
          break
      }
    },
  }
}

const lentRequests = ({ ask, tell }: Asking) =>
  lentCallers(
    {
      lend: ({ issuer, subject }) => ask({ kind: 'lendCaller', issuer, subject }),
      back: ({ issuer, subject }, count) => tell({ kind: 'callerBack', issuer, subject, count }),
    },
    {
      max: limits.httpRequestsPerCallerMax,
      block: limits.workerCallerBlock,
      idleMax: limits.workerIdleCallersMax,
      what: 'requests',
    },
  )

/** There is one: sessions of MCP are of one listener. */
async function showHere(
  holders: ReadonlySet<McpHolder>,
  { id, text }: Extract<ToWorker, { kind: 'mcpShow' }>,
): Promise<ShownText | SaidError> {
  try {
    for (const holder of holders) return await holder.show(id, text)
    throw new SallyportError('NOT_FOUND', 'no session of MCP is served here')
  } catch (thrown) {
    return saidError(asSallyportError(thrown))
  }
}

const sharedMcp = (
  { ask, tell }: Asking,
  send: Send,
  shown: Calls<ShownText | SaidError>,
): Omit<ReturnType<EnterMcp>, 'leave'> => ({
  open: (owner, session) => ask({ kind: 'mcpOpen', owner, session }),
  find: (owner, id) => ask({ kind: 'mcpFind', owner, id }),
  begin: (id, key, progressToken) => ask({ kind: 'mcpBegin', id, key, progressToken }),
  settle: (id, key) => tell({ kind: 'mcpSettle', id, key }),
  isPending: (id, key) => ask({ kind: 'mcpIsPending', id, key }),
  hasToken: (id, token) => ask({ kind: 'mcpHasToken', id, token }),
  keepEvent: (id, event, ofServer) => tell({ kind: 'mcpEvent', id, event, ofServer }),
  eventOf: (id, event) => ask({ kind: 'mcpEventOf', id, event }),
  async show(id, key, text) {
    const { call, answer } = shown.begin()
    send({ kind: 'mcpShowElsewhere', call, id, key, text })
    const one = await answer
    if ('code' in one) throw errorSaid(one)
    return one
  },
  end: (id) => tell({ kind: 'mcpEnd', id }),
})

const sharedPins = ({ ask, tell }: Asking): PinBook => ({
  isApproved: (server, listed) => ask({ kind: 'pinIsApproved', server, listed }),
  refusal(server, name, pin) {
    const refusal = ask({ kind: 'pinRefusal', server, name, pin })
    return refusal === null ? null : errorSaid(refusal)
  },
  isFresh: (server, kind) => ask({ kind: 'pinIsFresh', server, of: kind }),
  listed: (server, names, kind) => tell({ kind: 'pinsListed', server, names, of: kind }),
  changed: (server, kind) => tell({ kind: 'pinsChanged', server, of: kind }),
})

/** The primary asks the token endpoint, once for all workers. */
const sharedOauth = (send: Send, tokens: Calls<OauthFound | SaidError>): OauthSource => ({
  async of(target) {
    const { call, answer } = tokens.begin()
    send({ kind: 'oauthWanted', call, target: target.metadata.name, key: oauthKey(target) })
    const found = await answer
    if ('code' in found) throw errorSaid(found)
    const { token, ...times } = found
    return { secret: new Secret(token), ...times }
  },
  refused: (target) => send({ kind: 'oauthRefused', target: target.metadata.name, key: oauthKey(target) }),
})
