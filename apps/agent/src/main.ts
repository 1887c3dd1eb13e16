// The process of the agent: reads arguments and environment, joins or runs, and ends on signals. What cannot start says so
// in one line on stderr, with the next step, and ends with the exit code of its error code.

import cluster from 'node:cluster'
import { readFileSync } from 'node:fs'
import { availableParallelism, hostname } from 'node:os'
import { parseArgs } from 'node:util'
import { systemClock } from '@sallyport/base/clock'
import { asSallyportError, SallyportError, surfacesOf } from '@sallyport/base/errors'
import { formatRecipient } from '@sallyport/sealed/sealed'
import type { Logger } from 'pino'
import { type Config, loadConfig } from './config.ts'
import { keepHeapSmall } from './heap.ts'
import { readIdentity, recordKeyPath } from './link/identity.ts'
import { createLog } from './log.ts'
import { loadRecordKey } from './record/key.ts'
import { loadSealingKey } from './secrets/sealed.ts'
import { describeThrown } from './session/log.ts'
import { enrolled, type RunningAgent, startAgent } from './start.ts'
import { version } from './version.ts'
import { startWorkerProcess } from './workers/process.ts'
import { runWorker } from './workers/worker.ts'

const help = `sallyport agent ${version}: stands beside a target and lets callers reach it

  run            joins if it has not and a join token is given, then serves (the default)
  join           joins and ends
  sealing-key    prints the key that credentials are sealed to with "sallyport seal"
  fingerprint    prints the fingerprint of the record key, which an auditor pins

  --config FILE  agent.yaml; every key has a variable that beats it
  --data DIR     data directory: identity, keys, spool       SALLYPORT_DATA_DIR
  --token TOKEN  join token, from "sallyport agent join"     SALLYPORT_JOIN_TOKEN, SALLYPORT_JOIN_TOKEN_FILE
  --name NAME    name of the agent; the token's if absent    SALLYPORT_AGENT_NAME
  --listen H:P   where callers connect, 127.0.0.1:6432       SALLYPORT_LISTEN_HOST, SALLYPORT_LISTEN_PORT
  --advertise H:P  the address that callers dial             SALLYPORT_ADVERTISE
  --floor FILE   floor.yaml: what no policy can loosen       SALLYPORT_FLOOR
  --version, --help

A token on the command line can be seen by other users of the machine; the variables cannot.
All settings: docs/operations.md
`

const flags = {
  config: { type: 'string' },
  data: { type: 'string' },
  token: { type: 'string' },
  name: { type: 'string' },
  listen: { type: 'string' },
  advertise: { type: 'string' },
  floor: { type: 'string' },
  version: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

type Values = { readonly [flag in keyof typeof flags]?: string | boolean }

const commands = ['run', 'join', 'fingerprint', 'sealing-key'] as const
type Command = (typeof commands)[number]

const usage = (message: string, cause?: unknown) =>
  new SallyportError('CONFIG_INVALID', message, { cause, hint: 'see --help' })

function readArguments(words: readonly string[]): { command: Command; values: Values } {
  const parsed = parseWords(words)
  const [word = 'run', ...more] = parsed.positionals
  const command = commands.find((name) => name === word)
  if (command === undefined || more.length > 0) throw usage(`"${[word, ...more].join(' ')}" is no command`)
  return { command, values: parsed.values }
}

function parseWords(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: flags, allowPositionals: true, strict: true })
  } catch (cause) {
    throw usage('the arguments are not understood', cause)
  }
}

/** A flag is a shorter way to write its variable. */
function environmentOf(values: Values): Record<string, string | undefined> {
  const text = (value: string | boolean | undefined) => (typeof value === 'string' ? value : undefined)
  const listen = /^(.+):([0-9]{1,5})$/.exec(text(values.listen) ?? '')
  if (values.listen !== undefined && listen === null) throw usage('--listen takes host:port')
  const given = {
    SALLYPORT_AGENT_CONFIG: text(values.config),
    SALLYPORT_DATA_DIR: text(values.data),
    SALLYPORT_JOIN_TOKEN: text(values.token),
    SALLYPORT_AGENT_NAME: text(values.name),
    SALLYPORT_LISTEN_HOST: listen?.[1]?.replace(/^\[(.*)\]$/, '$1'),
    SALLYPORT_LISTEN_PORT: listen?.[2],
    SALLYPORT_ADVERTISE: text(values.advertise),
    SALLYPORT_FLOOR: text(values.floor),
  }
  return { ...process.env, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) }
}

function fail(thrown: unknown): void {
  const error = asSallyportError(thrown)
  const hint = error.hint === undefined ? '' : `; ${error.hint}`
  process.stderr.write(`sallyport agent: ${error.message}${hint} (${error.code})\n`)
  if (error.code === 'INTERNAL') process.stderr.write(`${JSON.stringify(describeThrown(error.cause))}\n`)
  process.exitCode = surfacesOf(error.code).exit
}

/** Past this much more than the drain time the process ends in any case, in milliseconds. */
const stopMsMax = 10_000

async function run(config: Config, log: Logger): Promise<void> {
  let running: RunningAgent | undefined
  let isStopping = false
  const stop = (why: string): void => {
    if (isStopping) return
    isStopping = true
    log.info({ why }, 'stopping')
    const timer = setTimeout(() => process.exit(1), config.drainMs + stopMsMax)
    timer.unref()
    void running?.stop().then(() => log.info({}, 'stopped'))
  }
  const onSignal = (signal: NodeJS.Signals): void => {
    // The second signal does not wait for anything, and before the start there is nothing to wait for.
    if (isStopping || running === undefined) process.exit(isStopping ? 1 : 0)
    stop(signal)
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  const onRevoked = (reason: string): void => {
    fail(new SallyportError('AGENT_REVOKED', reason === '' ? 'this agent was revoked' : reason))
    stop('revoked')
  }
  const { env: environment } = process
  keepHeapSmall()
  const deps = { config, clock: systemClock, log, environment, random: Math.random, onRevoked, startWorkerProcess }
  running = await startAgent(deps)
  const { agentId, agentName, port, httpPort, metricsPort, recordKeyFingerprint } = running
  log.info({ agent: agentId, name: agentName, port, httpPort, metricsPort, recordKeyFingerprint }, 'started')
  // Revoked in the very moment of the start.
  if (isStopping) await running.stop()
}

async function main(): Promise<void> {
  const { command, values } = readArguments(process.argv.slice(2))
  if (values.help === true) return void process.stdout.write(help)
  if (values.version === true) return void process.stdout.write(`${version}\n`)
  const readFile = (path: string) => readFileSync(path, 'utf8')
  const config = loadConfig({
    env: environmentOf(values),
    readFile,
    hostname: hostname(),
    cores: availableParallelism(),
  })
  const log = createLog(config.logLevel)
  switch (command) {
    case 'run':
      return await run(config, log)
    case 'join': {
      const identity = await enrolled({ config, clock: systemClock, log })
      const { fingerprint } = loadRecordKey(recordKeyPath(config.dataDirectory))
      const text = `joined as "${identity.agentName}" (${identity.agentId})\nrecord key ${fingerprint}\n`
      return void process.stdout.write(text)
    }
    case 'sealing-key': {
      const identity = readIdentity(config.dataDirectory)
      if (identity === undefined)
        throw new SallyportError(
          'AGENT_NOT_ENROLLED',
          'this agent has not joined, so nothing can be sealed for it yet',
          {
            hint: 'run "join" first',
          },
        )
      const { recipient } = await loadSealingKey(config.dataDirectory, identity.agentId)
      return void process.stdout.write(`${formatRecipient(recipient)}\n`)
    }
    case 'fingerprint': {
      if (readIdentity(config.dataDirectory) === undefined)
        throw new SallyportError('AGENT_NOT_ENROLLED', 'this agent has not joined, so it has no record key yet', {
          hint: 'run "join" first',
        })
      return void process.stdout.write(`${loadRecordKey(recordKeyPath(config.dataDirectory)).fingerprint}\n`)
    }
  }
}

// The same program, started by itself.
if (cluster.isWorker) runWorker()
else main().catch(fail)
