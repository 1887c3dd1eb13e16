// sallyport mcp quarantine list, show and approve: tools of MCP servers that say something else than what was approved. What they say is
// somebody else's text: it is escaped, and stands behind a bar.
import { QuarantinedTool, QuarantineList, ToolApproved } from '@sallyport/api/quarantine'
import { SallyportError } from '@sallyport/base/errors'
import { indented } from '@sallyport/base/indented'
import { type AddCommand, type Session, usage } from './app.ts'
import { escapeLines, escapeText } from './escape.ts'

type Kept = QuarantinedTool['definitions'][number]

export const addQuarantine: AddCommand = (parent, app) => {
  const quarantine = parent.command('quarantine').description('tools of MCP servers that are kept from callers')
  quarantine
    .command('list')
    .description('list them')
    .action(() => app.run(list))
  quarantine
    .command('show <tool>')
    .description('show what a tool said when it was approved, and what it says now: TARGET/TOOL')
    .action((tool: string) => app.run((session) => show(session, tool)))
  quarantine
    .command('approve <tool> [digest]')
    .description('let callers have it as it is now; the digest is that of what you looked at')
    .addHelpText('after', '\nExample:\n  sallyport mcp quarantine approve shop-tools/send_note sha256:6b0f…')
    .action((tool: string, digest: string | undefined) => app.run((session) => approve(session, tool, digest)))
}

async function list(session: Session): Promise<void> {
  const found = await session.api().call('quarantine', QuarantineList)
  if (found.items.length === 0) session.out.message('no agent has seen a tool that is not what was approved')
  if (found.more > 0) session.out.message(`${found.more} more are not listed; approve or remove some of these first`)
  session.out.result(found, () => {
    if (found.items.length === 0) return ''
    const rows = found.items.map(({ target, tool, approved, digest, since, agents }) => [
      `${target}/${tool}`,
      approved === null ? 'never approved' : 'changed',
      digest,
      since,
      agents.join(', '),
    ])
    return session.out.table({
      columns: ['tool', 'why', 'says now', 'since', 'agents'].map((name) => ({ name })),
      rows,
    })
  })
}

async function find(session: Session, path: ReturnType<typeof pathOf>): Promise<QuarantinedTool> {
  const found = await session.api().call('quarantinedTool', QuarantinedTool, { path })
  if (found.definitions.length > 0) return found
  throw new SallyportError('NOT_FOUND', `no agent has "${path.target}/${path.tool}" in quarantine`, {
    hint: 'see: sallyport mcp quarantine list',
  })
}

async function show(session: Session, wanted: string): Promise<void> {
  const path = pathOf(wanted)
  const found = await find(session, path)
  session.out.result(found, () => found.definitions.map((one) => shown(path, one)).join('\n\n'))
  session.out.message('approve it only if you would let a model act by what it says now')
}

function shown({ target, tool }: ReturnType<typeof pathOf>, kept: Kept): string {
  const { approved, digest, agents, since } = kept
  return [
    `${target}/${tool} at ${escapeText(agents.join(', '))}, since ${since}`,
    approved === null ? 'it was never approved' : `approved: ${approved}`,
    ...(approved === null ? [] : [barred(kept.approvedDefinition, 'the agents have not kept what it said then')]),
    `now: ${digest}`,
    barred(kept.definition, 'it is longer than what agents tell; look at the server itself'),
  ].join('\n')
}

const barred = (definition: string | null, why: string): string =>
  definition === null
    ? `  (${why})`
    : escapeLines(indented(definition))
        .split('\n')
        .map((line) => `  │ ${line}`)
        .join('\n')

async function approve(session: Session, wanted: string, digest: string | undefined): Promise<void> {
  const path = pathOf(wanted)
  const { version, definitions } = await find(session, path)
  if (digest === undefined) throw usage('say which definition', `the digest is what "show ${wanted}" says behind "now"`)
  const body = { digest, version }
  if (!definitions.some((one) => one.digest === digest))
    throw new SallyportError('CONFLICT', `"${escapeText(wanted)}" does not say that now`, {
      hint: `sallyport mcp quarantine show ${escapeText(wanted)}`,
    })
  const done = await session.api().call('quarantineApprove', ToolApproved, { path, body })
  session.out.message(
    `callers have ${escapeText(wanted)} as it is now; if your documents are kept in Git, put this into Target "${path.target}":`,
  )
  session.out.result(done, () => `mcp:\n  pins: { ${path.tool}: "${digest}" }`)
}

function pathOf(wanted: string): { readonly target: string; readonly tool: string } {
  const [, target, tool] = /^([a-z0-9-]{1,63})\/((?:prompt:)?[A-Za-z0-9_.-]{1,64})$/.exec(wanted) ?? []
  if (target === undefined || tool === undefined)
    throw usage(`"${escapeText(wanted)}" names no tool`, 'write TARGET/TOOL, as "sallyport mcp quarantine list" does')
  return { target, tool }
}
