// What the record says after a storm, beside what the target itself logged: read line by line, because ten minutes of it
// are more than one string can hold.
import { spawnSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { runCli } from '../stack/cli.ts'
import { root, type Stack } from '../stack/stack.ts'
import { until } from '../stack/until.ts'
import { marksIn } from './tally.ts'

export interface RecordedMarks {
  readonly file: string
  readonly intents: ReadonlySet<string>
  /** Intents of texts that name the asker alone, by its name: what was bound to them the record does not keep. */
  readonly prepared: ReadonlyMap<string, number>
  readonly sessions: number
  readonly entries: number
  /** Sessions whose entries are not numbered from 0 without a gap or a double. Must be empty. */
  readonly gaps: readonly string[]
}

/** No session is live and no spool holds anything back: all was taken in. */
export async function settled(stack: Stack): Promise<void> {
  const admin = await stack.as('adam')
  await until(
    'every session is over in the record',
    async () => (await admin.get('/api/v1/sessions?state=live&limit=1')).body.items.length === 0,
    120_000,
  )
}

export async function exportRecord(stack: Stack, name: string): Promise<RecordedMarks> {
  const file = join(stack.dir, 'people', `${name}.jsonl`)
  const ran = await runCli(['sessions', 'export', '-o', file], { home: await stack.cliHome('adam') })
  if (ran.status !== 0) throw new Error(ran.stderr)
  const intents = new Set<string>()
  const prepared = new Map<string, number>()
  const next = new Map<string, number>()
  const gaps = new Set<string>()
  let entries = 0
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const { entry }: { entry?: string } = JSON.parse(line)
    if (entry === undefined) continue
    entries += 1
    const parsed: Entry = JSON.parse(entry)
    const { session, seq, kind } = parsed
    if (seq !== (next.get(session) ?? 0)) gaps.add(session)
    next.set(session, seq + 1)
    if (kind !== 'intent') continue
    for (const text of [parsed.text, ...(parsed.parameters ?? [])])
      for (const mark of marksIn(text ?? '')) intents.add(mark)
    const asker = / AS (c\d+) WHERE/.exec(parsed.text ?? '')?.[1]
    if (asker !== undefined) prepared.set(asker, (prepared.get(asker) ?? 0) + 1)
  }
  return { file, intents, prepared, sessions: next.size, entries, gaps: [...gaps] }
}

/** Marks of which the record knows nothing. */
export function unrecorded(marks: Iterable<string>, { intents, prepared }: RecordedMarks): string[] {
  const byAsker = new Map<string, string[]>()
  for (const mark of marks) {
    const [asker = ''] = mark.split('x')
    if (!intents.has(mark)) byAsker.set(asker, [...(byAsker.get(asker) ?? []), mark])
  }
  return [...byAsker].flatMap(([asker, missing]) => {
    const known = prepared.get(asker) ?? 0
    return missing.length > known ? [`${missing.length - known} of ${missing.length} of ${asker}`, ...missing] : []
  })
}

interface Entry {
  readonly kind: string
  readonly session: string
  readonly seq: number
  readonly text?: string
  readonly parameters?: readonly (string | null)[]
}

/** `sallyport audit verify` with the keys that these agents print themselves. Returns its report. */
export async function verified(stack: Stack, file: string, agentDirs: readonly string[]): Promise<unknown> {
  const keys = agentDirs.flatMap((dir) => ['--key', fingerprintAt(dir)])
  const ran = await runCli(['audit', 'verify', file, ...keys, '--json'], { home: await stack.cliHome('adam') })
  if (ran.status !== 0) throw new Error(`not verified: ${ran.stdout.slice(0, 4_000)}${ran.stderr}`)
  return JSON.parse(ran.stdout).result
}

/** What an auditor pins: from the agent's own folder, not from the control plane. */
export function fingerprintAt(agentDir: string): string {
  const ran = spawnSync(process.execPath, [join(root, 'apps/agent/dist/main.js'), 'fingerprint'], {
    env: { PATH: process.env.PATH ?? '', SALLYPORT_DATA_DIR: agentDir },
    encoding: 'utf8',
  })
  if (ran.status !== 0) throw new Error(ran.stderr)
  return ran.stdout.trim()
}

/** Marks of all that reached the target, as its own log has them; `log_line_prefix` names the role. */
export async function marksInTargetLog(file: string): Promise<ReadonlySet<string>> {
  const marks = new Set<string>()
  for await (const line of createInterface({ input: createReadStream(file) }))
    if (/ app_rw [A-Z]+: /.test(line)) for (const mark of marksIn(line)) marks.add(mark)
  return marks
}
