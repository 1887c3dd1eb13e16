// HTTP/2 behind the TLS of the HTTP door: streams become requests, and a connection that only makes work ends (THREATS ).
// Nothing is pushed, and there are no tunnels (RFC 8441 is not offered).
import { constants, createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { limits } from '@sallyport/base/limits'
import { fieldsMax } from '@sallyport/wire/http/fields'
import { breakOff, inboundOfStream, isBrokenOff, StreamAnswer } from '../http/http2.ts'
import type { HttpServer } from '../http/serve.ts'
import type { HttpWaits, ListenerDeps } from './deps.ts'

export interface Http2Door {
  /** A connection that chose `h2`. */
  take(socket: Socket): void
  /** Says GOAWAY; what is under way goes on. */
  stop(): void
  close(): void
}

/** Between two requests of one connection, in milliseconds. */
const idleMs = 65_000

/** Two of them the types of Node leave out. */
const options = {
  // Some fields more than may be, so that whoever reads them says so.
  maxHeaderListPairs: fieldsMax + 8,
  maxSessionInvalidFrames: limits.httpInvalidFramesMax,
  maxSessionRejectedStreams: limits.httpStreamsPerConnectionMax,
  maxSessionMemory: limits.httpConnectionMemoryMiB,
  settings: {
    maxConcurrentStreams: limits.httpStreamsPerConnectionMax,
    maxHeaderListSize: limits.httpHeaderBytesMax,
  },
}

export function http2Door(
  { clock, log, waits }: Pick<ListenerDeps, 'clock' | 'log'> & { readonly waits: HttpWaits },
  serve: HttpServer['serve'],
): Http2Door {
  const open = new Map<ServerHttp2Session, HeadWatch>()
  let isStopping = false
  const answers = new Set<StreamAnswer>()
  const nowMs = () => clock.nowMs()
  const looking = endLate(open, answers, waits, nowMs)
  const server = createServer(options)
  const sockets = new WeakMap<object, Socket>()
  // Emitted within `take`, before anything was read.
  let taking: Socket | null = null
  server.on('session', (session) => {
    const socket = taking
    if (socket === null) return session.destroy()
    sockets.set(session, socket)
    open.set(session, watchHeads(session, waits.headerMsMax))
    session.once('close', () => open.delete(session))
    session.on('error', () => {})
    bound(session, {
      beginMsMax: waits.headerMsMax,
      nowMs,
      onFlood(what) {
        log.warn({ what }, 'http2-flood')
        session.destroy()
        // Also where Node would wait for the rest of it.
        socket.destroy()
      },
    })
    if (isStopping) session.close()
  })
  server.on('stream', (stream: ServerHttp2Stream, ...rest: unknown[]) => {
    stream.on('error', () => {})
    const socket = stream.session === undefined ? undefined : sockets.get(stream.session)
    if (socket === undefined) return breakOff(stream)
    // Reset in the same breath: nobody waits for it.
    if (stream.closed || stream.destroyed) return
    boundStream(stream, waits)
    // Behind head and flags stands the head as it came, which the types of Node leave out.
    void serve(inboundOfStream(stream, textsOf(rest[2]), socket), answerOn(stream, answers, nowMs))
  })
  server.on('sessionError', () => {})
  return {
    take(socket) {
      taking = socket
      server.emit('connection', socket)
      taking = null
    },
    stop() {
      isStopping = true
      for (const session of open.keys()) session.close()
    },
    close() {
      clearInterval(looking)
      for (const session of open.keys()) session.destroy()
    },
  }
}

function answerOn(stream: ServerHttp2Stream, answers: Set<StreamAnswer>, nowMs: () => number): StreamAnswer {
  const answer = new StreamAnswer(stream, nowMs)
  answers.add(answer)
  stream.once('close', () => answers.delete(answer))
  return answer
}

const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []

/** Deadlines, as the connections of HTTP/1.1 have them. */
function boundStream(stream: ServerHttp2Stream, { requestMsMax, idleMsMax }: HttpWaits): void {
  stream.setTimeout(idleMsMax, () => breakOff(stream))
  if (stream.endAfterHeaders) return
  const late = setTimeout(() => breakOff(stream), requestMsMax)
  stream.once('end', () => clearTimeout(late))
  stream.once('close', () => clearTimeout(late))
}

/**
 * Beside what Node watches of HTTP/1.1. A stream whose window is shut Node takes for one on which something happens while anything is
 * sent on its connection.
 */
const endLate = (
  open: ReadonlyMap<ServerHttp2Session, HeadWatch>,
  answers: ReadonlySet<StreamAnswer>,
  { headerMsMax, stalledMsMax }: HttpWaits,
  nowMs: () => number,
): NodeJS.Timeout =>
  setInterval(
    () => {
      for (const [session, watch] of open) if (watch.isLate(nowMs())) endLateOne(session, watch)
      for (const answer of answers) if (answer.isStalled(stalledMsMax)) answer.destroy()
    },
    Math.min(1_000, headerMsMax),
  ).unref()

/** Nothing new begins, and what is under way ends well. Node may wait for the client to close then. */
function endLateOne(session: ServerHttp2Session, { streams }: HeadWatch): void {
  if (session.closed && streams.size === 0) session.destroy()
  else session.close()
}

interface HeadWatch {
  /** That are open. */
  readonly streams: ReadonlySet<ServerHttp2Stream>
  /** A head has begun, and has not come to its end for too long. */
  isLate(nowMs: number): boolean
}

/**
 * Node tells of a head when it is whole. That another one has begun, which may go on in CONTINUATION frames, nghttp2 knows by its
 * stream. One that was reset for its head looks the same: there the client has to begin another one, or connect anew.
 */
function watchHeads(session: ServerHttp2Session, headerMsMax: number): HeadWatch {
  let whole = 0
  let begun = 0
  let sinceMs = 0
  const streams = new Set<ServerHttp2Stream>()
  session.on('stream', (stream) => {
    whole = stream.id ?? whole
    if (stream.destroyed) return
    streams.add(stream)
    stream.once('close', () => streams.delete(stream))
  })
  return {
    streams,
    isLate(nowMs) {
      const last = session.state.lastProcStreamID ?? 0
      if (last <= whole) return false
      if (last !== begun) {
        begun = last
        sinceMs = nowMs
      }
      return nowMs - sinceMs >= headerMsMax
    },
  }
}

interface Watch {
  readonly nowMs: () => number
  readonly beginMsMax: number
  readonly onFlood: (what: string) => void
}

/** Ends a connection that sends nothing but work. */
function bound(session: ServerHttp2Session, { nowMs, beginMsMax, onFlood }: Watch): void {
  let streams = 0
  const begun = setTimeout(() => session.close(), beginMsMax)
  const resets = perMinute(limits.httpResetsPerMinuteMax, nowMs, () => onFlood('resets'))
  const controls = perMinute(limits.httpControlFramesPerMinuteMax, nowMs, () => onFlood('control frames'))
  session.on('ping', controls)
  session.on('remoteSettings', controls)
  session.on('stream', (stream) => {
    clearTimeout(begun)
    // Its reset may have come in the same piece, before it could be listened for.
    if (stream.closed || stream.destroyed) return resets()
    streams += 1
    stream.once('close', () => {
      streams -= 1
      // Also behind an answer that was already on its way, and with a code that says nothing is wrong before it is out.
      if ((stream.rstCode !== constants.NGHTTP2_NO_ERROR || stream.aborted) && !isBrokenOff(stream)) resets()
    })
  })
  session.setTimeout(idleMs, () => void (streams === 0 && session.close()))
  session.once('close', () => clearTimeout(begun))
}

/** Counts; one more than may be within a minute is told. */
function perMinute(max: number, nowMs: () => number, onMore: () => void): () => void {
  let since = nowMs()
  let count = 0
  return () => {
    if (nowMs() - since >= 60_000) {
      since = nowMs()
      count = 0
    }
    count += 1
    if (count === max + 1) onMore()
  }
}
