// npm run demo: the whole product on this machine, for a person to try, or (--script) a story that plays and checks itself.
// Ctrl-C stops everything. Whatever way it ends, no process and no temporary folder stays.
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { asSallyportError, SallyportError, surfacesOf } from '@sallyport/base/errors'
import { lastLines } from '../stack/child.ts'
import { demoPassword, people } from '../stack/people.ts'
import { type ShopServices, startShopServices } from '../stack/services.ts'
import { nameFullDisk, type Ports, portNames, root, type Stack, startStack } from '../stack/stack.ts'
import { play } from './story.ts'

const portBaseDefault = 8700
/** Tells e2e/demo/sallyport where the logins of the running demo are. */
const pointer = join(root, 'node_modules', '.cache', 'sallyport', 'demo-people')

const say = (line: string) => void process.stdout.write(`${line}\n`)

function readOptions() {
  try {
    const { values } = parseArgs({
      options: { script: { type: 'boolean' }, 'port-base': { type: 'string' }, verbose: { type: 'boolean' } },
    })
    const base = Number(values['port-base'] ?? portBaseDefault)
    if (!Number.isInteger(base) || base < 1_024 || base + portNames.length > 65_536)
      throw new Error(`--port-base takes a port from 1024 to ${65_536 - portNames.length}`)
    return {
      isScript: values.script === true,
      isVerbose: values.verbose === true,
      base,
      isFixed: !values.script || values['port-base'] !== undefined,
    }
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    throw new SallyportError('REQUEST_INVALID', message, {
      hint: 'npm run demo -- [--script] [--port-base N] [--verbose]',
    })
  }
}

/** Ports in a row, each free now. */
async function claimPorts(base: number): Promise<Ports> {
  const ports = Object.fromEntries(portNames.map((name, index) => [name, base + index])) as unknown as Ports
  for (const port of Object.values(ports)) {
    const server = createServer()
    try {
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    } catch (cause) {
      const isForbidden = cause instanceof Error && 'code' in cause && cause.code === 'EACCES'
      throw new SallyportError(
        isForbidden ? 'NO_PERMISSION' : 'PORT_TAKEN',
        isForbidden ? `this user may not listen on port ${port}` : `port ${port} is taken by another process`,
        { cause, hint: `stop what uses it, or choose other ports: npm run demo -- --port-base ${base + 100}` },
      )
    }
    server.close()
    await once(server, 'close')
  }
  return ports
}

async function main(): Promise<void> {
  const { isScript, isVerbose, base, isFixed } = readOptions()
  const start = performance.now()
  // A story needs no address that a person remembers: it takes whatever is free.
  const ports = isFixed ? { ports: await claimPorts(base) } : {}
  const progress = isVerbose ? { progress: (what: string, ms: number) => say(`${ms} ms  ${what}`) } : {}
  const stopping = stopSignal()
  const stack = await startStack({ ...ports, ...progress, signal: stopping })
  let services: ShopServices | undefined
  try {
    if (stopping.aborted) return
    services = await startShopServices(stack)
    if (isScript) await Promise.race([play(stack, services, say), aborted(stopping)])
    else await serve(stack, performance.now() - start, stopping)
  } catch (thrown) {
    // The folder with the logs goes in a moment.
    if (!stopping.aborted)
      for (const [name, file] of Object.entries(stack.logs))
        process.stderr.write(`-- ${name}\n${lastLines(file, 12)}\n`)
    throw nameFullDisk(stack.dir, thrown)
  } finally {
    if (existsSync(pointer) && readFileSync(pointer, 'utf8').trim() === join(stack.dir, 'people')) rmSync(pointer)
    await services?.stop()
    await stack.stop()
  }
  if (isScript && !stopping.aborted)
    say(`the story is true; all of it took ${Math.round((performance.now() - start) / 1_000)} s`)
}

async function serve(stack: Stack, tookMs: number, stopping: AbortSignal): Promise<void> {
  await Promise.all(people.map((person) => stack.as(person.login)))
  mkdirSync(join(pointer, '..'), { recursive: true })
  writeFileSync(pointer, `${join(stack.dir, 'people')}\n`)
  const authority = join(stack.dir, 'people', 'authority.pem')
  copyFileSync(join(stack.agentDir, 'ca.pem'), authority)
  const command = `./${relative(process.cwd(), join(root, 'e2e', 'demo', 'sallyport'))}`
  const conninfo = `host=localhost port=${stack.ports.agent} dbname=shop user=sallyport sslmode=verify-full sslrootcert=${authority}`
  say(
    `Sallyport demo (throwaway keys and data), ready in ${(tookMs / 1_000).toFixed(1)} s; Ctrl-C stops it and leaves nothing behind`,
  )
  say(
    `control plane  ${stack.url}   people ${people.map((person) => person.login).join(', ')}; everyone's password is ${demoPassword}. For another terminal, as ann (others: --as NAME):`,
  )
  say(
    `masked         ${command} query shop "select name, email, ssn from customers limit 3"   # --as cara sees it as it is`,
  )
  say(
    `held           ${command} query shop "delete from payments where id = 7"   # bob decides at ${stack.url}/approvals`,
  )
  say(`psql           PGPASSWORD=$(${command} token shop) psql "${conninfo}"`)
  say(
    `HTTP API       ${command} connect shop-api -- sh -c 'curl -s -H "Authorization: Bearer $SALLYPORT_TOKEN" "$SALLYPORT_URL/v1/customers?name=Alma"'`,
  )
  say(`MCP server     ${command} connect shop-tools   # URL, authority and token for any client of MCP`)
  say(`what happened  ${command} --as adam sessions list`)
  const died = Promise.race(
    [stack.controlPlane, stack.agent].map((child) => child.exited.then((code) => ({ child, code }))),
  )
  const ended = await Promise.race([aborted(stopping).catch(() => undefined), died])
  if (ended !== undefined && !stopping.aborted)
    throw new SallyportError('INTERNAL', `the ${ended.child.name} ended by itself with ${ended.code}`)
}

/** Fires on the signals that mean "stop", and when whoever started us is gone. */
function stopSignal(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => controller.abort(stopped()))
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid !== parent) controller.abort(stopped())
  }, 500)
  watch.unref()
  return controller.signal
}

/** Not a failure: somebody wanted it. */
const stopped = () => new SallyportError('SESSION_ENDED', 'stopped')

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })

main().catch((thrown: unknown) => {
  const error = asSallyportError(thrown)
  if (error.code === 'SESSION_ENDED' && error.message === 'stopped') {
    process.exitCode = 130
    return
  }
  const hint = error.hint === undefined ? '' : `\n  fix: ${error.hint}`
  process.stderr.write(`error: ${error.message}${hint}\n  (${error.code})\n`)
  if (error.code === 'INTERNAL') console.error(error.cause ?? thrown)
  process.exitCode = surfacesOf(error.code).exit
})
