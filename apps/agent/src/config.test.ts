// The agent's configuration: what a variable beats, what is filled in, what is refused and how it is named.
import { readFileSync } from 'node:fs'
import { SallyportError } from '@sallyport/base/errors'
import { expect, test } from 'vitest'
import { loadConfig, variables } from './config.ts'
import { version } from './version.ts'

const files: Record<string, string> = {
  '/agent.yaml': 'dataDirectory: /from-file\nlisten: { port: 7000 }\nserverNames: [a.example]\n',
  '/list.yaml': '- a\n',
  '/broken.yaml': '{ a: [',
  '/unknown.yaml': 'dataDirectory: /d\nlisten: { prot: 7000 }\n',
  '/token': 'spj1.abc\n',
}
const load = (env: Record<string, string>, path?: string) =>
  loadConfig(
    {
      env,
      hostname: 'box',
      cores: 4,
      readFile: (name) => {
        const text = files[name]
        if (text === undefined) throw new Error('ENOENT')
        return text
      },
    },
    path,
  )

test('with a data directory alone the agent listens on loopback, under loopback names', () => {
  expect(load({ SALLYPORT_DATA_DIR: '/d' })).toMatchObject({
    dataDirectory: '/d',
    listen: { host: '127.0.0.1', port: 6432 },
    advertise: 'localhost:6432',
    serverNames: ['localhost', '127.0.0.1'],
    floor: undefined,
    joinToken: undefined,
    metrics: { host: '127.0.0.1', port: 9465 },
    memoryBytesMax: null,
    drainMs: 10_000,
  })
})

test('workers are counted, and serve HTTP as well', () => {
  const of = (workers: string, more: Record<string, string> = {}) =>
    load({ SALLYPORT_DATA_DIR: '/d', SALLYPORT_WORKERS: workers, ...more })
  expect(load({ SALLYPORT_DATA_DIR: '/d' }).workers).toBe(1)
  expect(of('3').workers).toBe(3)
  expect(of('auto').workers).toBe(4)
  for (const wrong of ['0', '65', 'many', '1.5']) expect(() => of(wrong)).toThrow(/workers \(SALLYPORT_WORKERS\)/)
  expect(of('2', { SALLYPORT_HTTP_PORT: '8080' })).toMatchObject({ workers: 2, http: { port: 8080 } })
})

test('on every address the agent goes by the name of its machine, and by no loopback name', () => {
  const config = load({ SALLYPORT_DATA_DIR: '/d', SALLYPORT_LISTEN_HOST: '0.0.0.0' })
  expect(config).toMatchObject({ advertise: 'box:6432', serverNames: ['box'] })
})

test('an IPv6 address is advertised in brackets and certified without', () => {
  expect(
    load({ SALLYPORT_DATA_DIR: '/d', SALLYPORT_LISTEN_HOST: '::', SALLYPORT_ADVERTISE: '[2001:db8::1]:6432' }),
  ).toMatchObject({
    serverNames: ['2001:db8::1'],
  })
})

test('a variable beats the file', () => {
  const env = {
    SALLYPORT_AGENT_CONFIG: '/agent.yaml',
    SALLYPORT_LISTEN_PORT: '7001',
    SALLYPORT_SERVER_NAMES: 'b.example, c.example',
  }
  expect(load(env)).toMatchObject({
    dataDirectory: '/from-file',
    listen: { port: 7001 },
    advertise: 'localhost:7001',
    serverNames: ['b.example', 'c.example'],
  })
})

test('the join token comes from a variable or a file, and does not print', () => {
  const config = load({ SALLYPORT_DATA_DIR: '/d', SALLYPORT_JOIN_TOKEN_FILE: '/token' })
  expect(config.joinToken?.reveal()).toBe('spj1.abc')
  expect(JSON.stringify(config)).not.toContain('spj1')
})

test.each<[string, Record<string, string>, string | undefined, string]>([
  ['no data directory', {}, undefined, 'dataDirectory (SALLYPORT_DATA_DIR)'],
  [
    'a port out of range',
    { SALLYPORT_DATA_DIR: '/d', SALLYPORT_LISTEN_PORT: '65536' },
    undefined,
    'listen.port (SALLYPORT_LISTEN_PORT)',
  ],
  [
    'an address without a port',
    { SALLYPORT_DATA_DIR: '/d', SALLYPORT_ADVERTISE: 'box' },
    undefined,
    'advertise (SALLYPORT_ADVERTISE)',
  ],
  [
    'a name with capitals',
    { SALLYPORT_DATA_DIR: '/d', SALLYPORT_AGENT_NAME: 'EU' },
    undefined,
    'name (SALLYPORT_AGENT_NAME)',
  ],
  ['an unknown key in the file', {}, '/unknown.yaml', 'listen'],
  ['a file that is no mapping', {}, '/list.yaml', 'must be a YAML mapping'],
  ['a file that is no YAML', {}, '/broken.yaml', 'is not YAML'],
  ['a file that is not there', {}, '/none.yaml', 'cannot read "/none.yaml"'],
  [
    'a token file that is not there',
    { SALLYPORT_DATA_DIR: '/d', SALLYPORT_JOIN_TOKEN_FILE: '/none' },
    undefined,
    'cannot read "/none"',
  ],
])('%s is refused and named', (_, env, path, part) => {
  expect(() => load(env, path)).toThrow(SallyportError)
  expect(() => load(env, path)).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(part) }),
  )
})

test('every variable stands in the operations page', () => {
  const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8')
  for (const name of Object.keys(variables)) expect(page).toContain(`\`${name}\``)
})

test('the version is that of the package', () => {
  expect(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version).toBe(version)
})
