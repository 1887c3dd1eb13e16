// The command line of the bench: what it accepts and what it means. Starts nothing.
import { parseArgs } from 'node:util'
import { SallyportError } from '@sallyport/base/errors'

/** Groups of cases, as `--cases` names them. */
export const groupNames = [
  'select-simple',
  'select-prepared',
  'tpcb',
  'churn',
  'many',
  'tls',
  'big-select',
  'copy-out',
  'copy-in',
  'memory',
] as const
export type GroupName = (typeof groupNames)[number]

export interface Options {
  readonly isQuick: boolean
  readonly rounds: number
  /** How long one pgbench run takes. */
  readonly seconds: number
  readonly groups: readonly GroupName[]
  /** pgbench's: 32 clients need as many branches, or they wait for one another's rows. Quick ones do wait. */
  readonly scale: number
  /** Order of cases and peers. */
  readonly seed: number
  /** Idle connections at which memory is looked at. */
  readonly idle: readonly number[]
  /** Where the list of figures goes; absent: nowhere. */
  readonly json?: string
  /** Fail where the agent's CPU time a statement, against pgbouncer's, is worse than in baseline.json. */
  readonly isCheck: boolean
  /** Write what was measured into baseline.json. */
  readonly isBaseline: boolean
  /** Node that the agent runs on; absent: ours. */
  readonly node?: string
  /** Where a CPU profile of the agent goes; absent: none is made. */
  readonly profile?: string
  /** The control plane stands still while a run is measured, as one on another machine takes nothing from this one. */
  readonly isApart: boolean
  /** Of the agent. */
  readonly workers: number
}

export const help = `Usage: npm run bench -- [flags]

Measures a direct connection, pgbouncer and the agent side by side, and prints a table. No hop has TLS, but those of
the group tls, which have it everywhere, with the name verified.

  --quick        one short round of fewer cases, made for two minutes on a quiet machine
  --rounds N     rounds, each in random order (default 5; quick 1)
  --seconds N    length of one pgbench run (default 5; quick 1)
  --cases A,B    only these: ${groupNames.join(', ')}
  --seed N       the order of an earlier run
  --json FILE    write {case, peer, metric, median, min, max, unit} for each figure
  --check        exit status 1 where CPU time a statement, agent ÷ pgbouncer, is > 15 % above e2e/bench/baseline.json
  --baseline     write those ratios of this run into e2e/bench/baseline.json; on a quiet machine, with at least three rounds
  --node FILE    run the agent on this Node
  --profile DIR  write a CPU profile of the agent into DIR (it costs the agent some percent)
  --apart        the control plane stands still during a run, as if it had another machine; what the agent sends it
                 afterwards counts in its CPU time
  --workers N    the agent has N workers (default 1); CPU time and memory are those of all its processes
  --help         this text

Needs pgbench and psql (Debian: postgresql-15 or later, postgresql-client) and pgbouncer on this machine.
`

const usage = (message: string): SallyportError =>
  new SallyportError('REQUEST_INVALID', message, { hint: 'npm run bench -- --help' })

function whole(name: string, text: string, max: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > max)
    throw usage(`--${name} takes a whole number from 1 to ${max}`)
  return value
}

/** Null when only the help is wanted. */
export function readOptions(parameters: readonly string[], seedDefault: number): Options | null {
  const values = parse(parameters)
  if (values.help === true) return null
  const isQuick = values.quick === true
  const { json, node, profile } = values
  return {
    isQuick,
    rounds: whole('rounds', values.rounds ?? (isQuick ? '1' : '5'), 100),
    seconds: whole('seconds', values.seconds ?? (isQuick ? '1' : '5'), 3_600),
    scale: isQuick ? 10 : 32,
    groups: readGroups(values.cases),
    seed: values.seed === undefined ? seedDefault : whole('seed', values.seed, 0xffff_ffff),
    isCheck: values.check === true,
    isBaseline: values.baseline === true,
    isApart: values.apart === true,
    workers: whole('workers', values.workers ?? '1', 64),
    idle: isQuick ? [0, 100] : [0, 100, 1_000],
    ...(json === undefined ? {} : { json }),
    ...(node === undefined ? {} : { node }),
    ...(profile === undefined ? {} : { profile }),
  }
}

function parse(parameters: readonly string[]) {
  try {
    return parseArgs({
      args: [...parameters],
      options: {
        quick: { type: 'boolean' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        cases: { type: 'string' },
        seed: { type: 'string' },
        json: { type: 'string' },
        check: { type: 'boolean' },
        baseline: { type: 'boolean' },
        node: { type: 'string' },
        profile: { type: 'string' },
        apart: { type: 'boolean' },
        workers: { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values
  } catch (thrown) {
    throw usage(thrown instanceof Error ? thrown.message : String(thrown))
  }
}

function readGroups(text: string | undefined): readonly GroupName[] {
  if (text === undefined) return groupNames
  const names = text.split(',').map((name) => name.trim())
  return names.map((name) => {
    const known = groupNames.find((candidate) => candidate === name)
    if (known === undefined) throw usage(`no case is called "${name}"; there are ${groupNames.join(', ')}`)
    return known
  })
}
