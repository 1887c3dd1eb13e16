// Our own question to the target about what names and texts mean in this session. It runs between the client's messages, its
// answers never leave, and the client's unnamed statement and portal survive it.
import { SallyportError } from '@sallyport/base/errors'
import type { BackendMessage, FrontendMessage } from '@sallyport/wire/postgres/messages'
import { z } from 'zod'
import { pinnedParameters, settingChanged } from './parameters.ts'
import { pathNames } from './path.ts'
import { type Action, close, type Expected, expect, type State, settle } from './state.ts'

const askName = '_sallyport_path'
/** The pinned settings as well: in a pipeline the server would tell of a change too late for the next text (R-1.31, R-1.32). */
const askText = `SELECT pg_catalog.json_build_array(${[
  'pg_catalog.array_to_json(pg_catalog.current_schemas(true))',
  "pg_catalog.current_setting('search_path')",
  'current_user',
  ...[...pinnedParameters.keys()].map((name) => `pg_catalog.current_setting('${name}')`),
].join(', ')})::pg_catalog.text AS effective_search_path`

/** Only while nothing is due from the target. */
export function askContext(state: State, out: Action[]): undefined {
  // Between two ReadyForQuery a Sync of ours ends the implicit transaction; inside a pipeline it would commit the
  // client's, so there a Flush has to do.
  const ready = !state.segmentOpen
  const messages: readonly FrontendMessage[] = [
    { type: 'parse', name: askName, text: askText, parameterTypes: [] },
    { type: 'bind', portal: askName, statement: askName, parameterFormats: [], parameters: [], resultFormats: [] },
    { type: 'execute', portal: askName, rowsMax: 0 },
    { type: 'close', what: 'portal', name: askName },
    { type: 'close', what: 'statement', name: askName },
    { type: ready ? 'sync' : 'flush' },
  ]
  for (const message of messages) out.push({ do: 'forward', message })
  expect(state, { kind: 'ask', ready, answered: false, closesDue: 2 })
}

/** What is in effect, what is written, who `$user` is, and the pinned settings. */
const Answer = z.tuple([z.array(z.string()).min(1), z.string(), z.string()], z.string())
type Ask = Extract<Expected, { kind: 'ask' }>

/** One message of the answer. Anything but the expected one means that we no longer know what the target does. */
export function takeAsked(state: State, asked: Ask, message: BackendMessage, out: Action[]): undefined {
  switch (message.type) {
    case 'parseComplete':
    case 'bindComplete':
    case 'commandComplete':
      return
    case 'dataRow': {
      const value = message.values[0]
      if (value == null || asked.answered) return lost(state, out)
      asked.answered = true
      return learn(state, value, out)
    }
    case 'closeComplete':
      asked.closesDue -= 1
      if (asked.closesDue === 0 && !asked.ready) settle(state)
      return
    default:
      return lost(state, out)
  }
}

function learn(state: State, value: Uint8Array, out: Action[]): undefined {
  let answer: z.infer<typeof Answer>
  try {
    answer = Answer.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value)))
  } catch {
    return lost(state, out)
  }
  const [schemas, written, user, ...settings] = answer
  for (const [index, [name, pinned]] of [...pinnedParameters].entries())
    if (settings[index] !== pinned) return settingChanged(state, name, pinned, out)
  const names = pathNames(written)
  if (names === null) return lost(state, out)
  // R-2.9: with a schema ahead of pg_catalog, built-in names could be shadowed. Temporary schemas shadow relations only.
  const named = schemas.filter((schema) => !/^pg_(toast_)?temp_/.test(schema))
  if (named[0] !== 'pg_catalog')
    return close(
      state,
      out,
      'pg_catalog is not first in the search_path',
      new SallyportError('SETTING_FORBIDDEN', 'pg_catalog has to stay first in the search_path', {
        hint: 'leave pg_catalog out of search_path; it is searched first then',
      }),
    )
  // A session has one temporary schema; texts and the analysis call it pg_temp.
  state.searchPath = schemas
    .filter((schema) => schema !== 'pg_catalog')
    .map((schema) => (schema.startsWith('pg_temp_') ? 'pg_temp' : schema))
  state.pathNames = names.map((name) => (name === '$user' ? user : name))
  state.pathKnown = true
}

/** Closes both sides: the target did not answer what we asked. */
export function lost(state: State, out: Action[]): undefined {
  close(
    state,
    out,
    'the target answered out of turn',
    new SallyportError('UPSTREAM_UNREACHABLE', 'the connection to the target was lost'),
  )
}
