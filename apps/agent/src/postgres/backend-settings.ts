// Settings that go with a session from one connection to the next: what it has now, asked of the target itself after each
// transaction that may have changed something, and given to the next connection before its first statement. Names of PostgreSQL's
// own only: those of extensions and made-up ones cannot be listed, and are refused or undone (session/outlasting.ts).
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { askUpstream } from './reset.ts'
import type { Upstream } from './upstream.ts'

/** By name, as `current_setting` tells them. */
export type Settings = ReadonlyMap<string, string>

export const noSettings: Settings = new Map()

/** Two that are equal have the same key. */
export const settingsKey = (settings: Settings): string =>
  settings.size === 0 ? '' : JSON.stringify([...settings].sort(([one], [other]) => (one < other ? -1 : 1)))

/** What a connection keeps of its login and of what sessions have done to it, while it is lent from one to the next. */
export interface BackendMemory {
  /** What the target reported at login. */
  readonly login: ReadonlyMap<string, string>
  /** What role and database are given by the target at a login. Another text: the same statement may mean another thing. */
  readonly baseline: string
  /** Prepared statements by our names for them, the one used longest ago first. */
  readonly statements: Map<string, null>
  /** What was set since the login. */
  settings: string
}

const memories = new WeakMap<Upstream['socket'], BackendMemory>()

export const memoryOf = ({ socket }: Upstream): BackendMemory | undefined => memories.get(socket)

/** What ALTER ROLE and ALTER DATABASE say decides what names mean: a session goes on only where they say the same. */
const askBaseline = `SELECT name, setting FROM pg_catalog.pg_settings
  WHERE source IN ('database', 'user', 'database user') OR name = 'search_path' ORDER BY name`

/** A connection that has just logged in, for sessions to share. Throws UPSTREAM_UNREACHABLE. */
export async function remember(upstream: Upstream): Promise<Upstream> {
  const answer = await askUpstream(upstream, askBaseline, [/^SELECT /])
  if (answer === null) throw unusable()
  const { parameters } = upstream
  for (const [name, value] of answer.reported) parameters.set(name, value)
  memories.set(upstream.socket, {
    login: new Map(parameters),
    baseline: JSON.stringify(answer.rows),
    statements: new Map(),
    settings: '',
  })
  return upstream
}

export const unusable = (): SallyportError =>
  new SallyportError('UPSTREAM_UNREACHABLE', 'the target cannot be reached', {
    hint: "try again; the operator finds the reason in the agent's log",
  })

// Of the transaction, or of who the session is; and one that would end connections that wait for their next session.
const notFollowed = [
  'transaction_isolation',
  'transaction_read_only',
  'transaction_deferrable',
  'role',
  'session_authorization',
  'idle_session_timeout',
  'seed',
]
const askSettings = `SELECT name, pg_catalog.current_setting(name) FROM pg_catalog.pg_settings
  WHERE source = 'session' AND name <> ALL (ARRAY[${notFollowed.map((name) => `'${name}'`).join(', ')}])`

/** What the session has set. Null: it cannot be followed; the socket is destroyed. */
export async function readSettings(upstream: Upstream): Promise<Settings | null> {
  const answer = await askUpstream(upstream, askSettings, [/^SELECT /])
  const memory = memoryOf(upstream)
  if (answer === null || memory === undefined) return null
  for (const [name, value] of answer.reported) upstream.parameters.set(name, value)
  const settings = new Map(answer.rows.map(([name, value]) => [name ?? '', value ?? '']))
  const key = settingsKey(settings)
  if (settings.size > limits.followedSettingsMax || Buffer.byteLength(key) > limits.followedSettingsBytesMax) {
    upstream.socket.destroy()
    return null
  }
  memory.settings = key
  return settings
}

const quoted = (text: string): string => `'${text.replace(/'/g, "''")}'`

/**
 * Gives a connection these settings and no others, and proves it. The result is what the target made of them; null: it is of no
 * use, and destroyed. INVARIANT: `standard_conforming_strings` is on (upstream.ts), so that a quote is all there is to escape.
 */
export async function giveSettings(upstream: Upstream, wanted: Settings): Promise<Settings | null> {
  const memory = memoryOf(upstream)
  if (memory === undefined) return null
  const given = [...wanted]
  const calls = given.map(([name, value]) => `pg_catalog.set_config(${quoted(name)}, ${quoted(value)}, false)`)
  const text = calls.length === 0 ? 'RESET ALL' : `RESET ALL; SELECT ${calls.join(', ')}`
  const answer = await askUpstream(upstream, text, calls.length === 0 ? ['RESET'] : ['RESET', 'SELECT 1'])
  if (answer === null) return null
  for (const [name, value] of answer.reported) upstream.parameters.set(name, value)
  const [row = []] = answer.rows
  const settings = new Map(given.map(([name], at) => [name, row[at] ?? '']))
  memory.settings = settingsKey(settings)
  return settings
}

/** Undoes all that a session can have left, and proves it. False: the socket is destroyed. */
export async function clean(upstream: Upstream): Promise<boolean> {
  const memory = memoryOf(upstream)
  if (memory === undefined) return false
  const discarded = await askUpstream(upstream, 'DISCARD ALL', ['DISCARD ALL'])
  // The schema of temporary objects stays in the path of a connection that had one, if only an empty one.
  const left = discarded === null ? null : await askUpstream(upstream, leftText, ['SELECT 1'])
  if (discarded === null || left === null) return false
  for (const [name, value] of discarded.reported) upstream.parameters.set(name, value)
  memory.statements.clear()
  memory.settings = ''
  const isAsAtLogin = [...memory.login].every(([name, value]) => upstream.parameters.get(name) === value)
  if (isAsAtLogin && left.rows[0]?.[0] === '0') return true
  upstream.socket.destroy()
  return false
}

const leftText = 'SELECT pg_catalog.pg_my_temp_schema()'

export const forgetSequences = async (upstream: Upstream): Promise<boolean> =>
  (await askUpstream(upstream, 'DISCARD SEQUENCES', ['DISCARD SEQUENCES'])) !== null
