// sallyport audit verify FILE: checks an exported record offline, from the file and the agents' key fingerprints alone.
// It asks no control plane, because the control plane is one of those who could have changed the record.
import { SallyportError } from '@sallyport/base/errors'
import type { ExportReport } from '@sallyport/ledger/report'
import { createExportVerifier } from '@sallyport/ledger/verify'
import { type AddCommand, type Session, usage } from './app.ts'
import { escapeText } from './escape.ts'

export const addAudit: AddCommand = (parent, app) => {
  const audit = parent.command('audit').description('verify records')
  audit
    .command('verify <file>')
    .description('check an export offline: every entry, chain, signature; exit status 8 when anything is wrong')
    .option('--key <fingerprint...>', 'fingerprint that an agent printed at its start; others are then not believed')
    .addHelpText('after', '\nExample:\n  sallyport audit verify session.jsonl --key 3b1f…e0')
    .action((file: string, options: { key?: string[] }) =>
      app.run((session) => verify(session, file, options.key ?? [])),
    )
}

async function verify(session: Session, file: string, keys: readonly string[]): Promise<void> {
  const pinnedKeys = keys.map((key) => ({ fingerprint: checkedFingerprint(key) }))
  const { sha256, verifySignature } = session.world
  const verifier = createExportVerifier({ sha256, verifySignature, pinnedKeys })
  for await (const line of lines(session, file)) verifier.line(line)
  const report = verifier.end()
  if (!report.ok) session.exit(8)
  session.out.result(report, () => reportText(report))
  if (!report.ok)
    session.out.message(
      "the record is NOT what was signed; keep this file and the agent's spool, and investigate (CHAIN_BROKEN)",
    )
}

/** Hex, with or without colons, of SHA-256. */
function checkedFingerprint(text: string): string {
  const plain = text.replaceAll(':', '').toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(plain))
    throw usage(`--key "${text}" is no fingerprint`, 'it has 64 hex digits; the agent prints it at its start')
  return plain
}

async function* lines(session: Session, file: string): AsyncGenerator<string> {
  const found = session.world.readLines(file)
  if (found === null) throw new SallyportError('NOT_FOUND', `there is no file "${file}"`, { hint: 'check the path' })
  yield* found
}

function reportText(report: ExportReport): string {
  const { sessions, entries, heads } = report
  const count = `${sessions.length} sessions, ${entries} entries, ${heads} signed heads`
  const agents = report.agents.map(
    (agent) => `agent ${agent.name} ${agent.fingerprint}${agent.pinned ? ', pinned' : ''}`,
  )
  const found = [
    ...report.problems.map((problem) => `problem ${place(problem)}: ${problem.reason}: ${problem.detail}`),
    ...report.notices.map((notice) => `notice  ${place(notice)}: ${notice.reason}: ${notice.detail}`),
    ...(report.findingsLeftOut === 0 ? [] : [`and ${report.findingsLeftOut} findings more`]),
  ]
  return [`${report.ok ? 'verified' : 'NOT verified'}: ${count}`, ...agents, ...found].map(escapeText).join('\n')
}

function place(finding: {
  readonly line: number
  readonly session: string | null
  readonly seq: number | null
}): string {
  const session = finding.session === null ? '' : `, session ${finding.session}`
  const seq = finding.seq === null ? '' : `, entry ${finding.seq}`
  return `line ${finding.line}${session}${seq}`
}
