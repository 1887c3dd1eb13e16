// npm run demo itself: the story ends well, Ctrl-C and even kill -9 leave no process and no folder behind, the printed
// commands work, and what can go wrong at its start is named with the fix.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { portNames, root } from './stack/stack.ts'
import { until } from './stack/until.ts'
import { hasPsql } from './stack/use.ts'

/** Everything that a demo makes is in here, so that what it leaves behind shows. */
let temporary = ''
beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), 'sallyport-demo-test-'))
  chmodSync(temporary, 0o711)
})
afterEach(() => rmSync(temporary, { recursive: true, force: true }))

interface Demo {
  readonly child: ChildProcess
  stdout(): string
  stderr(): string
  readonly ended: Promise<number | null>
}

function startDemo(...parameters: string[]): Demo {
  const child = spawn(process.execPath, [join(root, 'e2e/dist/demo.js'), ...parameters], {
    cwd: root,
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text.out += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text.err += chunk
  })
  return {
    child,
    stdout: () => text.out,
    stderr: () => text.err,
    ended: once(child, 'close').then(([code]) => code),
  }
}

/** Processes whose command or environment names our folder. */
function leftProcesses(): string[] {
  if (!existsSync('/proc')) return []
  return readdirSync('/proc').filter((id) => {
    if (!/^\d+$/.test(id) || Number(id) === process.pid) return false
    try {
      const command = readFileSync(`/proc/${id}/cmdline`, 'utf8')
      return command.includes(temporary) || readFileSync(`/proc/${id}/environ`, 'utf8').includes(temporary)
    } catch {
      return false
    }
  })
}

/** Ports in a row that are free now, and that no system gives to connections going out. */
async function portBase(): Promise<number> {
  for (;;) {
    const base = randomInt(32_000, 32_700)
    const isFree = await Promise.all(portNames.map((_, index) => canListen(base + index)))
    if (isFree.every(Boolean)) return base
  }
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    return true
  } catch {
    return false
  }
}

const expectNothingLeft = async () => {
  await until('nothing is left running', () => leftProcesses().length === 0)
  await until('no folder is left', () => readdirSync(temporary).length === 0)
}

test('the story plays to its end, and leaves nothing behind', async () => {
  const demo = startDemo('--script')
  expect(await demo.ended, demo.stderr()).toBe(0)
  expect(demo.stdout().match(/^ {3}ok: /gm)).toHaveLength(15)
  expect(demo.stdout()).toMatch(/the story is true/)
  await expectNothingLeft()
})

test('the demo prints eight lines at most, they work as they stand, and Ctrl-C leaves nothing behind', async () => {
  const base = await portBase()
  const demo = startDemo('--port-base', String(base))
  await until(
    'the demo is ready',
    () => demo.stdout().includes('sessions list') || demo.child.exitCode !== null,
    90_000,
  )
  const lines = demo.stdout().trimEnd().split('\n')
  expect(lines.length, demo.stderr()).toBeLessThanOrEqual(8)
  expect(demo.stderr()).toBe('')
  const line = (name: string) => lines.find((text) => text.startsWith(name))?.slice(15) ?? ''
  const shell = (command: string) =>
    spawnSync('/bin/sh', ['-c', command], { cwd: root, encoding: 'utf8', timeout: 60_000, env: shellEnv() })
  const masked = shell(line('masked'))
  expect(masked.status, masked.stderr).toBe(0)
  expect(masked.stdout).toContain('Alma Almeida\t***@example.test\t****1000')
  const held = spawn('/bin/sh', ['-c', line('held')], { cwd: root, env: shellEnv(), stdio: ['ignore', 'pipe', 'pipe'] })
  const heldEnded = once(held, 'close')
  const asBob = './e2e/demo/sallyport --as bob approvals'
  const request = await until('the held statement waits for bob', () => {
    const [first] = JSON.parse(shell(`${asBob} list --json`).stdout).result
    return first?.id ?? null
  })
  expect(shell(`${asBob} approve ${request}`).status).toBe(0)
  expect((await heldEnded)[0]).toBe(0)
  const unmasked = line('masked').replace('sallyport query', 'sallyport --as cara query')
  expect(shell(unmasked).stdout).toContain('alma.almeida@example.test')
  if (hasCurl) expect(shell(line('HTTP API')).stdout).toContain('"name":"Alma Almeida","email":"[redacted]"')
  expect(shell(line('MCP server')).stdout).toMatch(/https:\/\/localhost:\d+\/shop-tools$/m)
  expect(shell(line('what happened')).stdout).toContain('Ann Abel')
  if (hasPsql)
    expect(
      shell(`echo 'SELECT email FROM customers LIMIT 1' | ${line('psql').replace(' psql ', ' psql -At ')}`).stdout,
    ).toBe('***@example.test\n')
  demo.child.kill('SIGINT')
  expect(await demo.ended, demo.stderr()).toBe(0)
  expect(demo.stderr()).toBe('')
  await expectNothingLeft()
  expect(shell('./e2e/demo/sallyport whoami')).toMatchObject({
    status: 7,
    stderr: expect.stringContaining('npm run demo'),
  })
})

const hasCurl = spawnSync('curl', ['--version']).status === 0
const shellEnv = () => ({ PATH: process.env.PATH ?? '', HOME: temporary })

test('kill -9 of the demo takes everything with it', async () => {
  const demo = startDemo('--port-base', String(await portBase()))
  await until(
    'the demo is ready',
    () => demo.stdout().includes('sessions list') || demo.child.exitCode !== null,
    90_000,
  )
  expect(leftProcesses().length).toBeGreaterThan(4)
  demo.child.kill('SIGKILL')
  await demo.ended
  await expectNothingLeft()
})

test('a signal while it starts leaves nothing behind', async () => {
  const demo = startDemo('--script')
  await until('it has begun', () => readdirSync(temporary).length > 0 || demo.child.exitCode !== null)
  demo.child.kill('SIGTERM')
  expect(await demo.ended).not.toBe(null)
  expect(demo.stdout()).not.toContain('the story is true')
  await expectNothingLeft()
})

test('a port that is taken is named, with the way out', async () => {
  const base = await portBase()
  const server = createServer().listen(base + 3, '127.0.0.1')
  await once(server, 'listening')
  const demo = startDemo('--port-base', String(base))
  expect(await demo.ended).toBe(7)
  server.close()
  expect(demo.stdout()).toBe('')
  expect(demo.stderr()).toBe(
    `error: port ${base + 3} is taken by another process\n  fix: stop what uses it, or choose other ports: npm run demo -- --port-base ${base + 100}\n  (PORT_TAKEN)\n`,
  )
  await expectNothingLeft()
})

test.each([
  ['--port-base', 'eighty'],
  ['--port-base', '80'],
  ['--fast', ''],
])('%s %s is refused with how to call it', async (...parameters) => {
  const demo = startDemo(...parameters.filter((word) => word !== ''))
  expect(await demo.ended).toBe(2)
  expect(demo.stderr()).toContain('npm run demo -- [--script] [--port-base N] [--verbose]')
})

test('a place where nothing can be written is named', async () => {
  rmSync(temporary, { recursive: true })
  const demo = startDemo('--script')
  expect(await demo.ended).toBe(7)
  expect(demo.stderr()).toMatch(/NO_PERMISSION|NO_SPACE/)
  expect(demo.stderr()).toContain(temporary)
})

/** Where everything that the demo writes is on a disk of this size, of which nobody else knows. */
const onDisk = (size: string, command: string) =>
  spawnSync('unshare', ['-m', 'sh', '-c', `mount -t tmpfs -o size=${size},mode=711 none "$TMPDIR" && ${command}`], {
    cwd: root,
    encoding: 'utf8',
    timeout: 90_000,
    env: { ...process.env, TMPDIR: temporary },
  })
const mayMount = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/tmp']).status === 0

// Too small for the first folder, for a cluster, for the second one, and for what a cluster grows to: 85 MB in all,
// and 60 more for a copy of PostgreSQL where the demo runs as root in a checkout that its own user may not read.
test.skipIf(!mayMount).each(['8k', '1m', '30m', '60m', '70m', '76m'])('a disk of %s is named as full', (size) => {
  const demo = `"${process.execPath}" e2e/dist/demo.js --script`
  const ran = onDisk(size, `{ ${demo}; code=$?; ls -A "$TMPDIR"; exit $code; }`)
  expect(ran.stderr.trimEnd().split('\n').slice(-3).join('\n')).toMatch(
    /^error: .*\n {2}fix: .*\b500 MB\b.*\n {2}\(NO_SPACE\)$/,
  )
  expect(ran).toMatchObject({ status: 7, stdout: '' })
})

/** A checkout that was never set up, on a disk of its own; `prepare` runs in it before `npm run demo` does. */
function freshCheckout(size: string, prepare: string): ReturnType<typeof onDisk> {
  const copy = `cd "${root}" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$TMPDIR"`
  // The packages are those that this checkout was made of, so that nothing is fetched.
  const store = /"?storeDir"?: "?([^",\n]+)/.exec(
    readFileSync(join(root, 'node_modules', '.modules.yaml'), 'utf8'),
  )?.[1]
  const demo = `npm_config_fetch_retries=0 npm_config_store_dir="${store}" npm run --silent demo`
  return onDisk(size, `{ ${copy} && cd "$TMPDIR" && ${prepare} && ${demo}; }`)
}

test.skipIf(!mayMount).each([
  ['has no room for the packages', '40m', 'true', 'installing packages: no space left on the disk', 'free 3 GiB'],
  ['may not be written', '100m', 'mount -o remount,ro "$TMPDIR"', 'no permission to write', 'writable for this user'],
])('a checkout that %s is named as such', (_, size, prepare, error, fix) => {
  const ran = freshCheckout(size, prepare)
  expect(ran.status, ran.stderr).toBe(1)
  const lines = ran.stderr.split('\n')
  const said = lines.findIndex((line) => line.startsWith('error: '))
  expect(lines[said], ran.stderr).toContain(error)
  expect(lines[said + 1]).toMatch(/^ {2}fix: /)
  expect(lines[said + 1]).toContain(fix)
})
