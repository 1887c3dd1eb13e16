// sallyport sessions timeline TRACE: what one distributed trace did at all targets, by time, each step below the one that led to it.
import { Trace, type TracedStatement } from '@sallyport/api/recordings'
import { type AddCommand, type Session, usage } from './app.ts'
import { escapeText } from './escape.ts'

export const addTimeline: AddCommand = (sessions, app) => {
  sessions
    .command('timeline <trace>')
    .description('show what one trace did at all targets: HTTP, MCP and SQL in one line of time')
    .addHelpText('after', '\nExample:\n  sallyport sessions timeline 4bf92f3577b34da6a3ce929d0e0e4736')
    .action((trace: string) => app.run((session) => timeline(session, trace)))
}

/** The id, alone or in a traceparent. */
export function traceIdOf(text: string): string {
  const id = /^(?:[0-9a-f]{2}-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?$/.exec(text.toLowerCase())?.[1]
  if (id !== undefined) return id
  throw usage(`"${escapeText(text)}" is no trace`, 'give its id of 32 hex digits, or a traceparent')
}

async function timeline(session: Session, text: string): Promise<void> {
  const found = await session.api().call('trace', Trace, { path: { id: traceIdOf(text) } })
  if (found.cut) session.out.message(`only the first ${found.items.length} are shown`)
  if (found.items.length === 0)
    session.out.message('nothing of this trace is recorded; see what is with: sallyport sessions list')
  session.out.result(found, () => {
    if (found.items.length === 0) return ''
    const start = Date.parse(found.items[0]?.at ?? '')
    const rows = found.items.map((item) => [
      `+${Date.parse(item.at) - start} ms`,
      item.target,
      item.initiator.assurance === 'claimed' ? `${item.initiator.display} (claimed)` : item.initiator.display,
      endOf(item),
      `${'  '.repeat(item.depth)}${item.text.replace(/\s+/g, ' ')}`,
      `${item.session} #${item.statement}`,
    ])
    const columns = ['time', 'target', 'for', 'end', 'what', 'session'].map((name) => ({ name }))
    return session.out.table({ columns, rows })
  })
}

function endOf({ kind, code, result, durationUs }: TracedStatement): string {
  if (code !== null) return code
  if (kind === 'held') return 'held'
  if (result === null) return 'no end recorded'
  return durationUs === null ? result : `${result}, ${(durationUs / 1_000).toFixed(1)} ms`
}
