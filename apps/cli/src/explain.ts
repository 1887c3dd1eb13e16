// sallyport policy explain TARGET "SQL": what would happen to a statement and why, by the same decision as in the data
// path. Nothing is run and nothing is recorded as a statement.
import { ExplainResult } from '@sallyport/api/resources'
import { loginMethods } from '@sallyport/policy/strength'
import { Option } from 'commander'
import { type AddCommand, type Session, usage } from './app.ts'
import { checkSources, readFile } from './apply.ts'
import { escapeText } from './escape.ts'
import { addPolicyTest } from './policy-test.ts'
import { addPolicyTrial } from './policy-trial.ts'

interface ExplainOptions {
  readonly groups?: string
  readonly workload?: boolean
  readonly login?: string
  readonly file?: string
}
type Statement = ExplainResult['statements'][number]

export const addPolicy: AddCommand = (parent, app) => {
  const policy = parent.command('policy').description('look at what policies do')
  policy
    .command('explain <target> <sql>')
    .description('show what would happen to a statement, and which rule says so')
    .option('--groups <names>', 'explain for a caller in these groups (comma-separated) instead of for yourself')
    .option('--workload', 'explain for a workload instead of a person')
    .addOption(
      new Option('--login <method>', 'explain for a caller who has logged in so, instead of by a token').choices(
        loginMethods,
      ),
    )
    .option('-f, --file <path>', 'put the documents of this file in place of the applied ones of the same name')
    .addHelpText(
      'after',
      '\nExamples:\n  sallyport policy explain shop "select * from customers" --groups engineering\n  sallyport policy explain shop "delete from orders" -f draft.yaml',
    )
    .action((target: string, sql: string, options: ExplainOptions) =>
      app.run((session) => explain(session, target, sql, options)),
    )
  addPolicyTest(policy, app)
  addPolicyTrial(policy, app)
}

async function explain(session: Session, target: string, sql: string, options: ExplainOptions): Promise<void> {
  const groups = options.groups?.split(',').map((name) => name.trim())
  if (groups?.some((name) => name === '') === true)
    throw usage('--groups has an empty name', 'write it as --groups engineering,dba')
  const yaml = await draft(session, options.file)
  const body = {
    target,
    sql,
    ...(groups === undefined ? {} : { groups }),
    ...(options.workload === true ? { kind: 'workload' } : {}),
    ...(options.login === undefined ? {} : { authentication: options.login }),
    ...(yaml === undefined ? {} : { yaml }),
  }
  const result = await session.api().call('explain', ExplainResult, { body })
  if (result.catalogVersion === null)
    session.out.message('no agent has sent the schema of this target yet: names are not resolved')
  session.out.result(result, () => result.statements.map((statement) => statementText(session, statement)).join('\n\n'))
}

async function draft(session: Session, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  const text = path === '-' ? await session.world.readStdin() : readFile(session, path)
  checkSources([{ file: path === '-' ? null : path, text }])
  return text
}

function statementText(session: Session, statement: Statement): string {
  const { out } = session
  const rule = statement.rule === '' ? '' : `  by rule "${statement.rule}" of policy "${statement.policy}"`
  const lines = [
    out.strong(escapeText(statement.text)),
    `${statement.decision}${escapeText(rule)}`,
    ...(statement.message === '' ? [] : [`  ${escapeText(statement.message)}`]),
    ...(statement.code === null ? [] : [`  code ${escapeText(statement.code)}`]),
    ...statement.effects.map(
      (effect) =>
        `  ${effect.operation} ${escapeText(effect.object)}${effect.via === 'derived' ? ', derived' : ''}${effect.baseline ? ', baseline' : ''}`,
    ),
    ...statement.unknowns.map((unknown) => `  not understood: ${escapeText(unknown)}`),
    ...(statement.maskRefusal === null ? [] : [`  masks: ${escapeText(statement.maskRefusal)}`]),
  ]
  if (statement.relaxed === true)
    lines.push('  relaxed: it cannot be proven what it shows; only detectors look through it')
  if (statement.detect != null) lines.push(`  detectors ${escapeText(statement.detect)}`)
  lines.push(...lineageLines(statement))
  if (statement.trace.length > 0) lines.push('', traceTable(session, statement))
  return lines.join('\n')
}

/** Functions, where values come from and go to, what decides rows, and what limits count. */
function lineageLines({ functions, output, control = [], flows = [], opaque = [], ...more }: Statement): string[] {
  const { trusted = [], limits = [] } = more
  const columns = (output ?? []).map(({ name, kind, sources, mask }) => {
    const from = sources.length === 0 ? '' : ` ${kind === 'direct' ? '=' : 'from'} ${sources.join(', ')}`
    return `  column ${name}${from}${mask === null ? '' : `, masked: ${mask}`}`
  })
  return [
    ...(functions.length === 0 ? [] : [`  functions ${functions.join(', ')}`]),
    ...columns,
    ...control.map(({ column, use, where }) => `  ${where} reads ${column} (${use})`),
    ...flows.map(({ to, sources }) => `  ${to} gets ${sources.join(', ')}`),
    ...opaque.map((code) => `  runs unseen: ${code}`),
    ...trusted.map((name) => `  trusted by the target's owner: ${name}`),
    ...limits.map(
      ({ name, text, refusal }) => `  limit ${name}: ${text}${refusal === null ? '' : `; refused: ${refusal}`}`,
    ),
  ].map(escapeText)
}

function traceTable(session: Session, statement: Statement): string {
  const rows = statement.trace.map((line) => [
    `${line.policy}@${line.version}`,
    line.rule,
    line.effect,
    line.object,
    line.outcome,
    line.note,
  ])
  const columns = ['policy', 'rule', 'effect', 'object', 'outcome', 'note'].map((name) => ({ name }))
  return session.out.table({ columns, rows })
}
