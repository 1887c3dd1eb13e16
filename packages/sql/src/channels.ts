// pg_notify() does what NOTIFY does and is judged as it is: by the channel. Where the channel is no constant it may be any, and rules
// read the star so (policy/match.ts). Reads nothing but the text of the call.
import type { FuncCall } from '@pgsql/types'
import { addDirect } from './draft.ts'
import type { Environment } from './scope.ts'
import { stripCast } from './settings.ts'
import { constantText, texts } from './tree.ts'

export const notifies = 'pg_catalog.pg_notify'

/** The effect of a call on its channel; none where it cannot mean pg_notify(). */
export function notifiedChannel(call: FuncCall, env: Environment): void {
  const [name, schema = 'pg_catalog'] = [...texts(call.funcname)].reverse()
  if (`${schema}.${name}` !== notifies) return
  const [first] = call.args ?? []
  const channel = first === undefined || call.func_variadic === true ? null : constantText(stripCast(first))
  addDirect(env.draft, 'notify', `channel:${channel ?? '*'}`)
}
