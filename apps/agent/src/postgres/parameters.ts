// What the target reports of its settings: an allow-list passes, and some must never have another value (THREATS ).
import { SallyportError } from '@sallyport/base/errors'
import type { BackendMessage } from '@sallyport/wire/postgres/messages'
import { type Action, close, type State } from './state.ts'
import type { Upstream } from './upstream.ts'

/** What a client gets to see; the rest is state of ours or nobody's business. */
export const visibleParameters: ReadonlySet<string> = new Set([
  'server_version',
  'server_encoding',
  'client_encoding',
  'application_name',
  'DateStyle',
  'IntervalStyle',
  'TimeZone',
  'integer_datetimes',
  'standard_conforming_strings',
  'default_transaction_read_only',
  'in_hot_standby',
  'is_superuser',
  // Since 18 the server reports it.
  'search_path',
])

/** our parser reads texts under these; under any other value it would read them wrongly. */
export const pinnedParameters: ReadonlyMap<string, string> = new Map([
  ['standard_conforming_strings', 'on'],
  ['client_encoding', 'UTF8'],
])

/** Under another value the same text or parameter may mean another date: it is another statement to a reviewer. */
export const readingParameters: ReadonlySet<string> = new Set(['DateStyle', 'IntervalStyle', 'TimeZone'])

// They change no meaning of a text, or stand in the digest of a held one.
const harmlessSettings: ReadonlySet<string> = new Set([
  'application_name',
  'search_path',
  'client_min_messages',
  'extra_float_digits',
  'statement_timeout',
  'lock_timeout',
  'transaction_timeout',
  // The agent's own: no target has it.
  'sallyport.initiator',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
  'transaction_isolation',
  'transaction_read_only',
  'transaction_deferrable',
  'default_transaction_isolation',
  'default_transaction_read_only',
  'default_transaction_deferrable',
])

/** A text that was parsed before such a change, or in the same pipeline, may mean another thing than its digest says. */
export const changesMeaning = (setting: string): boolean => !harmlessSettings.has(setting.toLowerCase())

/** Values under which the target reads literals of a text that it prepares; the same for the same ones. */
export const readingOf = (settings: ReadonlyMap<string, string>): string => {
  const read = [...settings].map(([name, value]): [string, string] => [name.toLowerCase(), value])
  return JSON.stringify(read.filter(([name]) => changesMeaning(name)).sort(([one], [other]) => (one < other ? -1 : 1)))
}

/** What a session begins with that a text may read: it stands in the digest of what is held (DESIGN §5). */
export const settingsRead = (
  { parameters }: Pick<Upstream, 'parameters'>,
  judged: ReadonlyMap<string, string>,
): readonly (readonly [string, string])[] => [
  ...[...parameters].filter(([name]) => readingParameters.has(name)),
  ...[...judged].filter(([name]) => changesMeaning(name)),
]

export function takeParameter(
  state: State,
  message: Extract<BackendMessage, { type: 'parameterStatus' }>,
  out: Action[],
): undefined {
  const pinned = pinnedParameters.get(message.name)
  if (pinned !== undefined && message.value !== pinned) return settingChanged(state, message.name, pinned, out)
  if (message.name === 'search_path') {
    state.pathKnown = false
    state.pathTouched = true
    // Our own questions set it for themselves: the client is told what it is when its turn comes.
    state.pathReported = message.value
    return
  }
  if (readingParameters.has(message.name)) state.settings.set(message.name, message.value)
  if (visibleParameters.has(message.name)) out.push({ do: 'send', message })
}

/** Ends both sides: texts would be read in another way than they were judged. */
export function settingChanged(state: State, name: string, pinned: string, out: Action[]): undefined {
  const error = new SallyportError('SETTING_FORBIDDEN', `setting "${name}" has to stay "${pinned}"`, {
    hint: 'connect again and leave it alone',
  })
  close(state, out, `setting "${name}" was changed`, error)
}
