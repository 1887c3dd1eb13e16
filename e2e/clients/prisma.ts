// Prisma over its adapter for node-postgres: its client is generated into e2e/build, its migrations run by the schema engine
// of prisma/, which needs no download.
import assert from 'node:assert'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PrismaPg } from '@prisma/adapter-pg'
import type { Place } from '../differential/driver.ts'
import { root } from '../stack/root.ts'
import { type Client, cannot, reportOf } from './report.ts'

const folder = join(root, 'e2e', 'clients', 'prisma')

export interface Ran {
  readonly status: number | null
  readonly words: string
}

/** One of Prisma's own commands, at a place. */
export async function runPrisma(parameters: readonly string[], place?: Place): Promise<Ran> {
  const url = place === undefined ? {} : { DATABASE_URL: urlOf(place), NODE_EXTRA_CA_CERTS: place.caFile }
  const script = join(root, 'prisma', 'node_modules', 'prisma', 'build', 'index.js')
  const child = spawn(process.execPath, [script, ...parameters], {
    cwd: folder,
    env: {
      ...process.env,
      CHECKPOINT_DISABLE: '1',
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      PRISMA_SCHEMA_ENGINE_BINARY: join(root, 'prisma', 'schema-engine.mjs'),
      ...url,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let words = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      words += text
    })
  const [status] = await once(child, 'close')
  return { status, words }
}

const urlOf = ({ host, port, database, user, password }: Place): string =>
  `postgresql://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}?sslmode=verify-full`

export async function generate(): Promise<void> {
  const { status, words } = await runPrisma(['generate'])
  if (status !== 0) throw new Error(words)
}

export const prisma: Client = async (place) => {
  const { PrismaClient } = await import(pathToFileURL(join(root, 'e2e', 'build', 'prisma-client', 'client.ts')).href)
  const { host, port, database, user, password, ca } = place
  const client = new PrismaClient({
    adapter: new PrismaPg({ host, port, database, user, password, ssl: { ca } }),
    transactionOptions: { timeout: 60_000, maxWait: 60_000 },
  })
  try {
    return await reportOf({
      'types in text': () => typed(client),
      'types in binary': cannot('it reads results as text only'),
      transactions: () => transactions(client),
      errors: () => errors(client),
      COPY: cannot('it has no COPY'),
      cursors: cannot('it has no cursors; it pages by key'),
      cancel: cannot('it has no cancel; a transaction has a time-out'),
      notifications: cannot('it has no notifications'),
      'large results': () => large(client),
      '1,000 pipelined statements': () => many(client),
      masks: () => masks(client),
      'the deny rule': () => denied(client),
    })
  } finally {
    await client.$disconnect()
  }
}

async function typed(client: any): Promise<void> {
  const { n, b, tz, ...row } = await client.typed.findUnique({ where: { id: 1 } })
  assert.deepEqual(row, {
    id: 1,
    i4: 2,
    i8: 3n,
    f8: 2.5,
    t: 'text',
    bo: true,
    u: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    jb: { b: [1, 2] },
    m: 'happy',
  })
  assert.equal(n.toString(), '123.45')
  assert.deepEqual([...b], [0, 255, 16])
  assert.equal(tz.toISOString(), '2024-02-29T10:34:56.789Z')
  const made = await client.note.create({
    data: { id: 680, person: 1, body: 'made', tags: ['a', 'b c'], meta: { k: [1] } },
  })
  assert.deepEqual(made, { id: 680, person: 1, body: 'made', tags: ['a', 'b c'], meta: { k: [1] } })
}

async function transactions(client: any): Promise<void> {
  await assert.rejects(
    client.$transaction(async (tx: any) => {
      await tx.note.create({ data: { id: 681, person: 1, body: 'undone' } })
      throw new Error('given up')
    }),
    /given up/,
  )
  await client.$transaction([
    client.note.create({ data: { id: 682, person: 1, body: 'kept' } }),
    client.note.update({ where: { id: 682 }, data: { body: 'changed' } }),
  ])
  await client.$transaction(async (tx: any) => tx.note.create({ data: { id: 683, person: 2, body: 'kept' } }), {
    isolationLevel: 'Serializable',
  })
  const found = await client.note.findMany({ where: { id: { in: [681, 682, 683] } }, orderBy: { id: 'asc' } })
  assert.deepEqual(
    found.map(({ id, body }: { id: number; body: string }) => [id, body]),
    [
      [682, 'changed'],
      [683, 'kept'],
    ],
  )
}

async function rejection(work: Promise<unknown>): Promise<any> {
  return await work.then(
    () => assert.fail('nothing was refused'),
    (error: unknown) => error,
  )
}

async function errors(client: any): Promise<void> {
  const twice = await rejection(client.item.create({ data: { name: 'pen', price: 1, stock: 1 } }))
  assert.equal(twice.code, 'P2002', twice.message)
  const raw = await rejection(client.$queryRaw`SELECT 1/0`)
  assert.match(raw.message, /22012/)
}

async function large(client: any): Promise<void> {
  const rows = await client.big.findMany({ orderBy: { id: 'asc' } })
  assert.equal(rows.length, 3_000)
  assert(rows.every(({ pad }: { pad: string }) => pad.length === 256))
}

async function many(client: any): Promise<void> {
  for (let first = 0; first < 1_000; first += 100) {
    const numbers = Array.from({ length: 100 }, (_, index) => first + index)
    const results = await client.$transaction(numbers.map((number) => client.$queryRaw`SELECT ${number}::int4 AS v`))
    assert.deepEqual(
      results.map(([row]: { v: number }[]) => row?.v),
      numbers,
    )
  }
  await cannot('it has no pipelines; batches of 100 statements in one transaction pass')()
}

async function masks(client: any): Promise<void> {
  const found = await client.person.findMany({
    where: { id: { lt: 4 } },
    orderBy: { id: 'asc' },
    include: { notes: true },
  })
  assert.deepEqual(
    found.map(({ email }: { email: string }) => email),
    ['***@example.test', '***@example.test', null],
  )
  assert.equal(found[0].born.toISOString().slice(0, 10), '1980-01-01')
  await reads(client)
  await writes(client)
}

/** What applications ask all day, on a table with masked columns. */
async function reads(client: any): Promise<void> {
  const one = await client.person.findUnique({ where: { id: 2 } })
  assert.equal(one.email, '***@example.test')
  const page = await client.person.findMany({ orderBy: [{ name: 'desc' }, { id: 'asc' }], skip: 1, take: 2 })
  assert.equal(page.length, 2)
  const next = await client.person.findMany({ cursor: { id: 1 }, skip: 1, take: 1, orderBy: { id: 'asc' } })
  assert.deepEqual([next[0].id, next[0].email], [2, '***@example.test'])
  assert((await client.person.count()) >= 4)
  assert((await client.person.count({ where: { email: { not: null } } })) >= 3)
  assert.equal(await client.person.count({ where: { name: { startsWith: 'a' } } }), 1)
  const counted = await client.person.aggregate({ _count: { _all: true, email: true }, _max: { id: true } })
  assert(counted._count._all > counted._count.email)
  const groups = await client.note.groupBy({ by: ['person'], _count: true, orderBy: { person: 'asc' } })
  assert.equal(groups[0].person, 1)
  const busy = await client.person.findMany({
    where: { id: { lte: 4 }, notes: { some: { body: 'first' } } },
    include: { notes: { where: { id: { lte: 3 } }, orderBy: { id: 'asc' } }, _count: { select: { notes: true } } },
  })
  assert.deepEqual(
    busy.map(({ email, notes }: any) => [email, notes.map(({ body }: any) => body)]),
    [['***@example.test', ['first', 'second']]],
  )
  const note = await client.note.findFirst({ where: { id: 3 }, include: { owner: true } })
  assert.equal(note.owner.email, '***@example.test')
  const picked = await client.note.findMany({
    where: { owner: { name: 'bob' }, id: 3 },
    select: { body: true, owner: { select: { email: true } } },
  })
  assert.deepEqual(picked, [{ body: 'third', owner: { email: '***@example.test' } }])
  const distinct = await client.note.findMany({ distinct: ['person'], orderBy: { person: 'asc' }, take: 2 })
  assert.equal(distinct.length, 2)
}

/** The rows come back masked after they were written. */
async function writes(client: any): Promise<void> {
  const made = await client.person.create({
    data: { id: 690, name: 'eve', email: 'eve@secret.test', balance: 1, notes: { create: { id: 690, body: 'one' } } },
    include: { notes: true },
  })
  assert.deepEqual([made.email, made.notes[0].person], ['***@secret.test', 690])
  const changed = await client.person.update({
    where: { id: 690 },
    data: { name: 'eva', balance: { increment: 2 }, notes: { update: { where: { id: 690 }, data: { body: 'two' } } } },
  })
  assert.deepEqual([changed.name, changed.email, changed.balance.toString()], ['eva', '***@secret.test', '3'])
  const upserted = await client.person.upsert({
    where: { id: 690 },
    create: { id: 690, name: 'new', balance: 0 },
    update: { name: 'evi' },
  })
  assert.deepEqual([upserted.name, upserted.email], ['evi', '***@secret.test'])
  const connected = await client.note.create({
    data: { id: 691, body: 'three', owner: { connect: { id: 690 } } },
    include: { owner: true },
  })
  assert.equal(connected.owner.email, '***@secret.test')
  const gone = await client.note.delete({ where: { id: 691 } })
  assert.equal(gone.body, 'three')
  await client.person.delete({ where: { id: 690 } })
  assert.equal(await client.note.count({ where: { id: 690 } }), 0)
}

async function denied(client: any): Promise<void> {
  const refusal = await rejection(client.vault.findMany())
  assert.match(JSON.stringify(refusal, Object.getOwnPropertyNames(refusal)), /42501|vault-is-shut|denied/)
}
