// Prepared statements of one session over connections that it shares: at each of them they have names of ours, made of what they
// are, so that whoever prepares the same text finds it there. What a connection lacks is prepared there right before it is
// used, and of that neither client nor session sees anything.
//
//   client   Parse s1         Bind s1              Close s1
//   target   Parse _sp_x      (Parse _sp_x) Bind   Close of a portal that nobody has: answered as the client expects
//
// INVARIANT: answers come in the order of the messages, and after an error none until Sync.
import { createHash, randomUUID } from 'node:crypto'
import { limits } from '@sallyport/base/limits'
import type { ByteWriter } from '@sallyport/wire/bytes/writer'
import { writeFrontend } from '@sallyport/wire/postgres/encode'
import type { FrontendMessage } from '@sallyport/wire/postgres/messages'
import { backendBytes } from '@sallyport/wire/postgres/names'
import { reservedPrefix } from '../session/refusals.ts'
import type { BackendMemory } from './backend-settings.ts'
import type { Prepared } from './state.ts'
import type { Seen } from './target-link.ts'

/** A Parse or Close whose answer is due. */
interface Due {
  readonly segment: number
  readonly seen: Seen
  /** Our name of what is there once it is answered; for a Close, of what is gone. Null: none of ours, or gone by then. */
  name: string | null
}

interface Named {
  readonly reading: string
  readonly name: string
}
const names = new WeakMap<Prepared, Named>()

/** 'today' is the day on which it was prepared: nobody else's. */
const saysNow = /['$]\s*(now|today|tomorrow|yesterday)/i
const momentOf = new WeakMap<Prepared, string>()

/**
 * The same for the same text, types and place, prepared under the same settings: the target understands literals when it prepares
 * them, so that under another DateStyle or TimeZone it is another statement (THREATS ).
 */
export function nameAtBackend(statement: Prepared, reading: string): string {
  const found = names.get(statement)
  if (found?.reading === reading) return found.name
  const { text, parameterTypes, place } = statement
  const moment = momentOf.get(statement) ?? (saysNow.test(text) ? randomUUID() : '')
  momentOf.set(statement, moment)
  const digest = createHash('sha256')
    .update(JSON.stringify([text, parameterTypes, place, reading, moment]))
    .digest('base64url')
  const name = `${reservedPrefix}s${digest.slice(0, 32)}`
  names.set(statement, { reading, name })
  return name
}

/** Closing it is no error and does nothing (PostgreSQL manual, "Message Flow"). */
const nobodysPortal = `${reservedPrefix}none`

/** For one session while it has one connection. */
export class FollowedStatements {
  readonly #memory: BackendMemory
  readonly #toTarget: ByteWriter
  readonly #parses: Due[] = []
  readonly #closes: Due[] = []
  /** What is behind the empty name. */
  #unnamed: Prepared | null = null
  /** Texts and batches that were sent, and those that were answered. */
  #sent = 0
  #answered = 0
  #hasFailed = false
  /** Under which settings texts are read that are prepared now. */
  #reading: string
  /** Something in this turn has changed them: what is prepared from then on is nobody else's. */
  #isPrivate = false
  readonly #used = new Set<Prepared>()

  constructor(memory: BackendMemory, toTarget: ByteWriter, reading: string) {
    this.#memory = memory
    this.#toTarget = toTarget
    this.#reading = reading
  }

  /** What was just forwarded may change how texts are read. */
  readAnew(change: 'sets' | 'ends'): undefined {
    if (change === 'ends' && !this.#isPrivate) return
    this.#isPrivate = true
    this.#reading = randomUUID()
  }

  /** At the next connection they may be prepared anew, of tables that have changed meanwhile (THREATS ). */
  end(): undefined {
    for (const statement of this.#used) statement.described = null
  }

  /** A ReadyForQuery is due. */
  get isReadyDue(): boolean {
    return this.#sent > this.#answered
  }

  /** Others' are gone as well: DEALLOCATE ALL, DISCARD ALL. */
  forget(): undefined {
    this.#memory.statements.clear()
    for (const due of this.#parses) due.name = null
  }

  forward(message: FrontendMessage, statement: Prepared | undefined): undefined {
    switch (message.type) {
      case 'parse':
        return this.#parse(message, statement)
      case 'bind':
        if (statement === undefined) break
        return this.#write({ ...message, statement: this.#ensured(statement) })
      case 'describe':
        if (statement === undefined || message.what !== 'statement') break
        return this.#write({ ...message, name: this.#ensured(statement) })
      case 'close':
        return this.#close(message)
      case 'query':
        // The target drops the unnamed statement with it.
        this.#unnamed = null
        this.#sent += 1
        break
      case 'sync':
        this.#sent += 1
        break
      default:
        break
    }
    this.#write(message)
  }

  /** Before the session sees it. `status`: of a ReadyForQuery. */
  answered(typeByte: number, status: number): Seen {
    switch (typeByte) {
      case backendBytes.parseComplete: {
        const due = this.#parses.shift()
        if (due?.name != null) this.#keep(due.name)
        return due?.seen ?? 'as-it-is'
      }
      case backendBytes.closeComplete: {
        const due = this.#closes.shift()
        if (due?.name != null) this.#memory.statements.delete(due.name)
        return due?.seen ?? 'as-it-is'
      }
      case backendBytes.errorResponse:
        // It may have been the Parse of it that failed, or was never looked at.
        this.#unnamed = null
        return 'as-it-is'
      case backendBytes.readyForQuery:
        this.#hasFailed = status === statusFailed
        return 'as-it-is'
      default:
        return 'as-it-is'
    }
  }

  /** After each ReadyForQuery: how many more are due. What failed before a Query of the same batch has taken that along. */
  settled(readiesDue: number): undefined {
    this.#answered = this.#sent - readiesDue
    dropUntil(this.#parses, this.#answered)
    dropUntil(this.#closes, this.#answered)
  }

  #parse(message: Extract<FrontendMessage, { type: 'parse' }>, statement: Prepared | undefined): undefined {
    // Our own questions, and what is meant to fail, have names of their own.
    if (statement === undefined) return this.#put(message, 'as-it-is', null)
    if (message.name === '') {
      this.#put(message, 'as-it-is', null)
      this.#unnamed = statement
      return
    }
    const name = nameAtBackend(statement, this.#reading)
    // In a failed transaction the target looks at no statement but the end of it: it has to say so itself.
    if (this.#has(name) && !this.#hasFailed) {
      this.#keep(name)
      this.#closes.push({ segment: this.#sent + 1, seen: 'as-parsed', name: null })
      this.#write({ type: 'close', what: 'portal', name: nobodysPortal })
      return
    }
    this.#prepare({ ...message, name }, 'as-it-is')
  }

  /** The name under which the connection has it, by the time the next message is looked at. */
  #ensured(statement: Prepared): string {
    const { name: own, text, parameterTypes } = statement
    this.#used.add(statement)
    if (own === '') {
      if (this.#unnamed !== statement) this.#put({ type: 'parse', name: '', text, parameterTypes }, 'hidden', null)
      this.#unnamed = statement
      return ''
    }
    const name = nameAtBackend(statement, this.#reading)
    if (this.#has(name)) this.#keep(name)
    else {
      statement.described = null
      this.#prepare({ type: 'parse', name, text, parameterTypes }, 'hidden')
    }
    return name
  }

  /** It is there, or will be if nothing before it in the same batch fails. */
  #has(name: string): boolean {
    if (this.#memory.statements.has(name) && !this.#closes.some((due) => due.name === name)) return true
    const last = this.#parses.findLast((due) => due.name === name)
    return last !== undefined && last.segment === this.#sent + 1
  }

  /** Closed first: an answer that never came may have left one of the name there. */
  #prepare(message: Extract<FrontendMessage, { type: 'parse' }>, seen: Seen): undefined {
    this.#drop(message.name)
    this.#put(message, seen, message.name)
    const { statements } = this.#memory
    for (const oldest of statements.keys()) {
      if (statements.size < limits.backendStatementsMax) break
      statements.delete(oldest)
      this.#drop(oldest)
    }
  }

  #drop(name: string): undefined {
    this.#closes.push({ segment: this.#sent + 1, seen: 'hidden', name })
    this.#write({ type: 'close', what: 'statement', name })
  }

  /** The session's names are not the target's: what it no longer needs may be another's. */
  #close(message: Extract<FrontendMessage, { type: 'close' }>): undefined {
    const isOurs = message.what === 'portal' || message.name.startsWith(reservedPrefix)
    this.#closes.push({ segment: this.#sent + 1, seen: 'as-it-is', name: null })
    if (isOurs) return this.#write(message)
    if (message.name === '') this.#unnamed = null
    this.#write({ type: 'close', what: 'portal', name: nobodysPortal })
  }

  #keep(name: string): undefined {
    const { statements } = this.#memory
    statements.delete(name)
    statements.set(name, null)
  }

  #put(message: FrontendMessage, seen: Seen, name: string | null): undefined {
    this.#parses.push({ segment: this.#sent + 1, seen, name })
    this.#write(message)
  }

  #write(message: FrontendMessage): undefined {
    writeFrontend(this.#toTarget, message)
  }
}

/** 'E' of ReadyForQuery. */
const statusFailed = 0x45

/** What is not answered by then never is. */
function dropUntil(due: Due[], segment: number): undefined {
  while ((due[0]?.segment ?? Number.POSITIVE_INFINITY) <= segment) due.shift()
}
