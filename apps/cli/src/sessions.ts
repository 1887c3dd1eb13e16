// sallyport sessions list, show and export: what was recorded, and the signed file that `audit verify` checks.
import { Session as RecordedSession, SessionEntries, SessionPage } from '@sallyport/api/recordings'
import { SallyportError } from '@sallyport/base/errors'
import { rowsOf } from '@sallyport/ledger/rows'
import { strengthText } from '@sallyport/policy/strength'
import { z } from 'zod'
import { reasonOf } from './api.ts'
import { type AddCommand, type Session, usage } from './app.ts'
import { escapeText } from './escape.ts'
import { addTimeline, traceIdOf } from './timeline.ts'

interface ListOptions {
  readonly target?: string
  readonly caller?: string
  readonly initiator?: string
  readonly state?: string
  readonly decision?: string
  readonly trace?: string
  readonly limit: string
}
interface ExportOptions {
  readonly output?: string
  readonly from?: string
  readonly to?: string
}
type Recorded = z.infer<typeof RecordedSession>

/** Sessions of one list. */
const listMax = 500
/** Entries that are fetched at once. */
const entriesPerPage = 500
/** Entries that `show` prints; an export holds all. */
const entriesShownMax = 10_000

export const addSessions: AddCommand = (parent, app) => {
  const sessions = parent.command('sessions').description('look at recorded sessions, and export them')
  sessions
    .command('list')
    .description('list sessions, the newest first')
    .option('--target <name>', 'only of this target')
    .option('--caller <name>', 'only of this caller: a part of the name, or of issuer and subject')
    .option('--initiator <name>', 'only with a statement for this person or workload, whoever has sent it')
    .option('--state <state>', 'live, closed or interrupted')
    .option('--decision <decision>', 'denied, masked or held: only sessions with such a statement')
    .option('--trace <trace>', 'only with a part of this trace: its id, or a traceparent')
    .option('--limit <n>', `at most this many, up to ${listMax}`, '50')
    .action((options: ListOptions) => app.run((session) => list(session, options)))
  sessions
    .command('show <id>')
    .description('show a session and each of its entries')
    .action((id: string) => app.run((session) => show(session, id)))
  addTimeline(sessions, app)
  sessions
    .command('export [id]')
    .description('write the signed record of a session, or of every session in a span of time')
    .option('-o, --output <file>', 'write to this file instead of stdout')
    .option('--from <time>', 'without an id: sessions from this time on (2026-01-31T00:00:00Z)')
    .option('--to <time>', 'without an id: up to this time, exclusive')
    .addHelpText(
      'after',
      '\nExample:\n  sallyport sessions export 4f…c1 -o session.jsonl && sallyport audit verify session.jsonl',
    )
    .action((id: string | undefined, options: ExportOptions) => app.run((session) => download(session, id, options)))
}

async function list(session: Session, options: ListOptions): Promise<void> {
  const { target, caller, initiator, state, decision } = options
  const trace = options.trace === undefined ? undefined : traceIdOf(options.trace)
  const wanted = /^[0-9]{1,3}$/.test(options.limit) ? Number(options.limit) : 0
  if (wanted < 1 || wanted > listMax)
    throw usage(`--limit "${options.limit}" is no number of sessions`, `1 to ${listMax}`)
  const page = await session.api().call('sessions', SessionPage, {
    query: { target, caller, initiator, state, decision, trace, limit: String(wanted) },
  })
  if (page.next !== null) session.out.message(`there are more; raise --limit (up to ${listMax}) or narrow the list`)
  const isNarrowed = [target, caller, initiator, state, decision, trace].some((one) => one !== undefined)
  if (page.items.length === 0)
    session.out.message(
      isNarrowed
        ? 'no session is recorded that fits; see all with: sallyport sessions list'
        : 'no session is recorded yet; open one with: sallyport query TARGET SQL',
    )
  session.out.result(page.items, () => (page.items.length === 0 ? '' : sessionTable(session, page.items)))
}

function sessionTable(session: Session, items: readonly Recorded[]): string {
  const rows = items.map((item) => [
    item.id,
    item.openedAt,
    item.target,
    `${item.initiator.display} (${item.initiator.assurance})`,
    servedText(item, 2),
    item.state,
    String(item.statements),
    String(item.denied),
    String(item.maskedValues),
  ])
  const columns = ['session', 'opened', 'target', 'caller', 'for', 'state', 'statements', 'denied', 'masked'].map(
    (name, index) => ({ name, align: index > 5 ? ('right' as const) : ('left' as const) }),
  )
  return session.out.table({ columns, rows })
}

/** For whom single statements were: the first ones by name, the others by their number. */
function servedText({ initiators, initiatorCount }: Recorded, shown: number): string {
  const names = initiators.slice(0, shown).map(({ display, assurance }) => `${display} (${assurance})`)
  const more = initiatorCount - names.length
  return [...names, ...(more === 0 ? [] : [`${more} more`])].join(', ')
}

async function show(session: Session, id: string): Promise<void> {
  const api = session.api()
  const recorded = await api.call('session', RecordedSession, { path: { id } })
  const entries: Record<string, unknown>[] = []
  let next: number | null = 0
  while (next !== null && entries.length < entriesShownMax) {
    const query = { from: String(next), limit: String(entriesPerPage) }
    const page: SessionEntries = await api.call('sessionEntries', SessionEntries, { path: { id }, query })
    entries.push(...page.items)
    next = page.next
  }
  if (next !== null) session.out.message(`the first ${entries.length} entries are shown; an export holds all`)
  session.out.result({ session: recorded, entries }, () =>
    [headText(recorded), '', ...entries.map(entryText)].join('\n'),
  )
}

const loginText = (authentication: string): string =>
  authentication === '' ? 'not kept' : `${authentication} (${strengthText(authentication)})`

const headText = (recorded: Recorded): string =>
  [
    `session   ${recorded.id}, ${recorded.state}`,
    `target    ${recorded.target} as "${recorded.upstreamRole}", agent ${recorded.agentName}`,
    `caller    ${recorded.initiator.display} (${recorded.initiator.assurance}, ${recorded.initiator.issuer} ${recorded.initiator.subject})`,
    ...[...recorded.actors].reverse().map((actor) => `through   ${actor.display} (${actor.assurance})`),
    ...(recorded.initiatorCount === 0 ? [] : [`for       ${servedText(recorded, 20)}`]),
    `from      ${recorded.clientAddress}, ${recorded.applicationName || 'no application name'}`,
    `login     ${loginText(recorded.authentication)}${recorded.tls ? '' : ', without TLS'}`,
    `time      ${recorded.openedAt} to ${recorded.closedAt ?? 'now'}`,
    `counts    ${recorded.statements} statements, ${recorded.denied} denied, ${recorded.held} held, ${recorded.maskedValues} values masked`,
  ]
    .map(escapeText)
    .join('\n')

/** The tag of a write says how many rows it took, though none came back. */
const rowCount = ({ tag, rows }: Record<string, unknown>): number =>
  rowsOf({ tag: typeof tag === 'string' ? tag : '', rows: typeof rows === 'number' ? rows : 0 })

/** One entry as one line; fields that are not there show as nothing. */
function entryText(entry: Record<string, unknown>): string {
  const text = (name: string) => {
    const value = entry[name]
    return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  }
  const at = typeof entry['atMs'] === 'number' ? new Date(entry['atMs']).toISOString() : ''
  const start = `${text('seq').padStart(5)}  ${at}  ${text('kind').padEnd(14)}`
  switch (entry['kind']) {
    case 'intent':
      return escapeText(
        `${start}  #${text('statement')} ${text('text')}${behalf(entry)}${asks(entry)}${maskPlan(entry)}`,
      )
    case 'denied':
      return escapeText(
        `${start}  #${text('statement')} ${text('text')}${behalf(entry)}  -- ${text('code')}: ${text('message')}`,
      )
    case 'held':
      return escapeText(
        `${start}  #${text('statement')} ${text('text')}${behalf(entry)}  -- waits for request ${text('request')}`,
      )
    case 'hold-ended':
      return escapeText(`${start}  #${text('statement')} ${text('result')}${because(entry)}`)
    case 'outcome':
      return escapeText(
        `${start}  #${text('statement')} ${text('result')} ${text('tag') || text('sqlstate')}, ${rowCount(entry)} rows, ${text('maskedValues')} masked, ${text('durationUs')} µs`,
      )
    case 'session-closed':
      return escapeText(`${start}  ${text('reason')}`)
    default:
      return escapeText(start)
  }
}

const Behalf = z.object({ initiator: z.object({ display: z.string(), assurance: z.string() }) })

/** For whom a statement was, where that is not the caller of the session. */
function behalf(entry: Record<string, unknown>): string {
  const chain = Behalf.safeParse(entry['chain'])
  return chain.success ? `  -- for ${chain.data.initiator.display} (${chain.data.initiator.assurance})` : ''
}

const Asks = z.array(
  z.object({ target: z.string(), effects: z.array(z.object({ operation: z.string(), object: z.string() })) }),
)

/** What an argument of a tool asks a database. */
function asks(entry: Record<string, unknown>): string {
  const sql = Asks.safeParse(entry['sql'])
  const each = sql.success ? sql.data : []
  return each
    .map(
      ({ target, effects }) =>
        `  -- asks ${target}: ${effects.map((one) => `${one.operation} ${one.object}`).join(', ')}`,
    )
    .join('')
}

/** What was not proven about the result; nothing where all of it was. */
const maskPlan = (entry: Record<string, unknown>): string =>
  entry['relaxed'] === true ? '  -- relaxed: only detectors looked through the result' : ''

/** Who decided, and why. */
function because(entry: Record<string, unknown>): string {
  const by = Array.isArray(entry['by']) ? entry['by'].map(String).join(', ') : ''
  const reason = typeof entry['reason'] === 'string' ? entry['reason'] : ''
  return `${by === '' ? '' : ` by ${by}`}${reason === '' ? '' : `: ${reason}`}`
}

async function download(session: Session, id: string | undefined, options: ExportOptions): Promise<void> {
  const { out, world } = session
  if (out.json && options.output === undefined)
    throw usage('--json needs a file for the export', 'add -o FILE; without --json the export goes to stdout')
  if (id !== undefined && (options.from !== undefined || options.to !== undefined))
    throw usage('an id and a span of time do not go together', 'leave out one of them')
  const stream =
    id === undefined
      ? await session.api().stream('export', { query: spanOf(session, options) })
      : await session.api().stream('sessionExport', { path: { id } })
  if (options.output === undefined) {
    const decoder = new TextDecoder()
    await forEachChunk(stream, (chunk) => out.raw(decoder.decode(chunk, { stream: true })))
    return
  }
  const file = world.files.writeStream(options.output)
  let bytes = 0
  try {
    await forEachChunk(stream, (chunk) => {
      bytes += chunk.length
      file.write(chunk)
    })
    file.commit()
  } catch (thrown) {
    file.abandon()
    throw thrown
  }
  out.message(`${bytes} bytes in ${options.output}; check it with: sallyport audit verify ${options.output}`)
  out.result({ file: options.output, bytes }, () => '')
}

/** All that is recorded, unless the options say less. */
const spanOf = ({ world }: Session, { from, to }: ExportOptions) => ({
  from: from ?? new Date(0).toISOString(),
  to: to ?? new Date(world.clock.nowMs()).toISOString(),
})

async function forEachChunk(stream: ReadableStream<Uint8Array>, take: (chunk: Uint8Array) => void): Promise<void> {
  try {
    for await (const chunk of stream) take(chunk)
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause
    throw new SallyportError('CONTROL_PLANE_UNREACHABLE', `the export was cut off${reasonOf(cause)}`, {
      cause,
      hint: 'run it again; a part of an export does not verify',
    })
  }
}
