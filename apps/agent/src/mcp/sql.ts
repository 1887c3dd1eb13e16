// Arguments of tools that are SQL: which they are, what is kept of them in the record, and what the answer of such a tool is looked
// through for. Whether they may go on is judged by session/sql-argument.ts.
import { SallyportError } from '@sallyport/base/errors'
import type { EntrySql } from '@sallyport/ledger/entry'
import { bothDetections, type Detection } from '@sallyport/mask/detect/detection'
import type { AnswerMasking } from '@sallyport/policy/answers'
import type { DecisionContext } from '@sallyport/policy/decide'
import type { McpSubject } from '@sallyport/policy/mcp'
import type { McpServer } from '@sallyport/policy/mcp-target'
import { isJsonObject } from '@sallyport/wire/http/json'
import type { JsonObject } from '@sallyport/wire/mcp/message'
import { scanTokens } from '../postgres/tokens.ts'
import { withoutLiterals } from '../session/recorded.ts'
import type { AlsoFound } from '../session/request-asked.ts'
import type { McpCall } from './call.ts'

/** What is found out about the answer while a call is judged. */
export interface SqlAnswer {
  detection: Detection | null
  /** A call that has waited for people is judged again, and counted once. */
  isCharged: boolean
}

interface ToolCall {
  readonly tool: string
  readonly args: JsonObject
  readonly context: DecisionContext
}

/** All of them have to pass. One that is not sent asks nothing of a database. */
export async function judgeArguments(
  { serving, server }: McpCall,
  { tool, args, context }: ToolCall,
  answer: SqlAnswer,
): Promise<AlsoFound> {
  const sql: EntrySql[] = []
  const { isCharged } = answer
  answer.isCharged = true
  if (server.sql.some((one) => one.tool !== tool && one.tool.toLowerCase() === tool.toLowerCase()))
    return { refusal: doubtfulTool(), sql }
  for (const declared of server.sql.filter((one) => one.tool === tool)) {
    if (isDoubtful(args, declared.argument)) return { refusal: doubtful(declared.argument), sql }
    const text = args.get(declared.argument)
    if (text === undefined) continue
    if (typeof text !== 'string') return { refusal: noText(declared.argument), sql }
    const found = await serving.sql.judge(declared, text, context, isCharged)
    sql.push(found.entry)
    if (found.refusal !== null) return { refusal: found.refusal, sql }
    answer.detection = bothDetections(answer.detection, found.detection)
  }
  return { refusal: null, sql }
}

const doubtfulTool = (): SallyportError =>
  new SallyportError('STATEMENT_UNKNOWN', 'the tool has the name of one that takes SQL, in other capitals', {
    hint: 'names are compared letter by letter; call it by its own',
  })

/** A server that does not mind case would read another argument as this one. */
const isDoubtful = (args: JsonObject, argument: string): boolean =>
  [...args.keys()].some((name) => name !== argument && folded(name) === folded(argument))

const folded = (name: string): string =>
  name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_-]/g, '')

const doubtful = (argument: string): SallyportError =>
  new SallyportError('STATEMENT_UNKNOWN', `an argument has nearly the name of "${argument}", which is SQL`, {
    hint: 'names are compared letter by letter; send it by its own',
  })

const noText = (argument: string): SallyportError =>
  new SallyportError('STATEMENT_UNKNOWN', `the argument "${argument}" is SQL, and no text`, {
    hint: 'send one statement as a text',
  })

/** What the policies of a database look for is looked for in the tool's answer as well. */
export function maskingWith(masking: AnswerMasking | null, { detection }: SqlAnswer): AnswerMasking | null {
  if (detection === null) return masking
  const merged = bothDetections(masking?.detection ?? null, detection)
  const rules = [...new Set([...(masking?.rules ?? []), ...detection.rules])].sort()
  return { parts: masking?.parts ?? [], detection: merged, rules }
}

/** For the record: a literal may be what the database hides from its caller (THREATS ). */
export function withoutLiteralsOfSql(
  { sql }: Pick<McpServer, 'sql'>,
  subject: McpSubject | null,
  params: JsonObject,
): JsonObject {
  const args = params.get('arguments')
  const names = new Set(
    sql.filter(({ tool }) => subject?.kind === 'tool' && tool === subject.name).map((one) => one.argument),
  )
  if (names.size === 0 || !isJsonObject(args)) return params
  const bare = [...args].map(([name, value]): [string, typeof value] =>
    names.has(name) && typeof value === 'string' ? [name, withoutLiterals(value, scanTokens)] : [name, value],
  )
  return new Map([...params, ['arguments', new Map(bare)]])
}
