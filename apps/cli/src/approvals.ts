// sallyport approvals list, show, approve, deny, withdraw and mine: what people decide, with the facts first and the
// statement escaped, so that nothing in it can pass for a fact.
import { Approval, type ApprovalItem, ApprovalPage } from '@sallyport/api/approvals'
import { SallyportError } from '@sallyport/base/errors'
import { type AddCommand, type Session, usage } from './app.ts'
import { makeApprovalKey, type Signable, signableOf, signatureFor } from './approval-key.ts'
import { escapeLines, escapeText } from './escape.ts'

interface ListOptions {
  readonly decided?: boolean
  readonly target?: string
  readonly caller?: string
  readonly limit: string
}

interface ApproveOptions extends Signing {
  readonly reason?: string
}
interface Signing {
  readonly key?: string
  readonly digest?: string
}

/** Requests of one list. */
const listMax = 500

export const addApprovals: AddCommand = (parent, app) => {
  const approvals = parent.command('approvals').description('decide on statements that wait for a person')
  approvals
    .command('list')
    .description('list requests that wait, the oldest first')
    .option('--decided', 'those that are over instead, the newest first')
    .option('--target <name>', 'only of this target')
    .option('--caller <name>', 'only of this caller')
    .option('--limit <n>', `at most this many, up to ${listMax}`, '50')
    .action((options: ListOptions) => app.run((session) => list(session, options)))
  approvals
    .command('mine')
    .description('list what you asked for, the newest first')
    .action(() => app.run((session) => mine(session)))
  approvals
    .command('show <id>')
    .description('show a request: who, what, the whole statement, the rule, what is known about it')
    .action((id: string) => app.run((session) => show(session, id)))
  approvals
    .command('approve <id>')
    .description('approve one run of exactly this statement')
    .option('--reason <text>', 'why; some rules ask for it')
    .option('--key <file>', 'sign it, where the floor of the agent wants that')
    .option('--digest <digest>', 'what is signed: the line "digest" of "approvals show"')
    .addHelpText('after', '\nExample:\n  sallyport approvals show ID && sallyport approvals approve ID')
    .action((id: string, { reason, ...signing }: ApproveOptions) =>
      app.run((session) => decide(session, id, 'approved', reason ?? '', signing)),
    )
  approvals
    .command('deny <id>')
    .description('deny it; the caller is told the reason')
    .requiredOption('--reason <text>', 'why: the caller reads it')
    .action((id: string, options: { reason: string }) =>
      app.run((session) => decide(session, id, 'denied', options.reason, {})),
    )
  approvals
    .command('key <file>')
    .description('make a key that signs approvals, and print its line for floor.yaml')
    .requiredOption('--name <name>', 'whose it is, as reviewers know it')
    .action((file: string, { name }: { name: string }) =>
      app.run(async (session) => makeApprovalKey(session, file, name)),
    )
  approvals
    .command('withdraw <id>')
    .description('withdraw a request of your own')
    .action((id: string) => app.run((session) => withdraw(session, id)))
}

async function list(session: Session, options: ListOptions): Promise<void> {
  const wanted = /^[0-9]{1,3}$/.test(options.limit) ? Number(options.limit) : 0
  if (wanted < 1 || wanted > listMax)
    throw usage(`--limit "${options.limit}" is no number of requests`, `1 to ${listMax}`)
  const { target, caller, decided } = options
  const page = await session.api().call('approvals', ApprovalPage, {
    query: { target, caller, view: decided === true ? 'decided' : 'pending', limit: String(wanted) },
  })
  if (page.next !== null) session.out.message(`there are more; raise --limit (up to ${listMax}) or narrow the list`)
  if (page.items.length === 0) session.out.message(nothingText(options))
  session.out.result(page.items, () => (page.items.length === 0 ? '' : itemTable(session, page.items)))
}

function nothingText({ target, caller, decided }: ListOptions): string {
  const over = decided === true ? ' --decided' : ''
  if (target !== undefined || caller !== undefined) return `nothing fits; see all with: sallyport approvals list${over}`
  return decided === true
    ? 'nothing is decided yet; see what waits with: sallyport approvals list'
    : 'nothing waits; see what is over with: sallyport approvals list --decided'
}

async function mine(session: Session): Promise<void> {
  const page = await session.api().call('myRequests', ApprovalPage, {})
  if (page.items.length === 0)
    session.out.message(
      'you have asked for nothing yet; a statement that a rule holds asks by itself: sallyport query TARGET SQL',
    )
  session.out.result(page.items, () => (page.items.length === 0 ? '' : itemTable(session, page.items)))
}

/** Parsed facts only: no text of a statement is in a list. */
function itemTable(session: Session, items: readonly ApprovalItem[]): string {
  const names = ['request', 'state', 'asked', 'target', 'caller', 'statement', 'you may decide']
  const rows = items.map((item) => [
    item.id,
    item.state,
    item.createdAt,
    item.target,
    item.initiator.display,
    factsOf(item),
    item.mine ? 'yes' : 'no',
  ])
  return session.out.table({ columns: names.map((name) => ({ name })), rows })
}

/** `DELETE public.orders`, `2 statements: DELETE, UPDATE public.orders and 3 more, no WHERE`. */
function factsOf(item: ApprovalItem): string {
  const shown = item.objects.slice(0, 3).join(', ')
  const more = item.objectsInAll > 3 ? ` and ${item.objectsInAll - 3} more` : ''
  const count = item.statements > 1 ? `${item.statements} statements: ` : ''
  const verbs = [...new Set(item.verbs)].join(', ').toUpperCase()
  return `${count}${verbs} ${shown}${more}${item.filtered ? '' : ', no WHERE'}`
}

async function show(session: Session, id: string): Promise<void> {
  const approval = await session.api().call('approval', Approval, { path: { id } })
  const signable = signableOf(session, approval)
  const lines = signable === null ? [] : ['', ...signableLines(approval, signable)]
  session.out.result(approval, () => [approvalText(approval), ...lines].join('\n'))
}

/** The eight facts in the order of the console's card; each is one line, whatever a name in it holds. */
function approvalText(approval: Approval): string {
  const facts = [
    ['request', `${approval.id}, ${approval.state}`],
    ['for', `${approval.initiator.display} (${approval.initiator.assurance})`],
    ...[...approval.actors].reverse().map((actor) => ['through', `${actor.display} (${actor.assurance})`]),
    ['from', `${approval.clientAddress}, ${approval.applicationName || 'no application name'}`],
    ['target', `${approval.target} as "${approval.upstreamRole}", agent ${approval.agentName}`],
    ...(approval.statement === null ? [] : [['names in', approval.statement.searchPath.join(', ') || 'no schema']]),
    ['does', factsOf(approval)],
    ['estimate', estimateText(approval)],
    [
      'rule',
      `${approval.rule.policy}/${approval.rule.rule}, version ${approval.rule.version}${approval.message === '' ? '' : `: ${approval.message}`}`,
    ],
    ['history', historyText(approval)],
    ['needs', approval.quorum.map(quorumText).join('; ')],
    ['expires', approval.expiresAt],
    ...approval.verdicts.map((given) => [
      given.verdict,
      `by ${given.by} at ${given.at}${given.reason === '' ? '' : `: ${given.reason}`}`,
    ]),
    ...(approval.result === null
      ? []
      : [['ran', `${approval.result.tag || approval.result.sqlstate}, ${approval.result.durationUs} µs`]]),
    ['you', approval.mayDecide.ok ? 'may decide' : approval.mayDecide.why],
  ]
  const lines = facts.map(([name = '', text = '']) => `${name.padEnd(9)} ${escapeText(text)}`)
  return [...lines, '', ...statementLines(approval)].join('\n')
}

/** What would be signed, from what the agent itself has said: the rest of the page is the control plane's word. */
function signableLines({ signers }: Approval, { shown, approvalDigest }: Signable): string[] {
  const { initiator, actors } = shown
  const people = [initiator, ...[...actors].reverse()].map(({ display, assurance }) => `${display} (${assurance})`)
  const names = (signers?.keys ?? []).map(({ name, signed }) => `${name}${signed ? ' (has signed)' : ''}`).join(', ')
  const facts = [
    ['needs', `${signers?.count ?? 0} signed with keys of ${names}`],
    ['target', `${shown.target} as "${shown.upstreamRole}", database ${shown.database}, agent ${shown.agentName}`],
    ['for', `${people.join(', through ')}; ${initiator.issuer} ${initiator.subject}`],
    ['names in', shown.searchPath.join(', ') || 'no schema'],
    ['digest', approvalDigest],
  ]
  const statement = { text: shown.text, parameters: shown.parameters }
  return [
    'what a signature is about, as the agent said it:',
    ...facts.map(([name = '', text = '']) => `${name.padEnd(9)} ${escapeText(text)}`),
    ...textLines(statement),
  ]
}

/** Every line of the statement behind a bar, so that no line of it can pass for one of ours. */
function statementLines({ statement }: Approval): string[] {
  return statement === null ? ['the text of the statement is no longer kept'] : textLines(statement)
}

function textLines(statement: { readonly text: string; readonly parameters: readonly (string | null)[] }): string[] {
  const text = escapeLines(statement.text).split('\n')
  const parameters = statement.parameters.map((value, index) => `  $${index + 1} = ${escapeText(value ?? 'NULL')}`)
  return [
    `statement (${[...statement.text].length} characters, ${text.length === 1 ? '1 line' : `${text.length} lines`}):`,
    ...text.map((line) => `  | ${line}`),
    ...(parameters.length === 0 ? [] : ['parameters:', ...parameters]),
  ]
}

function estimateText({ estimate }: Approval): string {
  if (estimate.kind === 'unavailable') return `none: ${estimate.reason}`
  const of = estimate.ofRows === null ? '' : ` of ${estimate.ofRows}`
  return `about ${estimate.rows}${of} rows, ${estimate.scan}`
}

function historyText({ history }: Approval): string {
  if (history.firstTime) return 'the first such request of this caller in 30 days'
  const last = history.last === null ? '' : `, last ${history.last.verdict} by ${history.last.by} at ${history.last.at}`
  return `in 30 days approved ${history.approved}, denied ${history.denied}${last}`
}

function quorumText(entry: Approval['quorum'][number]): string {
  const by = entry.approvedBy.length === 0 ? '' : ` (${entry.approvedBy.join(', ')})`
  return `${entry.approvedBy.length} of ${entry.count} of group "${entry.group}"${by}`
}

async function decide(
  session: Session,
  id: string,
  verdict: 'approved' | 'denied',
  reason: string,
  signing: Signing,
): Promise<void> {
  const api = session.api()
  // The digest binds the verdict to what the control plane shows now; what changes in between is refused there.
  const before = await api.call('approval', Approval, { path: { id } })
  const { approvalDigest } = before
  if (before.state !== 'pending')
    throw new SallyportError('CONFLICT', `request "${id}" is ${before.state} already`, {
      hint: `see: sallyport approvals show ${id}`,
    })
  const signature = signatureOf(session, before, signing)
  const body = { verdict, reason, approvalDigest, ...(signature === null ? {} : { signature }) }
  const after = await api.call('approvalVerdict', Approval, { path: { id }, body })
  const missing = after.quorum.filter((entry) => entry.approvedBy.length < entry.count).map(quorumText)
  if (after.state === 'pending' && missing.length > 0)
    session.out.message(`your approval is noted; still needed: ${missing.join('; ')}`)
  session.out.result(after, () => escapeText(`${after.state}: ${factsOf(after)} for ${after.initiator.display}`))
}

function signatureOf(session: Session, approval: Approval, { key, digest }: Signing) {
  if (key === undefined) return null
  const signable = signableOf(session, approval)
  if (signable === null) throw usage('nobody wants a signature of this request', 'approve it without --key')
  return signatureFor(session, signable, { key, digest })
}

async function withdraw(session: Session, id: string): Promise<void> {
  const after = await session.api().call('approvalCancel', Approval, { path: { id }, body: {} })
  session.out.result(after, () => escapeText(`${after.state}: ${factsOf(after)}`))
}
