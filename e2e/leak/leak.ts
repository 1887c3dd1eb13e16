// npm run leak -- --dir FOLDER: the suite of attacks of that folder through whole stacks (control plane, agent), in front of a
// throw-away PostgreSQL 15 with contrib. The cases and then the raw cases of the protocol are run by the suite's own runners,
// which stand beside the folder and judge; the worse of their exit statuses is ours.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, parse, resolve } from 'node:path'
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import { type Legs, type Preset, startLegs } from './legs.ts'

const help = `npm run leak -- --dir FOLDER [options]

  --dir FOLDER    attacks.json, benign.json, protocol.json and seeds; run.mjs and proto.mjs stand in the folder above
  --only A,B      a part of it: ids, categories, policies, "attack", "benign", or regular expressions on ids
  --json FILE     what the runner found; of the raw cases beside it in FILE with "-protocol" in its name
  --protocol      the raw cases alone
  --report        exit status 0 whatever was found
  --preset NAME   of the targets: "tooling", since honest callers of a suite use psql and GUI tools (docs/policy.md), or "none"
  --bin FOLDER    of the initdb of a PostgreSQL 15 with contrib
  --verbose, --no-load, --step-timeout MS: see the runner

exit status: 0 all is as it has to be, 1 it is not, 2 it could not be run
`
const bins = ['/usr/lib/postgresql/15/bin', '/usr/local/pgsql/bin']
/** Options of the runner of cases that the one of raw cases does not know, with how many words come with each. */
const forCases: Readonly<Record<string, number>> = { '--verbose': 0, '--no-load': 0, '--step-timeout': 1 }
/** The runner's own words for "could not run". */
const couldNotRun = 2

interface Case {
  readonly id: string
  readonly category: string
  readonly policy?: string
}

interface Wanted {
  readonly dir: string
  readonly bin: string
  readonly only: string | undefined
  readonly json: string | undefined
  readonly isReport: boolean
  readonly preset: Preset
  readonly hasCases: boolean
  readonly hasProtocol: boolean
  /** For the runner of cases alone. */
  readonly rest: readonly string[]
}

function readWanted(words: readonly string[]): Wanted {
  const rest = [...words]
  const take = (name: string): string | undefined => {
    const at = rest.indexOf(name)
    if (at < 0) return undefined
    const [, value] = rest.splice(at, 2)
    if (value === undefined) throw new SallyportError('REQUEST_INVALID', `option ${name} needs a value`)
    return value
  }
  const flag = (name: string): boolean => {
    const at = rest.indexOf(name)
    return at >= 0 && rest.splice(at, 1).length > 0
  }
  const dir = resolve(take('--dir') ?? '../shared/leak-suite/public')
  const bin = take('--bin') ?? bins.find((one) => existsSync(join(one, 'initdb')))
  const [only, json] = [take('--only'), take('--json')]
  const preset = presetNamed(take('--preset'))
  const [isProtocolAlone, isReport] = [flag('--protocol'), flag('--report')]
  // What the raw cases are held against is always what a gateway should do.
  for (const name of ['--strict', '--compare']) flag(name)
  for (let at = 0; at < rest.length; at++) {
    const name = rest[at] ?? ''
    const count = Object.hasOwn(forCases, name) ? forCases[name] : undefined
    if (count === undefined) throw new SallyportError('REQUEST_INVALID', `unknown option ${name}`, { hint: help })
    at += count
  }
  for (const file of ['run.mjs', 'proto.mjs'])
    if (!existsSync(join(dir, '..', file)))
      throw new SallyportError('CONFIG_INVALID', `"${dir}" is no folder of a leak suite`, {
        hint: `give --dir; ${file} stands in the folder above`,
      })
  if (bin === undefined)
    throw new SallyportError('CONFIG_INVALID', 'there is no PostgreSQL 15 with contrib here', {
      hint: 'install postgresql-15, or give --bin with the folder of its initdb',
    })
  const hasCases = !isProtocolAlone && (matches(dir, 'attacks', only) || matches(dir, 'benign', only))
  const hasProtocol = matches(dir, 'protocol', only)
  if (!hasCases && !hasProtocol) throw new SallyportError('REQUEST_INVALID', `--only ${only}: no such case`)
  return { dir, bin, only, json, isReport, preset, hasCases, hasProtocol, rest }
}

function presetNamed(word = 'tooling'): Preset {
  if (word === 'none' || word === 'tooling') return word
  throw new SallyportError('REQUEST_INVALID', `--preset ${word}: "none" or "tooling"`, { hint: help })
}

const casesOf = (dir: string, file: string): readonly Case[] =>
  JSON.parse(readFileSync(join(dir, `${file}.json`), 'utf8')).cases

/** Does a file have cases of `--only`, as its runner reads the words? None runs without any. */
function matches(dir: string, file: 'attacks' | 'benign' | 'protocol', only: string | undefined): boolean {
  const cases = casesOf(dir, file)
  if (only === undefined) return cases.length > 0
  const isRaw = file === 'protocol'
  return only
    .split(',')
    .filter((word) => word !== '')
    .some((word) => {
      if (!isRaw && word === (file === 'attacks' ? 'attack' : file)) return true
      if (cases.some(({ id }) => id === word)) return true
      const pattern = new RegExp(word)
      const isNamed = ({ category, policy }: Case) => category.startsWith(`${word}.`) || policy === word
      return cases.some((one) => one.category === word || pattern.test(one.id) || (!isRaw && isNamed(one)))
    })
}

/** Of the two seeds that a run compares. */
function databasesOf(dir: string): readonly [string, ...string[]] {
  const seeds = readdirSync(dir).flatMap((file) => /^seed-(\w)\.sql$/.exec(file)?.[1] ?? [])
  const [first, second] = seeds.sort()
  if (first === undefined)
    throw new SallyportError('CONFIG_INVALID', `"${dir}" has no seed`, { hint: 'a seed is a file "seed-a.sql"' })
  return second === undefined ? [`demo_${first}`] : [`demo_${first}`, `demo_${second}`]
}

async function run(file: string, words: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [file, ...words], { stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  return typeof code === 'number' ? code : couldNotRun
}

async function runCases(wanted: Wanted, legs: Legs, more: readonly string[] = wanted.rest): Promise<number> {
  const upstream = ['--upstream', `127.0.0.1:${legs.target.port}`, '--gateway', legs.gateway, '--login', legs.loginFile]
  return await run(join(dirname(wanted.dir), 'run.mjs'), ['--dir', wanted.dir, ...upstream, ...more])
}

async function runProtocol({ dir, only, json, isReport, hasCases }: Wanted, legs: Legs): Promise<number> {
  const { dir: folder, name, ext } = parse(json ?? '')
  const found = hasCases ? join(folder, `${name}-protocol${ext}`) : (json ?? '')
  return await run(join(dirname(dir), 'proto.mjs'), [
    ...['--dir', dir, '--login', legs.loginFile, '--target', legs.gateway, '--tls', 'all', '--compare', '--strict'],
    ...(only === undefined ? [] : ['--only', only]),
    ...(json === undefined ? [] : ['--json', found]),
    ...(isReport ? ['--report'] : []),
  ])
}

async function main(words: readonly string[]): Promise<number> {
  if (words.includes('--help')) {
    process.stdout.write(help)
    return 0
  }
  const wanted = readWanted(words)
  const { bin, only, json, isReport, hasCases, hasProtocol, rest } = wanted
  const legs = await startLegs({ bin, databases: databasesOf(wanted.dir), preset: wanted.preset })
  try {
    const statuses: number[] = []
    if (hasCases)
      statuses.push(
        await runCases(wanted, legs, [
          ...rest,
          ...(only === undefined ? [] : ['--only', only]),
          ...(json === undefined ? [] : ['--json', json]),
          ...(isReport ? ['--report'] : []),
        ]),
      )
    // The raw cases' sessions are in the database that a run of the others leaves behind.
    else statuses.push(await runCases(wanted, legs, ['--only', casesOf(wanted.dir, 'benign')[0]?.id ?? '', '--report']))
    if (hasProtocol) statuses.push(await runProtocol(wanted, legs))
    return Math.max(...statuses)
  } finally {
    await legs.stop()
  }
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (thrown) {
  const { code, message, hint } = asSallyportError(thrown)
  process.stderr.write(`${code}: ${message}\n${hint ?? ''}\n`)
  process.exitCode = couldNotRun
}
