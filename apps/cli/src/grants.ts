// sallyport request and grants: asking ahead for what a rule grants for a time, and deciding it.
import { Grant, type Grantable, GrantableList, GrantPage, grantViews } from '@sallyport/api/grants'
import { SallyportError } from '@sallyport/base/errors'
import { type AddCommand, type Session, usage } from './app.ts'
import { durationSeconds } from './duration.ts'
import { escapeText } from './escape.ts'

interface AskOptions {
  readonly for: string
  readonly reason?: string
}

/** Grants of one list. */
const listMax = 500
/** What a list without any says. */
const nothingIn: Readonly<Record<(typeof grantViews)[number], string>> = {
  pending: 'no grant waits for a decision',
  live: 'nothing is granted now',
  past: 'no grant is over yet',
  all: 'there is no grant that you may see',
  mine: 'you have asked for no grant yet',
}
/** What is asked for when nobody says for how long. */
const usualSeconds = 3_600
const howToAsk = 'list what you may ask for with: sallyport request'

export const addRequest: AddCommand = (parent, app) => {
  parent
    .command('request [target] [rule]')
    .description('ask ahead for what a rule grants for a time; without a rule, list what you may ask for')
    .option('--for <duration>', 'for how long: 60s, 30m, 7d at most, and never longer than the rule says', '1h')
    .option('--reason <text>', 'why: reviewers read it; some rules ask for it')
    .addHelpText('after', '\nExample:\n  sallyport request orders on-call/repair --for 2h --reason "incident 42"')
    .action((target: string | undefined, rule: string | undefined, options: AskOptions) =>
      app.run((session) =>
        target === undefined || rule === undefined ? askable(session, target) : ask(session, target, rule, options),
      ),
    )
}

export const addGrants: AddCommand = (parent, app) => {
  const grants = parent.command('grants').description('see, decide and end what was asked for ahead')
  grants
    .command('list')
    .description('list grants, the newest first')
    .option('--view <view>', grantViews.join(', '), 'pending')
    .option('--limit <n>', `at most this many, up to ${listMax}`, '50')
    .action((options: { view: string; limit: string }) => app.run((session) => list(session, options)))
  grants
    .command('show <id>')
    .description('show a grant: who, what, until when, who decided')
    .action((id: string) =>
      app.run(async (session) => print(session, await session.api().call('grant', Grant, { path: { id } }))),
    )
  grants
    .command('approve <id>')
    .description('grant it, from now on for the time that was asked for')
    .option('--reason <text>', 'why')
    .action((id: string, { reason }: { reason?: string }) =>
      app.run((session) => decide(session, id, 'approved', reason ?? '')),
    )
  grants
    .command('deny <id>')
    .description('deny it; who asked is told the reason')
    .requiredOption('--reason <text>', 'why')
    .action((id: string, { reason }: { reason: string }) => app.run((session) => decide(session, id, 'denied', reason)))
  grants
    .command('end <id>')
    .description('withdraw one of yours, or end one that is granted')
    .action((id: string) =>
      app.run(async (session) =>
        print(session, await session.api().call('grantEnd', Grant, { path: { id }, body: {} })),
      ),
    )
}

async function askable(session: Session, target: string | undefined): Promise<void> {
  const { items } = await session.api().call('grantable', GrantableList, {})
  const shown = items.filter((item) => target === undefined || item.target === target)
  session.out.message(nextStep(shown, items.length))
  const rows = shown.map((item) => [
    item.target,
    `${item.policy}/${item.rule}`,
    scopeText(item),
    lengthText(item.longestSeconds),
    item.reviewers.map(({ group, count }) => `${count} of ${group}`).join(' and '),
  ])
  const columns = ['target', 'rule', 'lets you', 'at most', 'decided by'].map((name) => ({ name }))
  session.out.result(shown, () => (rows.length === 0 ? '' : session.out.table({ columns, rows })))
}

/** What to type next: the command for the first one, or the way to one. */
function nextStep([first]: readonly Grantable[], inAll: number): string {
  if (first === undefined)
    return inAll === 0
      ? 'there is nothing that you may ask for; an administrator applies a policy with a rule that grants (docs/approvals.md)'
      : 'there is nothing that you may ask for at this target; see all with: sallyport request'
  const { target, policy, rule, longestSeconds, reason } = first
  const why = reason === 'required' ? ' --reason "why"' : ''
  return `ask with, for example: sallyport request ${target} ${policy}/${rule} --for ${lengthText(Math.min(longestSeconds, usualSeconds))}${why}`
}

async function ask(session: Session, target: string, wanted: string, options: AskOptions): Promise<void> {
  const [policy = '', rule] = wanted.split('/')
  if (rule === undefined)
    throw usage(`"${wanted}" names no rule of a policy`, `POLICY/RULE, as "sallyport request ${target}" lists them`)
  const seconds = durationSeconds(options.for, 'a grant', '7d')
  const body = { target, policy, rule, seconds, reason: options.reason ?? '' }
  const made = await session.api().call('grantAsk', Grant, { body })
  session.out.message(`it can be decided until ${made.expiresAt}; look with: sallyport grants show ${made.id}`)
  print(session, made)
}

async function list(session: Session, { view, limit }: { view: string; limit: string }): Promise<void> {
  const chosen = grantViews.find((name) => name === view)
  if (chosen === undefined) throw usage(`--view "${view}" is none`, grantViews.join(', '))
  const wanted = /^[0-9]{1,3}$/.test(limit) ? Number(limit) : 0
  if (wanted < 1 || wanted > listMax) throw usage(`--limit "${limit}" is no number of grants`, `1 to ${listMax}`)
  const page = await session.api().call('grants', GrantPage, { query: { view: chosen, limit: String(wanted) } })
  if (page.next !== null) session.out.message(`there are more; raise --limit (up to ${listMax})`)
  if (page.items.length === 0) session.out.message(`${nothingIn[chosen]}; ${howToAsk}`)
  const rows = page.items.map((item) => [
    item.id,
    item.state,
    item.who.display,
    item.target,
    `${item.policy}/${item.rule}`,
    lengthText(item.seconds),
    item.until ?? '',
    item.mayDecide.ok ? 'yes' : 'no',
  ])
  const columns = ['grant', 'state', 'who', 'target', 'rule', 'for', 'until', 'you may decide'].map((name) => ({
    name,
  }))
  session.out.result(page.items, () => (rows.length === 0 ? '' : session.out.table({ columns, rows })))
}

async function decide(session: Session, id: string, verdict: 'approved' | 'denied', reason: string): Promise<void> {
  const after = await session.api().call('grantVerdict', Grant, { path: { id }, body: { verdict, reason } })
  const missing = after.quorum.filter(({ approvedBy, count }) => approvedBy.length < count)
  if (after.state === 'pending' && missing.length > 0)
    session.out.message(`your approval is noted; still needed: ${missing.map(({ group }) => group).join(', ')}`)
  if (verdict === 'approved' && after.state !== 'approved' && after.state !== 'pending')
    throw new SallyportError('CONFLICT', `the grant is ${after.state}`)
  print(session, after)
}

function print(session: Session, grant: Grant): void {
  const facts = [
    ['grant', `${grant.id}, ${grant.state}`],
    ['for', `${grant.who.display} (${grant.who.issuer} ${grant.who.subject})`],
    ['target', grant.target],
    ['rule', `${grant.policy}/${grant.rule}`],
    ['lets', scopeText(grant)],
    ['time', `${lengthText(grant.seconds)}${grant.until === null ? '' : `, until ${grant.until}`}`],
    ...(grant.reason === '' ? [] : [['reason', grant.reason]]),
    ['needs', grant.quorum.map((one) => `${one.approvedBy.length} of ${one.count} of group "${one.group}"`).join('; ')],
    ...grant.verdicts.map((one) => [
      one.verdict,
      `by ${one.by} at ${one.at}${one.reason === '' ? '' : `: ${one.reason}`}`,
    ]),
    ...(grant.endedBy === null ? [] : [['ended by', grant.endedBy]]),
  ]
  session.out.result(grant, () =>
    facts.map(([name = '', text = '']) => `${name.padEnd(9)} ${escapeText(text)}`).join('\n'),
  )
}

/** `select, update on public.orders, when …`. */
function scopeText({ operations, objects, when }: Pick<Grantable, 'operations' | 'objects' | 'when'>): string {
  const what = `${operations?.join(', ') ?? 'everything'} on ${objects?.join(', ') ?? 'everything'}`
  return when === null ? what : `${what}, when ${when}`
}

function lengthText(seconds: number): string {
  const hours = seconds / 3_600
  return Number.isInteger(hours) ? `${hours}h` : seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`
}
