// The launcher that the other tests and the demo stand on: it keeps what it should, removes the rest, names what is in
// the way, and its server does not outlive its owner.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { SallyportError } from '@sallyport/base/errors'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort, type PostgresServer, startPostgres } from '../../../e2e/stack/postgres.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'launcher-'))
  // As root the server is another user, who passes through here.
  await chmod(folder, 0o711)
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

const ask = async (server: PostgresServer, text: string): Promise<unknown[]> => {
  const client = new pg.Client({ connectionString: server.url('postgres') })
  await client.connect()
  try {
    return (await client.query({ text, rowMode: 'array' })).rows.flat()
  } finally {
    await client.end()
  }
}
const refusal = async (options: Parameters<typeof startPostgres>[0]): Promise<SallyportError> => {
  const thrown: unknown = await startPostgres(options).then(
    async (server) => await server.stop(),
    (error: unknown) => error,
  )
  expect(thrown).toBeInstanceOf(SallyportError)
  return thrown as SallyportError
}

test('a named folder is kept with its contents and password; what is in the way has a name', async () => {
  const dir = join(folder, 'kept')
  const settings = { work_mem: '5MB' }
  const first = await startPostgres({ dir, settings })
  await ask(first, 'CREATE TABLE kept (a int)')
  expect(await ask(first, 'SHOW work_mem')).toEqual(['5MB'])
  expect(await refusal({ port: first.port })).toMatchObject({ code: 'PORT_TAKEN', hint: expect.any(String) })
  expect(await refusal({ dir })).toMatchObject({ code: 'CONFLICT', hint: expect.any(String) })
  await first.stop()
  await first.stop()
  expect(await refusal({ dir, superuserPassword: 'another' })).toMatchObject({ code: 'CONFLICT' })
  const second = await startPostgres({ dir })
  expect(second.password).toBe(first.password)
  expect(await ask(second, 'SELECT count(*)::int FROM kept')).toEqual([0])
  await second.stop()
})

test('a folder of its own is removed, also when the start fails', async () => {
  const server = await startPostgres({ superuserPassword: 'p@ss/wörd' })
  expect(await ask(server, 'SELECT 1')).toEqual([1])
  expect(existsSync(server.dir)).toBe(true)
  await server.stop()
  expect(existsSync(server.dir)).toBe(false)
  const lines: string[] = []
  const error = await refusal({ settings: { no_such_setting: '1' }, log: (line) => lines.push(line) })
  expect(error).toMatchObject({ code: 'STORE_UNREACHABLE', message: expect.stringContaining('no_such_setting') })
  const made = lines.join('\n').match(/\/\S*sallyport-[a-z]+-\w+/)?.[0]
  expect(made).toBeDefined()
  expect(existsSync(made!)).toBe(false)
})

test('a folder that cannot be made is named as such', async () => {
  const file = join(folder, 'file')
  await writeFile(file, '')
  expect(await refusal({ dir: join(file, 'below') })).toMatchObject({ code: 'NO_PERMISSION' })
})

test('under a folder that its user may not enter it lives elsewhere, and says where', async () => {
  const closed = join(folder, 'private')
  await mkdir(closed, { mode: 0o700 })
  const wanted = join(closed, 'cluster')
  const server = await startPostgres({ dir: wanted })
  expect(await ask(server, 'SELECT 1')).toEqual([1])
  expect(server.dir === wanted).toBe(process.getuid?.() !== 0)
  await server.stop()
  expect(existsSync(server.dir)).toBe(true)
  await rm(server.dir, { recursive: true })
})

test('the server ends when its owner is killed, and its folder can be used again at once', async () => {
  const dir = join(folder, 'orphan')
  const launcher = new URL('../../../e2e/stack/postgres.ts', import.meta.url).href
  const script = `
    const { startPostgres } = await import(${JSON.stringify(launcher)})
    const server = await startPostgres({ dir: ${JSON.stringify(dir)} })
    console.log(JSON.stringify({ port: server.port }))
    setInterval(() => {}, 60_000)`
  const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    cwd: new URL('../../..', import.meta.url),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(createInterface({ input: owner.stdout! }), 'line')
  const { port } = JSON.parse(line) as { port: number }
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  // The socket of a connection that has said nothing yet is closed when the server goes down.
  const closed = once(socket, 'close')
  socket.on('error', () => {})
  socket.resume()
  owner.kill('SIGKILL')
  await closed
  const next = await startPostgres({ dir })
  expect(await ask(next, 'SELECT 1')).toEqual([1])
  await next.stop()
})

test('ports that are handed out are free and of this machine alone', async () => {
  const port = await freePort()
  expect(port).toBeGreaterThan(1_023)
  const server = await startPostgres({ port })
  expect(server.port).toBe(port)
  expect(await ask(server, 'SHOW listen_addresses')).toEqual(['127.0.0.1'])
  await server.stop()
})
