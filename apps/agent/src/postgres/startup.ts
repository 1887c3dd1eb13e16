// What a client may ask for before it has authenticated: encryption, a protocol version, a target, a role and a few
// settings (THREATS ). Pure: handshake.ts does the reading and writing.
import { SallyportError } from '@sallyport/base/errors'
import { type TicketName, ticketNameOf } from '@sallyport/base/ticket'
import type { StartupPacket } from '@sallyport/wire/postgres/messages'
import { oauthUserOf } from './oauth-server.ts'

/** The user name that stands for the target's default role. */
export const defaultUser = 'sallyport'

/** What the connection has seen so far. */
export interface Negotiation {
  readonly encrypted: boolean
  readonly sslAsked: boolean
  readonly gssAsked: boolean
}

/** Whether a connection may go on without TLS: `optional` lets those in that show a ticket, and nobody else. */
export type ListenerTls = 'required' | 'optional'

export type StartupStep =
  | { readonly do: 'startTls' }
  | { readonly do: 'refuseGss' }
  | { readonly do: 'cancel'; readonly processId: number; readonly key: Uint8Array }
  | { readonly do: 'authenticate'; readonly startup: Startup }
  | { readonly do: 'refuse'; readonly error: SallyportError }

/** A StartupMessage after every rule for it. */
export interface Startup {
  /** Minor version of protocol 3 that both sides speak from here on. */
  readonly minor: 0 | 2
  /** Null: nothing to negotiate. Else the `_pq_.` options that we do not know. */
  readonly negotiate: readonly string[] | null
  readonly user: string
  /** The ticket that the user name stands for; null asks for a token. */
  readonly ticket: TicketName | null
  /** The token comes by OAUTHBEARER in place of a password. */
  readonly oauth: boolean
  /** Empty when the client named none. */
  readonly database: string
  readonly applicationName: string
  /** Settings for the upstream start-up packet, names as PostgreSQL spells them. */
  readonly settings: ReadonlyMap<string, string>
  /** Those of them that count only once they were judged as SET (session/start-settings.ts). */
  readonly judged: ReadonlyMap<string, string>
}

const refuse = (error: SallyportError): StartupStep => ({ do: 'refuse', error })
const violation = (message: string): SallyportError => new SallyportError('PROTOCOL_VIOLATION', message)

/** The next step of a negotiation. Each kind of encryption request comes at most once. */
export function nextStep(seen: Negotiation, packet: StartupPacket, tls: ListenerTls = 'required'): StartupStep {
  switch (packet.type) {
    case 'sslRequest':
      if (seen.encrypted || seen.sslAsked) return refuse(violation('encryption was asked for twice'))
      return { do: 'startTls' }
    case 'gssEncRequest':
      if (seen.encrypted || seen.gssAsked) return refuse(violation('encryption was asked for twice'))
      return { do: 'refuseGss' }
    case 'cancelRequest':
      return { do: 'cancel', processId: packet.processId, key: packet.key }
    case 'startup':
      try {
        return { do: 'authenticate', startup: readStartup(packet, seen.encrypted, tls) }
      } catch (thrown) {
        if (thrown instanceof SallyportError) return refuse(thrown)
        throw thrown
      }
  }
}

type StartupMessage = Extract<StartupPacket, { type: 'startup' }>

function readStartup(packet: StartupMessage, encrypted: boolean, tls: ListenerTls): Startup {
  if (packet.major !== 3)
    throw new SallyportError('FEATURE_UNSUPPORTED', `protocol ${packet.major}.${packet.minor} is not supported`, {
      hint: 'use a client that speaks protocol 3.0',
    })
  // before any password request, and before anything else of the packet is looked at.
  if (!encrypted && tls === 'required') throw tlsRequired('this listener takes credentials over TLS only')
  const named = distinct(packet.parameters)
  const user = named.get('user') ?? ''
  const ticket = ticketNameOf(user)
  const oauthUser = ticket === null ? oauthUserOf(user) : null
  // A ticket's secret is not sent, so that nobody can read it on the way; a token is.
  if (!encrypted && ticket === null) throw tlsRequired('this listener takes tokens over TLS only')
  refuseReplication(named.get('replication'))
  if (user === '')
    throw new SallyportError('UPSTREAM_ROLE_FORBIDDEN', 'the start-up packet names no user', {
      hint: `use "${defaultUser}" for the target's default role`,
    })
  const settings = allowedSettings(named)
  const unknown = [...named.keys()].filter((name) => name.startsWith('_pq_.'))
  // 3.1 was never used (PostgreSQL 18 release notes); it counts as a request for more than 3.0.
  const minor = packet.minor >= 2 ? 2 : 0
  return {
    minor,
    negotiate: unknown.length > 0 || packet.minor !== minor ? unknown : null,
    user: oauthUser ?? user,
    ticket,
    oauth: oauthUser !== null,
    database: named.get('database') ?? '',
    applicationName: settings.get('application_name') ?? '',
    settings,
    judged: new Map([...settings].filter(([name, value]) => !isPlain(name, value))),
  }
}

const tlsRequired = (message: string): SallyportError =>
  new SallyportError('TLS_REQUIRED', message, { hint: 'use sslmode=verify-full with sslrootcert' })

/** PostgreSQL takes the last of two, other readers the first; so two are refused. GUC names ignore case. */
function distinct(parameters: StartupMessage['parameters']): ReadonlyMap<string, string> {
  const named = new Map<string, string>()
  for (const [name, value] of parameters) {
    const key = name.toLowerCase()
    if (named.has(key)) throw violation(`start-up parameter "${shown(name)}" is given twice`)
    named.set(key, value)
  }
  return named
}

/** PostgreSQL's spellings of a boolean, or `database`. Only a clear no is no. */
function refuseReplication(value: string | undefined): void {
  if (value === undefined || /^(0|f|fa|fal|fals|false|n|no|of|off)$/i.test(value)) return
  throw new SallyportError('FEATURE_UNSUPPORTED', 'replication is not supported through the agent')
}

/** How values are read and written: any value is fine. Names in lower case to PostgreSQL's spelling. */
const spellings: ReadonlyMap<string, string> = new Map([
  ['application_name', 'application_name'],
  ['client_encoding', 'client_encoding'],
  ['datestyle', 'DateStyle'],
  ['intervalstyle', 'IntervalStyle'],
  ['timezone', 'TimeZone'],
  ['extra_float_digits', 'extra_float_digits'],
])
/** What needs no judgement. Fewer digits than a number has are judged as SET is: masks may need all of them. */
const isPlain = (name: string, value: string): boolean =>
  spellings.has(name.toLowerCase()) && (name !== 'extra_float_digits' || /^[123]$/.test(value))

/** What drivers and frameworks set when they connect, and what is judged as the SET that does the same. */
const judgedNames: ReadonlySet<string> = new Set([
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
  'transaction_timeout',
  'search_path',
  'client_min_messages',
  'default_transaction_isolation',
  'default_transaction_read_only',
  'default_transaction_deferrable',
  'jit',
  'plan_cache_mode',
  'geqo',
])
/** One of the caller's own, such as `app.tenant`. None of ours. */
const isOwnSetting = (name: string): boolean =>
  /^[a-z_][a-z0-9_$]*(\.[a-z_][a-z0-9_$]*)+$/.test(name) && !/^(sallyport|_pq_)\./.test(name)
const ownParameters = new Set(['user', 'database', 'options', 'replication'])

function allowedSettings(named: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const settings = new Map<string, string>()
  const put = (name: string, value: string): void => {
    const folded = name.toLowerCase()
    const spelling = spellings.get(folded) ?? (judgedNames.has(folded) || isOwnSetting(folded) ? folded : undefined)
    if (spelling === undefined)
      throw new SallyportError('SETTING_FORBIDDEN', `start-up parameter "${shown(name)}" is not allowed`, {
        hint: `allowed are ${[...spellings.values()].join(', ')}; as SET is, ${[...judgedNames].join(', ')}`,
      })
    if (spelling === 'client_encoding') requireUtf8(value)
    else settings.set(spelling, value)
  }
  // As the server does: `options` first, then parameters of their own.
  for (const [name, value] of splitOptions(named.get('options') ?? '')) put(name, value)
  for (const [name, value] of named) if (!ownParameters.has(name) && !name.startsWith('_pq_.')) put(name, value)
  return settings
}

/** one encoding, so that our lexer and the server's see the same characters. */
function requireUtf8(value: string): void {
  if (/^(utf8|unicode)$/i.test(value.replace(/[^a-z0-9]/gi, ''))) return
  throw new SallyportError('SETTING_FORBIDDEN', 'client_encoding has to be UTF8', {
    hint: 'set PGCLIENTENCODING=UTF8 or client_encoding=UTF8',
  })
}

/** Splits `options` as pg_split_opts does (white space separates, a backslash quotes) and reads -c and --name=value. */
export function splitOptions(options: string): readonly (readonly [string, string])[] {
  const words = splitWords(options)
  const settings: (readonly [string, string])[] = []
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? ''
    let assignment: string
    if (word === '-c') {
      index += 1
      assignment = words[index] ?? ''
    } else if (word.startsWith('-c')) assignment = word.slice(2)
    else if (word.startsWith('--')) assignment = word.slice(2)
    else throw new SallyportError('SETTING_FORBIDDEN', `option "${shown(word)}" is not allowed`)
    const equals = assignment.indexOf('=')
    if (equals <= 0) throw new SallyportError('SETTING_FORBIDDEN', `option "${shown(word)}" sets nothing`)
    settings.push([assignment.slice(0, equals).replaceAll('-', '_'), assignment.slice(equals + 1)])
  }
  return settings
}

function splitWords(options: string): readonly string[] {
  const words: string[] = []
  let word: string | null = null
  for (let index = 0; index < options.length; index += 1) {
    let character = options[index] ?? ''
    if (/[ \t\n\r\f\v]/.test(character)) {
      if (word !== null) words.push(word)
      word = null
      continue
    }
    if (character === '\\') {
      index += 1
      character = options[index] ?? ''
    }
    word = (word ?? '') + character
  }
  return word === null ? words : [...words, word]
}

/** Names come from the caller and go into messages: bounded, printable ASCII. */
const shown = (text: string): string => text.slice(0, 63).replace(/[^\x20-\x7e]/g, '?')
