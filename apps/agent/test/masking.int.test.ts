// Masks beyond whole columns, through the whole data path to a real PostgreSQL: detectors over rows, COPY, errors, notices and
// notifications, parts of JSON, the relaxed mode, and look-ups that run out.
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../e2e/stack/postgres.ts'
import { type DataPath, startDataPath } from './data-path.ts'
import { rawClient } from './raw-client.ts'

let server: PostgresServer
let path: DataPath

const targetOf = (name: string): string => `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: ${name} }
spec: { protocol: postgres, agents: [test], host: 127.0.0.1, port: ${server.port}, database: shop, tls: { mode: disable }, roles: [{ name: app, password: { env: APP_PASSWORD } }] }
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: ${name} }
spec:
  targets: { names: [${name}] }
  rules: [{ name: all, effect: allow, callers: { any: true } }]
`

beforeAll(async () => {
  server = await startPostgres({ settings: { fsync: 'off' } })
  const first = new pg.Client(server.url('postgres'))
  await first.connect()
  await first.query('create database shop')
  await first.end()
  const admin = new pg.Client(server.url('shop'))
  await admin.connect()
  await admin.query(`
    create role app login password 'app-secret-1';
    create table notes (id int primary key, body text, tags text[], doc jsonb, raw json, short varchar(8), size int);
    insert into notes values
      (1, 'write to ann@example.com', '{x,ann@example.com}', '{"a": "ann@example.com", "n": 4111111111111111}', '{"b":"bob@example.com"}', 'a@b.de', 5),
      (2, 'nothing', null, '{"a": 1}', null, 'ok', 6),
      (3, repeat('words and ', 20000) || 'ann@example.com' || repeat(' more', 20000), '{}', '[]', '{}', null, 7);
    create table customers (id int primary key, email text unique, profile jsonb);
    insert into customers values
      (1, 'ann@example.com', '{"plan": "pro", "contact": {"email": "ann@example.com", "city": "Oslo"}}'),
      (2, 'bob@example.com', '{"plan": "free", "contact": [{"email": "bob@example.com"}]}');
    alter table customers add plan text default 'gold-4711';
    alter table customers alter plan drop default;
    create table referring (mail text references customers (email));
    create table late (id int primary key, mail text unique deferrable initially deferred);
    insert into late values (1, 'ann@example.com');
    create table jobs (who text);
    create function complain() returns trigger language plpgsql as $$ begin raise notice 'about %', new.who; raise exception 'refused %', new.who; end $$;
    create trigger complain before insert on jobs for each row execute function complain();
    grant all on all tables in schema public to app`)
  await admin.end()
  const yaml = [
    `${targetOf('detecting')}  masks: [{ name: found, detect: [email, card], method: redact, unless: { groups: [dba] } }]`,
    `${targetOf('parts')}  masks: [{ name: mail, columns: [public.customers.profile], path: $.contact.email, method: email }]`,
    `${targetOf('relaxed')}  masking: relaxed\n  masks: [{ name: mail, columns: [public.customers.email], method: redact }]`,
    `${targetOf('lookups')}  masks: [{ name: mail, columns: [public.customers.email], method: redact, predicates: equality, lookups: { requests: 3, every: 1h } }]`,
    `${targetOf('guesses')}  masks: [{ name: mail, columns: [public.customers.email, public.late.mail], method: redact, lookups: { requests: 2, every: 1h } }]`,
  ].join('\n---')
  path = await startDataPath({ yaml, environment: { APP_PASSWORD: 'app-secret-1' } })
}, 120_000)
afterAll(async () => {
  await path?.stop()
  await server?.stop()
})

async function on<T>(target: string, run: (client: pg.Client) => Promise<T>, more: object = {}): Promise<T> {
  const client = await path.connect({ target, ...more })
  try {
    return await run(client)
  } finally {
    await client.end().catch(() => {})
  }
}
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: pg.DatabaseError) => `${error.code} ${error.message}`,
  )

describe('detectors', () => {
  it('look through every column of text, in text and in binary format', async () => {
    await on('detecting', async (client) => {
      for (const query of [
        { text: 'select * from notes where id < 3 order by id' },
        { text: 'select * from notes where id < $1 order by id', values: [3] },
      ]) {
        const { rows } = await client.query(query)
        expect(rows[0]).toEqual({
          id: 1,
          body: 'write to [redacted]',
          tags: ['x', '[redacted]'],
          doc: { a: '[redacted]', n: '[redacted]' },
          raw: { b: '[redacted]' },
          short: null,
          size: 5,
        })
        expect(rows[1]).toMatchObject({ body: 'nothing', doc: { a: 1 }, short: 'ok' })
      }
    })
    const binary = await rawClient(path, { target: 'detecting' })
    binary.send(
      { type: 'parse', name: '', text: 'select tags, doc, body from notes where id = 1', parameterTypes: [] },
      { type: 'bind', portal: '', statement: '', parameterFormats: [], parameters: [], resultFormats: [1] },
      { type: 'execute', portal: '', rowsMax: 0 },
      { type: 'sync' },
    )
    const { values } = await binary.next('dataRow')
    expect(values.map((value) => Buffer.from(value ?? []).includes('@'))).toEqual([false, false, false])
    expect(Buffer.from(values[1] ?? [])[0]).toBe(1)
    binary.destroy()
  })

  it('read a long value whole', async () => {
    await on('detecting', async (client) => {
      const [row] = (await client.query('select body from notes where id = 3')).rows
      expect(row.body).toBe(`${'words and '.repeat(20_000)}[redacted]${' more'.repeat(20_000)}`)
    })
  })

  it('pass what holds no text, and say in the record what was hidden', async () => {
    await on('detecting', async (client) => {
      await client.query('select id, size from notes')
      await client.query('select body from notes')
    })
    const bodies = path.recorder.entries.map(({ body }) => body)
    const at = bodies.findIndex((body) => body.kind === 'intent' && body.text === 'select body from notes')
    expect(bodies[at]).toMatchObject({ masks: ['detecting/found'], maskedColumns: 0 })
    expect(bodies[at + 1]).toMatchObject({ kind: 'outcome', rows: 3, maskedValues: 2 })
  })

  it('look through COPY in text and CSV format, and refuse it in others', async () => {
    const raw = await rawClient(path, { target: 'detecting' })
    for (const text of [
      'copy (select body from notes where id = 1) to stdout',
      'copy (select body, short from notes where id = 1) to stdout csv',
    ]) {
      raw.send({ type: 'query', text })
      const { bytes } = await raw.next('copyData')
      expect(Buffer.from(bytes).toString()).toMatch(/^write to \[redacted\](,\[redacted\])?\n$/)
      await raw.next('readyForQuery')
    }
    raw.send({ type: 'query', text: 'copy notes to stdout (format binary)' })
    expect((await raw.next('errorResponse')).fields.find(([name]) => name === 'M')?.[1]).toMatch(
      /detectors cannot look/,
    )
    raw.destroy()
  })

  it('look through COPY behind its escapes, which are no letters', async () => {
    const raw = await rawClient(path, { target: 'detecting' })
    for (const [text, expected] of [
      [`copy (select E'Card:\n4111111111111111') to stdout`, 'Card:\\n[redacted]\n'],
      [`copy (select E'Card:\t4111111111111111\tx') to stdout`, 'Card:\\t[redacted]\\tx\n'],
      [`copy (select E'C:\\\\new, ann@example.com') to stdout`, 'C:\\\\new, [redacted]\n'],
      [`copy (select 'C:\\new') to stdout`, 'C:\\\\new\n'],
    ] as const) {
      raw.send({ type: 'query', text })
      const { bytes } = await raw.next('copyData')
      expect(Buffer.from(bytes).toString(), text).toBe(expected)
      await raw.next('readyForQuery')
    }
    raw.destroy()
  })

  it('look through errors, notices and payloads of NOTIFY', async () => {
    await on('detecting', async (client) => {
      const seen: string[] = []
      client.on('notice', ({ message }) => seen.push(message ?? ''))
      expect(await codeOf(client.query("insert into jobs values ('ann@example.com')"))).toBe('P0001 refused [redacted]')
      expect(seen).toEqual(['about [redacted]'])
      expect(await codeOf(client.query("insert into customers values (9, 'ann@example.com', null)"))).toMatch(/^23505/)
      const told = new Promise<pg.Notification>((settle) => client.on('notification', settle))
      await client.query('listen jobs')
      await client.query("notify jobs, 'for ann@example.com'")
      expect((await told).payload).toBe('for [redacted]')
    })
  })

  it('are lifted by unless', async () => {
    const groups = { groups: ['engineering', 'dba'] }
    await on(
      'detecting',
      async (client) => {
        expect((await client.query('select body from notes where id = 1')).rows[0].body).toBe(
          'write to ann@example.com',
        )
      },
      groups,
    )
  })
})

describe('parts of JSON', () => {
  it('are hidden inside, and everything else is readable', async () => {
    await on('parts', async (client) => {
      const { rows } = await client.query('select profile from customers order by id')
      expect(rows.map(({ profile }) => profile)).toEqual([
        { plan: 'pro', contact: { city: 'Oslo', email: '***@example.com' } },
        { plan: 'free', contact: [{ email: '***@example.com' }] },
      ])
      const one = await client.query({
        text: "select profile ->> 'plan' as plan, profile #>> '{contact,email}' as mail, profile -> 'contact' as contact, profile ->> $2 as any from customers where profile ->> 'plan' = $1",
        values: ['pro', 'contact'],
      })
      expect(one.rows).toEqual([
        { plan: 'pro', mail: '***@example.com', contact: { city: 'Oslo', email: '***@example.com' }, any: null },
      ])
      expect(await codeOf(client.query("select id from customers where profile #>> '{contact,email}' = 'x'"))).toMatch(
        /^42501 denied by mask: "\$\.contact\.email" of column/,
      )
    })
  })
})

describe('a relaxed policy', () => {
  it('lets through what cannot be proven, hides what is computed, and says so in the record', async () => {
    await on('relaxed', async (client) => {
      const { rows } = await client.query(
        "select id, upper(email) as up, email, 'see ' || 'ann@example.com' as seen from customers where email like 'ann%'",
      )
      expect(rows).toEqual([{ id: 1, up: null, email: '[redacted]', seen: 'see [redacted]' }])
      await client.query('select email from customers')
    })
    const intents = path.recorder.of('intent').filter(({ masks }) => masks.includes('relaxed/mail'))
    expect(intents.map(({ relaxed }) => relaxed)).toEqual([true, undefined])
  })
})

describe('look-ups by a masked column', () => {
  it('run out for each principal', async () => {
    const look = (client: pg.Client) =>
      codeOf(client.query('select id from customers where email = $1', ['ann@example.com']))
    const asked = await on('lookups', async (client) => [
      await look(client),
      await look(client),
      await look(client),
      await look(client),
    ])
    expect(asked.slice(0, 3)).toEqual(['done', 'done', 'done'])
    expect(asked[3]).toMatch(/^53400 limit "lookups\/mail" is used up: 3 look-ups/)
    await on('lookups', async (client) => {
      expect(await look(client)).toMatch(/^53400/)
      expect(await codeOf(client.query('select email from customers'))).toBe('done')
    })
    await on('lookups', async (client) => expect(await look(client)).toBe('done'), { subject: 'bob' })
  })
})

//
describe('answers of constraints about a masked column', () => {
  const all = async (client: pg.Client, texts: readonly string[]): Promise<readonly string[]> => {
    const answers: string[] = []
    for (const text of texts) answers.push((await codeOf(client.query(text))).slice(0, 5))
    return answers
  }
  const known = "insert into customers (id, email) values (70, 'ann@example.com')"
  const unknown = "insert into referring values ('eve@example.com')"
  it('run out for each principal, and not by other constraints', async () => {
    await on('guesses', async (client) => {
      const other = "insert into customers (id, email) values (1, 'new@example.com')"
      expect(await all(client, [other, other, other, known, known])).toEqual(Array(5).fill('23505'))
      expect(await codeOf(client.query(known))).toMatch(/^53400 limit "guesses\/mail" is used up: 2 collisions with/)
      expect(await all(client, [other, "update customers set plan = 'x' where id = 1"])).toEqual(['53400', 'done'])
      expect(await all(client, ['prepare p as insert into customers (id, email) values (71, $1)'])).toEqual(['done'])
      expect(await all(client, ["execute p('bob@example.com')"])).toEqual(['53400'])
    })
    await on('guesses', async (client) => expect(await all(client, [known])).toEqual(['23505']), { subject: 'bob' })
  })
  it('run out for keys that refer to it', async () => {
    const texts = [unknown, unknown, unknown, known]
    await on(
      'guesses',
      async (client) => expect(await all(client, texts)).toEqual(['23503', '23503', '53400', '53400']),
      {
        subject: 'carol',
      },
    )
  })
  it('run out where they come with the end of the transaction', async () => {
    const late = "insert into late values (2, 'ann@example.com')"
    const texts = ['begin', late, 'commit', 'begin', late, 'set constraints all immediate', 'rollback', late]
    await on(
      'guesses',
      async (client) => {
        expect(await all(client, texts)).toEqual(['done', 'done', '23505', 'done', 'done', '23505', 'done', '53400'])
      },
      { subject: 'dave' },
    )
    await on(
      'guesses',
      async (client) => expect(await all(client, [late, late, late])).toEqual(['23505', '23505', '53400']),
      {
        subject: 'frank',
      },
    )
  })
})

//
describe('what older rows have of a column that was added later', () => {
  const text = `select a.attname, a.* from pg_catalog.pg_attribute a where attrelid = 'customers'::regclass and attname = 'plan'`

  it.each(['detecting', 'relaxed', 'lookups'])('is NULL in the system catalog: %s', async (target) => {
    const admin = new pg.Client(server.url('shop'))
    await admin.connect()
    const [direct] = (await admin.query(text)).rows
    await admin.end()
    expect(JSON.stringify(direct)).toContain('gold-4711')
    await on(target, async (client) => {
      const { rows } = await client.query(text)
      expect(rows).toEqual([{ ...direct, attmissingval: null }])
      await expect(client.query(text.replace('a.*', 'to_json(a)'))).rejects.toMatchObject({ code: '42501' })
    })
  })
})
