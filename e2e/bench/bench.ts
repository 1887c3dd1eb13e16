// npm run bench: a direct connection, pgbouncer and the agent side by side, in interleaved rounds of random order. Prints
// progress on stderr and a table on stdout; a case that fails is said aloud and makes the exit status 1.
import { writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { asSallyportError, SallyportError, surfacesOf } from '@sallyport/base/errors'
import { type Case, casesOf, type Ground } from './cases.ts'
import { elsewhere, readBaseline, worseThan, writeBaseline } from './check.ts'
import { help, type Options, readOptions } from './options.ts'
import { type Field, openField, type Peer, type PeerName, peerNames } from './peers.ts'
import { randomFrom, shuffled } from './random.ts'
import { type Failure, type Line, type Measured, summarise, table } from './report.ts'
import { findTools, runTool, type Tools, versionOf } from './tools.ts'

const say = (line: string) => void process.stderr.write(`${Math.round(performance.now() / 1_000)} s  ${line}\n`)

/** For one peer, in milliseconds. */
const warmUpMsMax = 180_000
/** Statements of each of two clients: code is compiled well after some ten thousand, and by count, however busy the machine is. */
const warmUpStatements = { quick: 2_000, full: 10_000 }

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2), 1 + Math.floor(Math.random() * 0xffff_fffe))
  if (options === null) return void process.stdout.write(help)
  const tools = findTools()
  const stopping = new AbortController()
  const stopped = new SallyportError('SESSION_ENDED', 'stopped')
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort(stopped))
  const field = await openField(tools, options, stopping.signal, say)
  try {
    const ground: Ground = { field, tools, options, signal: stopping.signal }
    await warmUp(ground)
    const { measured, failures } = await measure(ground)
    const lines = report(options, tools, field.targetVersion, measured, failures)
    const isWorse = options.isCheck && !check(options, lines)
    if (failures.length > 0 || isWorse) process.exitCode = 1
    else if (options.isBaseline) say(`baseline.json: ${JSON.stringify(writeBaseline(lines, nodeOf(options)).cases)}`)
  } finally {
    await field.stop()
  }
}

const nodeOf = ({ node }: Options): string =>
  node === undefined ? process.versions.node : versionOf(node).replace(/^v/, '')

function check(options: Options, lines: readonly Line[]): boolean {
  const baseline = readBaseline()
  const worse = worseThan(baseline.cases, lines)
  const note = elsewhere(baseline, nodeOf(options))
  if (note !== null) process.stdout.write(`NOTE ${note}\n`)
  for (const sentence of worse) process.stdout.write(`WORSE ${sentence}\n`)
  return worse.length === 0
}

/** A proxy that has just started compiles its own code: what comes of that is nobody's figure. */
async function warmUp({ field, tools, options, signal }: Ground): Promise<void> {
  say('warming up')
  const parameters = [
    '--no-vacuum',
    '--select-only',
    '--client=2',
    `--transactions=${options.isQuick ? warmUpStatements.quick : warmUpStatements.full}`,
  ]
  for (const name of peerNames) {
    const env = await field.peers[name].env()
    await runTool(tools.pgbench, parameters, { env, cwd: field.dir, signal, msMax: warmUpMsMax })
  }
}

interface Outcome {
  readonly measured: readonly Measured[]
  readonly failures: readonly Failure[]
}

/** Round by round, so that what the machine does meanwhile falls on every peer alike. */
async function measure(ground: Ground): Promise<Outcome> {
  const { options, field, signal } = ground
  const random = randomFrom(options.seed)
  const cases = casesOf(options)
  const measured: Measured[] = []
  const failures: Failure[] = []
  const count = cases.reduce((sum, one) => sum + one.peers.length, 0) * options.rounds
  let done = 0
  say(`${options.rounds} rounds of ${count / options.rounds} runs, seed ${options.seed}`)
  for (let round = 1; round <= options.rounds; round++) {
    for (const one of shuffled(cases, random)) {
      for (const peer of shuffled(one.peers, random)) {
        done += 1
        const label = `[${done}/${count}] ${one.name}, ${peer}`
        if (failures.some((failure) => failure.case === one.name && failure.peer === peer)) continue
        try {
          const figures = await one.run(peersOf(field, one)[peer], ground)
          measured.push(...figures.map((figure) => ({ case: one.name, peer, ...figure })))
          const [first] = figures
          say(`${label}: ${first === undefined ? 'done' : `${first.value.toFixed(1)} ${first.unit}`}`)
        } catch (thrown) {
          signal.throwIfAborted()
          failures.push(failureOf(one.name, peer, thrown))
          say(`${label}: FAILED: ${failures.at(-1)?.why}`)
        }
      }
    }
  }
  return { measured, failures }
}

const failureOf = (name: string, peer: PeerName, thrown: unknown): Failure => ({
  case: name,
  peer,
  why: thrown instanceof Error ? thrown.message : String(thrown),
})

function report(
  options: Options,
  tools: Tools,
  targetVersion: string,
  measured: readonly Measured[],
  failures: readonly Failure[],
): readonly Line[] {
  // What a failed case had measured before it failed is no figure.
  const good = measured.filter(
    (one) => !failures.some((failure) => failure.case === one.case && failure.peer === one.peer),
  )
  const lines = summarise(good)
  const order = casesOf(options).map(({ name }) => name)
  const memoryGb = Math.round(totalmem() / 1_073_741_824)
  const text = [
    `${cpus().length} processors (${cpus()[0]?.model ?? 'unknown'}), ${memoryGb} GiB, Linux ${release()}; Node ${process.versions.node}; PostgreSQL ${targetVersion}, fsync off;`,
    `${versionOf(tools.pgbench)}; ${versionOf(tools.pgbouncer)}, session mode; no TLS, in cases named -tls on every hop with verify-full; recording: spool.`,
    ...(options.isApart
      ? ['The control plane stood still while a run was measured; the upload is in the CPU time.']
      : []),
    `${options.rounds} rounds of ${options.seconds} s, pgbench scale ${options.scale}, seed ${options.seed}. Medians with (lowest–highest) of the rounds; ratios of medians.`,
    '',
    table(lines, failures, order, peerNames),
    ...failures.map(({ case: name, peer, why }) => `\nFAILED ${name}, ${peer}: ${why}`),
    '',
  ]
  process.stdout.write(`${text.join('\n')}\n`)
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(lines, undefined, 2)}\n`)
  return lines
}

main().catch((thrown: unknown) => {
  const error = asSallyportError(thrown)
  if (error.code === 'SESSION_ENDED' && error.message === 'stopped') {
    say('stopped')
    process.exitCode = 130
    return
  }
  const hint = error.hint === undefined ? '' : `\n  fix: ${error.hint}`
  say(`error: ${error.message}${hint}\n  (${error.code})`)
  if (error.code === 'INTERNAL') console.error(error.cause ?? thrown)
  process.exitCode = surfacesOf(error.code).exit
})

function peersOf(field: Field, { tls, shared, fast }: Case): Readonly<Record<PeerName, Peer>> {
  if (shared === true) return { ...field.peers, ...field.sharedPeers }
  if (fast === true) return { ...field.peers, agent: field.fastAgent }
  return tls ? field.tlsPeers : field.peers
}
