// sallyport scan TARGET: the agent looks at a sample and says in counts what it looks like; the labels that follow come as
// documents. Shows names and numbers; values never leave the agent.
import { Scan, ScanStarted } from '@sallyport/api/scans'
import { isErrorCode, SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { type AddCommand, type Session, usage } from './app.ts'
import { escapeText } from './escape.ts'
import { documentsText } from './scanned.ts'

interface ScanOptions {
  readonly rows?: string
  readonly yaml?: boolean
  readonly all?: boolean
}
type Result = NonNullable<Scan['result']>

/** Between two looks at a scan, in milliseconds. */
const lookMs = 500
/** A scan that is not over by then is left to itself, in milliseconds. */
const waitMsMax = limits.scanMsMax + 90_000

export const addScan: AddCommand = (parent, app) => {
  parent
    .command('scan <target>')
    .description('look at a sample of a target for e-mail addresses, cards, keys …, and propose labels')
    .option('--rows <count>', `rows of each relation to look at, ${limits.scanRowsMax} at most`, '200')
    .option('--all', 'show columns that nothing is proposed for, too')
    .option('--yaml', 'print the proposed Label documents alone, for a file or for apply')
    .addHelpText(
      'after',
      '\nExamples:\n  sallyport scan shop\n  sallyport scan shop --yaml > labels.yaml\n  sallyport scan shop --json | sallyport apply -f - --dry-run',
    )
    .action((target: string, options: ScanOptions) => app.run((session) => scan(session, target, options)))
}

async function scan(session: Session, target: string, options: ScanOptions): Promise<void> {
  const rows = Number(options.rows ?? '200')
  if (!Number.isInteger(rows) || rows < 1 || rows > limits.scanRowsMax)
    throw usage('--rows is no count', `a whole number from 1 to ${limits.scanRowsMax}`)
  const { id } = await session.api().call('scanCreate', ScanStarted, { path: { name: target }, body: { rows } })
  session.out.message(`the agent looks at "${escapeText(target)}" …`)
  const result = await resultOf(session, id)
  if (result.isCut) session.out.message('not every relation was looked at: the scan took too long')
  if (result.unread.length > 0)
    session.out.message(`role "${escapeText(result.role)}" could not read all of: ${unreadText(result.unread)}`)
  session.out.result({ target, ...result }, () =>
    options.yaml === true ? documentsText(result.documents) : shown(session, target, result, options.all === true),
  )
}

/** Names of relations that are written out. */
const unreadShown = 20

function unreadText(unread: readonly string[]): string {
  const more = unread.length > unreadShown ? `, and ${unread.length - unreadShown} more` : ''
  return escapeText(unread.slice(0, unreadShown).join(', ')) + more
}

async function resultOf(session: Session, id: string): Promise<Result> {
  const startedMs = session.world.clock.nowMs()
  for (;;) {
    const { state, result, error } = await session.api().call('scan', Scan, { path: { id } })
    if (result !== null) return result
    if (state === 'failed') {
      const code = error !== null && isErrorCode(error.code) ? error.code : 'UPSTREAM_UNREACHABLE'
      throw new SallyportError(code, error?.message ?? 'the scan failed', { hint: "the agent's log has the reason" })
    }
    if (session.world.clock.nowMs() - startedMs > waitMsMax)
      throw new SallyportError('UPSTREAM_UNREACHABLE', 'the agent has not answered yet', { hint: 'try again later' })
    await session.world.pause(lookMs, session.world.interrupted)
  }
}

function shown(session: Session, target: string, result: Result, all: boolean): string {
  const found = result.columnsFound.filter(({ label }) => all || label !== null)
  const looked = `${result.columns} columns of ${result.relations} relations`
  if (found.length === 0) return `nothing found in ${looked}`
  const rows = found.map((one) => [
    `${one.schema}.${one.relation}.${one.column}`,
    one.label ?? '',
    one.evidence ?? '',
    hitsText(one.hits),
    String(one.values),
    one.labelled.join(', '),
  ])
  const columns = [
    { name: 'column' },
    { name: 'proposed label' },
    { name: 'by' },
    { name: 'found' },
    { name: 'values', align: 'right' as const },
    { name: 'labelled' },
  ]
  const next =
    result.documents.length === 0
      ? 'every proposal is labelled already'
      : `apply with: sallyport scan ${escapeText(target)} --yaml | sallyport apply -f -`
  session.out.message(`${looked} were looked at; ${next}`)
  return session.out.table({ columns, rows })
}

const hitsText = (hits: Readonly<Record<string, number>>): string =>
  Object.entries(hits)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ')
