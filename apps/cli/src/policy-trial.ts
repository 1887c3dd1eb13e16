// sallyport policy trial --since 7d -f draft.yaml: what a draft would have decided otherwise on recorded statements.
import { PolicyTrialResult } from '@sallyport/api/policies'
import { Duration, durationMs } from '@sallyport/policy/duration'
import { type AddCommand, type Session, usage } from './app.ts'
import { checkSources, readFile } from './apply.ts'
import { escapeText } from './escape.ts'

interface TrialOptions {
  readonly since: string
  readonly file: string[]
  readonly target?: string
}

export const addPolicyTrial: AddCommand = (policy, app) => {
  policy
    .command('trial')
    .description('decide recorded statements again under a draft, and list what would change')
    .requiredOption('--since <time>', 'a duration (7d, 12h) or a time (2026-06-01T00:00:00Z)')
    .requiredOption('-f, --file <path...>', 'documents in place of the applied ones of the same name')
    .option('--target <name>', 'statements on this target only')
    .addHelpText('after', '\nExample:\n  sallyport policy trial --since 7d -f draft.yaml')
    .action((options: TrialOptions) => app.run((session) => trial(session, options)))
}

async function trial(session: Session, options: TrialOptions): Promise<void> {
  const documents = options.file.map((path) => ({ file: path, text: readFile(session, path) }))
  checkSources(documents)
  const body = {
    yaml: documents.map(({ text }) => text).join('\n---\n'),
    since: sinceOf(options.since, session.world.clock.nowMs()),
    ...(options.target === undefined ? {} : { target: options.target }),
  }
  const result = await session.api().call('policyTrial', PolicyTrialResult, { body })
  session.out.result(result, () => resultText(session, result))
  for (const { reason, statements } of result.undecided)
    session.out.message(`${statements} not decided: ${escapeText(reason)}`)
  if (result.outdated > 0)
    session.out.message(`${result.outdated} were decided otherwise at the time than the applied documents decide now`)
  if (result.truncated) session.out.message('there are more statements than one trial takes: choose a shorter time')
  session.out.message('limits, holds in progress and the search_path of a session are not in a trial')
}

export function sinceOf(text: string, nowMs: number): string {
  if (Duration.safeParse(text).success) return new Date(nowMs - durationMs(text)).toISOString()
  const at = Date.parse(text)
  if (Number.isNaN(at)) throw usage(`"${text}" is no duration and no time`, 'write --since 7d, or a time in ISO 8601')
  return new Date(at).toISOString()
}

function resultText({ out }: Session, { statements, changed, changes }: PolicyTrialResult): string {
  const head = out.strong(`${changed} of ${statements} statements would be decided otherwise`)
  if (changes.length === 0) return head
  const rows = changes.map((change) => [
    String(change.statements),
    change.target,
    change.initiator,
    `${change.verb} ${change.objects.join(', ')}`,
    `${change.from.decision} (${change.from.rule})`,
    `${change.to.decision} (${change.to.rule})`,
    `${change.session}#${change.statement}`,
  ])
  const names = ['statements', 'target', 'initiator', 'what', 'now', 'draft', 'for example']
  return [head, '', out.table({ columns: names.map((name) => ({ name })), rows })].join('\n')
}
