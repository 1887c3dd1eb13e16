// The bench itself: it believes no half run, its ratios are those of medians, the same seed gives the same order, and one
// small real run measures all of its peers and leaves nothing behind.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from '../stack/root.ts'
import { casesOf } from './cases.ts'
import { ratiosOf, readBaseline, worseThan } from './check.ts'
import { groupNames, readOptions } from './options.ts'
import { parsePgbench, quantile, readLatencies } from './pgbench.ts'
import { randomFrom, shuffled } from './random.ts'
import { median, summarise, table } from './report.ts'
import { findTools } from './tools.ts'

// As pgbench 15 prints it.
const finished = `number of transactions actually processed: 1200
number of failed transactions: 0 (0.000%)
latency average = 0.812 ms
initial connection time = 12.5 ms
tps = 1228.411 (without initial connection time)
`

test('a finished run of pgbench is read as it stands', () => {
  expect(parsePgbench(finished)).toEqual({ transactions: 1200, latencyMs: 0.812, tps: 1228.411 })
})

test.each([
  ['was aborted', `${finished}Run was aborted; the above results are incomplete.`],
  ['had a failed transaction', finished.replace('failed transactions: 0', 'failed transactions: 3')],
  ['finished nothing', finished.replace('processed: 1200', 'processed: 0')],
  ['says no rate', finished.replace(/^tps.*$/m, '')],
])('a run that %s gives no figure', (_, stdout) => {
  expect(() => parsePgbench(stdout)).toThrow()
})

test('latencies are the third column of the log, and a quantile is one of them', () => {
  const list = readLatencies('0 1 120 0 1700000000 1\n0 2 80 0 1700000000 2\n0 3 1000 0 1700000000 3\n')
  expect(list).toEqual([120, 80, 1000])
  expect([quantile(list, 0.5), quantile(list, 0.99), quantile(list, 0)]).toEqual([120, 1000, 80])
})

test('CPU time that grew by more than 15 % against pgbouncer in the same run is said, and no other', () => {
  const line = (name: string, peer: string, median: number) => ({
    ...{ case: name, peer, median, metric: 'proxy CPU', unit: 'µs/statement' },
    ...{ min: median, max: median },
  })
  const lines = (agent: number) => [line('a', 'agent', agent), line('a', 'pgbouncer', 100)]
  expect(worseThan({ a: 2 }, lines(230))).toEqual([])
  expect(worseThan({ a: 2 }, lines(231))).toEqual([expect.stringContaining('a: 2.31')])
  // What this run left out says nothing; what it measured in part cannot pass.
  expect(worseThan({ a: 2, b: 1 }, lines(100))).toEqual([])
  expect(worseThan({ a: 2 }, [line('a', 'agent', 100)])).toEqual([expect.stringContaining('no CPU time')])
  const names = casesOf({ ...readOptions([], 1)!, groups: groupNames }).map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(Object.keys(readBaseline().cases)))
  expect(ratiosOf([...lines(231), line('b', 'agent', 1)])).toEqual({ a: 2.31 })
  expect(worseThan(ratiosOf(lines(231)), lines(231))).toEqual([])
})

test('medians have their range, and failed peers neither a figure nor a ratio', () => {
  const one = { case: 'a', metric: 'throughput', unit: 'x/s' }
  const lines = summarise([
    ...[3, 1, 2].map((value) => ({ ...one, peer: 'agent', value })),
    ...[4, 8].map((value) => ({ ...one, peer: 'direct', value })),
  ])
  expect(lines).toEqual([
    { ...one, peer: 'agent', median: 2, min: 1, max: 3 },
    { ...one, peer: 'direct', median: 6, min: 4, max: 8 },
  ])
  expect(median([5])).toBe(5)
  const text = table(lines, [{ case: 'a', peer: 'pgbouncer', why: 'refused' }], ['a'], ['direct', 'pgbouncer', 'agent'])
  expect(text.split('\n').at(-1)).toBe(
    '| a: throughput, x/s | 6.00 (4.00–8.00) | FAILED | 2.00 (1.00–3.00) | 0.33 | – |',
  )
})

test('the same seed gives the same order, and every order has everything', () => {
  const list = Array.from({ length: 40 }, (_, index) => index)
  const order = shuffled(list, randomFrom(7))
  expect(shuffled(list, randomFrom(7))).toEqual(order)
  expect(shuffled(list, randomFrom(8))).not.toEqual(order)
  expect([...order].sort((a, b) => a - b)).toEqual(list)
})

test('every group has its cases, quick or not, and what is not known is refused with the way to the help', () => {
  for (const parameters of [[], ['--quick']]) {
    const options = readOptions(parameters, 1)
    expect(new Set(casesOf(options!).map(({ group }) => group))).toEqual(new Set(groupNames))
  }
  expect(readOptions(['--help'], 1)).toBeNull()
  for (const wrong of [['--cases', 'nothing'], ['--rounds', '0'], ['--fast'], ['--seed', '1.5']])
    expect(() => readOptions(wrong, 1), wrong.join(' ')).toThrow()
})

const hasTools = (() => {
  try {
    findTools()
    return true
  } catch {
    return false
  }
})()
const tsx = ['--import', join(root, 'node_modules', 'tsx', 'dist', 'loader.mjs')]
const script = join(root, 'e2e', 'bench', 'bench.ts')

/** In a temporary folder of its own, so that whatever it leaves is seen. */
async function bench(parameters: readonly string[], stopAt?: RegExp) {
  const scratch = mkdtempSync(join(tmpdir(), 'sallyport-bench-test-'))
  // PostgreSQL's user must get through.
  chmodSync(scratch, 0o755)
  const child = spawn(process.execPath, [...tsx, script, ...parameters], {
    cwd: root,
    env: { ...process.env, TMPDIR: scratch, TSX_DISABLE_CACHE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    if (stopAt?.test(stderr) === true) child.kill('SIGINT')
  })
  const [status] = await once(child, 'close')
  // The binaries of PostgreSQL are copied once a machine where they cannot be used in place, and stay.
  const left = readdirSync(scratch).filter((name) => !name.startsWith('sallyport-postgres-'))
  rmSync(scratch, { recursive: true, force: true })
  return { status, stdout, stderr, left }
}

test.skipIf(!hasTools || process.env.SALLYPORT_TEST !== 'full')(
  'a small run measures every peer and leaves nothing behind',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-figures-'))
    const json = join(folder, 'figures.json')
    const ran = await bench(['--quick', '--cases', 'select-prepared', '--json', json])
    const lines: { peer: string; metric: string; median: number }[] = JSON.parse(readFileSync(json, 'utf8'))
    rmSync(folder, { recursive: true, force: true })
    expect(ran.stderr).not.toContain('FAILED')
    expect(ran.status).toBe(0)
    const rates = lines.filter(({ metric }) => metric === 'throughput')
    expect(new Set(rates.map(({ peer }) => peer))).toEqual(new Set(['direct', 'pgbouncer', 'agent', 'agent, masks on']))
    for (const { peer, median: rate } of rates) expect(rate, peer).toBeGreaterThan(0)
    expect(ran.stdout).toContain('| select-prepared-8: throughput, statements/s |')
    expect(ran.left).toEqual([])
  },
  300_000,
)

test.skipIf(!hasTools)(
  'Ctrl-C in the middle ends it with status 130 and leaves nothing behind',
  async () => {
    const ran = await bench(['--quick', '--cases', 'select-prepared'], /filling the target/)
    expect(ran.status).toBe(130)
    expect(ran.left).toEqual([])
  },
  300_000,
)
