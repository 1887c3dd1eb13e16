// Catalogs of real servers: what is read, that every kind of DDL made elsewhere is seen once the age has passed, and that
// nothing is judged by a catalog that cannot be checked.
// THREATS.
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { manualClock } from '@sallyport/base/clock'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { Secret } from '@sallyport/base/secret'
import type { Catalog, CatalogFunction, CatalogRelation } from '@sallyport/sql/catalog'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../e2e/stack/postgres.ts'
import { type CatalogKey, CatalogReader } from '../src/postgres/catalog.ts'
import { activityQuery, catalogSettings, identityQuery, signatureQuery } from '../src/postgres/catalog-queries.ts'
import { queryRows } from '../src/postgres/catalog-read.ts'
import { Conversation } from '../src/postgres/conversation.ts'
import { connectUpstream } from '../src/postgres/upstream.ts'
import { type FakeStep, ready, startFakePostgres, textColumn } from './fake-postgres.ts'

const age = limits.catalogAgeMsMax
const clock = manualClock(1_000_000)

/** Every PostgreSQL that this machine has; the embedded one always. */
const servers = [
  ['embedded', undefined],
  ...['13', '14', '15', '16', '17']
    .map((version) => [version, `/usr/lib/postgresql/${version}/bin`] as const)
    .filter(([, bin]) => existsSync(`${bin}/initdb`)),
] as const

const schema = `
  CREATE SCHEMA crm;
  CREATE TYPE crm.mood AS ENUM ('good', 'bad');
  CREATE DOMAIN crm.email AS text CHECK (VALUE LIKE '%@%');
  CREATE TYPE crm.pair AS (a int, b crm.mood);
  CREATE TYPE crm.span AS RANGE (subtype = int);
  CREATE TABLE customers (
    id int PRIMARY KEY, email crm.email NOT NULL, moods crm.mood[], note text DEFAULT lower('N'),
    gone int, short text GENERATED ALWAYS AS (left(note, 3)) STORED);
  ALTER TABLE customers DROP COLUMN gone;
  ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
  CREATE TABLE orders (id int, customer int REFERENCES customers ON DELETE CASCADE ON UPDATE SET NULL, day date)
    PARTITION BY RANGE (day);
  CREATE TABLE orders_2026 PARTITION OF orders FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  CREATE TABLE plain_key (customer int REFERENCES customers);
  CREATE TABLE base (a int); CREATE TABLE child () INHERITS (base);
  CREATE VIEW crm.names AS SELECT c.id, c.email FROM customers c WHERE c.note IS NOT NULL;
  CREATE MATERIALIZED VIEW crm.counts AS SELECT count(*) AS n FROM orders;
  CREATE SEQUENCE crm.numbers;
  CREATE FUNCTION crm.log() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
  CREATE TRIGGER log BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION crm.log();
  CREATE TRIGGER cut AFTER TRUNCATE OR DELETE ON base EXECUTE FUNCTION crm.log();
  CREATE TRIGGER off AFTER DELETE ON base EXECUTE FUNCTION crm.log();
  ALTER TABLE base DISABLE TRIGGER off;
  CREATE CONSTRAINT TRIGGER late AFTER INSERT ON customers DEFERRABLE FOR EACH ROW EXECUTE FUNCTION crm.log();
  CREATE TABLE guarded (id int PRIMARY KEY, code text UNIQUE, secret text, span int4range, customer int REFERENCES customers,
    EXCLUDE USING gist (span WITH &&),
    EXCLUDE USING btree ((id + length(code)) WITH =) WHERE (secret LIKE 'x%'));
  CREATE UNIQUE INDEX ON guarded (id, code) WHERE code IS NOT NULL;
  ALTER TABLE guarded ADD EXCLUDE USING gist ((int4range(0, length(code))) WITH &&, span WITH =);
  CREATE TYPE a_name_so_long_that_its_array_has_another_one_that_is_cut_short AS ENUM ('a');
  CREATE TABLE taken (moods crm.mood[], long a_name_so_long_that_its_array_has_another_one_that_is_cut_short[]);
  CREATE TRIGGER changed BEFORE UPDATE ON guarded FOR EACH ROW WHEN (OLD.secret IS DISTINCT FROM NEW.secret)
    EXECUTE FUNCTION crm.log();
  CREATE TRIGGER filled AFTER INSERT ON guarded REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION crm.log();
  CREATE POLICY own ON customers USING (note = current_user) WITH CHECK (id > 0);
  CREATE POLICY lent ON customers FOR SELECT TO public USING (EXISTS (SELECT FROM orders o WHERE o.customer = customers.id));
  CREATE FOREIGN DATA WRAPPER far; CREATE SERVER away FOREIGN DATA WRAPPER far;
  CREATE FOREIGN TABLE crm.far (id int, who text OPTIONS (column_name 'email')) SERVER away
    OPTIONS (schema_name 'public', table_name 'customers');
  CREATE FOREIGN TABLE crm.near (id int) SERVER away;
  CREATE TABLE spread (id int, a int, b int) PARTITION BY LIST ((id + 1));
  CREATE RULE away AS ON DELETE TO plain_key DO INSTEAD NOTHING;
  CREATE FUNCTION crm.find(a int, OUT found text, b int DEFAULT 1, OUT text) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = crm AS 'SELECT email::text, note FROM public.customers WHERE id = a';
  CREATE FUNCTION list(VARIADIC xs int[]) RETURNS TABLE (x int, y crm.mood) LANGUAGE sql IMMUTABLE
    AS 'SELECT 1, ''good''::crm.mood';
  CREATE PROCEDURE crm.run(INOUT a int) LANGUAGE sql AS 'SELECT a';
  CREATE AGGREGATE crm.total(int) (sfunc = int4pl, stype = int);
  CREATE OPERATOR crm.=== (leftarg = int, rightarg = int, function = int4eq);
  CREATE OPERATOR crm.!!! (rightarg = int, function = int4abs);
  CREATE SCHEMA "odd.one"; CREATE TABLE "odd.one"."Big ""Table""" ("Column é" text);
  CREATE ROLE reader LOGIN PASSWORD 'reader-word';
  GRANT CREATE ON SCHEMA crm TO reader;
  REVOKE CREATE ON SCHEMA public FROM PUBLIC`

describe.each(servers)('PostgreSQL %s', (_, bin) => {
  let server: PostgresServer
  let admin: pg.Client
  let reader: CatalogReader
  let connections = 0
  const seen: string[] = []
  const key: CatalogKey = { target: 'shop', role: 'postgres', database: 'postgres' }

  beforeAll(async () => {
    server = await startPostgres({ bin, settings: { max_prepared_transactions: '2' } })
    admin = await client()
    await admin.query(schema)
  })
  afterAll(async () => {
    reader?.close()
    await admin?.end()
    await server?.stop()
  })
  beforeAll(() => {
    reader = new CatalogReader({
      clock,
      connect: async ({ role, database }, parameters, signal) => {
        connections++
        return await connectAs(role, database, parameters, signal)
      },
      onCatalog: (_key, { version }) => seen.push(version),
    })
  })
  beforeEach(() => {
    connections = 0
    seen.length = 0
    clock.advance(age + 1)
  })
  const connectAs = async (
    role: string,
    database: string,
    parameters: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ) => {
    const password = new Secret(role === 'postgres' ? server.password : 'reader-word')
    const place = { host: '127.0.0.1', port: server.port, tls: { mode: 'disable' } } as const
    return await connectUpstream({ ...place, user: role, password, database, parameters, signal, random: randomBytes })
  }
  const client = async (): Promise<pg.Client> => {
    const made = new pg.Client({ connectionString: server.url('postgres') })
    await made.connect()
    return made
  }

  describe('what is read', () => {
    let catalog: Catalog
    const relation = (name: string): CatalogRelation => catalog.relations.find((one) => one.name === name)!
    const routine = (name: string): CatalogFunction => catalog.functions.find((one) => one.name === name)!
    beforeEach(async () => {
      catalog = await reader.catalogFor(key)
    })

    test('the database, and what kind of thing each relation is', () => {
      expect(catalog).toMatchObject({ database: 'postgres', serverEncoding: 'UTF8' })
      expect(catalog.serverVersion).toBeGreaterThanOrEqual(130_000)
      const kinds = Object.fromEntries(catalog.relations.map((one) => [`${one.schema}.${one.name}`, one.kind]))
      expect(kinds).toEqual({
        'crm.far': 'foreign',
        'crm.near': 'foreign',
        'public.customers': 'table',
        'public.orders': 'partitioned',
        'public.orders_2026': 'table',
        'public.plain_key': 'table',
        'public.taken': 'table',
        'public.base': 'table',
        'public.child': 'table',
        'public.guarded': 'table',
        'public.spread': 'partitioned',
        'crm.names': 'view',
        'crm.counts': 'materialized',
        'crm.numbers': 'sequence',
        'crm.pair': 'composite',
        'odd.one.Big "Table"': 'table',
      })
    })

    test('columns with their types, without dropped ones', () => {
      expect(relation('customers').columns).toEqual([
        {
          number: 1,
          name: 'id',
          typeOid: 23,
          type: 'pg_catalog.int4',
          notNull: true,
          generated: 'no',
          expression: null,
        },
        {
          number: 2,
          name: 'email',
          typeOid: expect.any(Number),
          type: 'crm.email',
          notNull: true,
          generated: 'no',
          expression: null,
        },
        {
          number: 3,
          name: 'moods',
          typeOid: expect.any(Number),
          type: 'crm._mood',
          notNull: false,
          generated: 'no',
          expression: null,
        },
        {
          number: 4,
          name: 'note',
          typeOid: 25,
          type: 'pg_catalog.text',
          notNull: false,
          generated: 'no',
          expression: `lower('N'::text)`,
        },
        {
          number: 6,
          name: 'short',
          typeOid: 25,
          type: 'pg_catalog.text',
          notNull: false,
          generated: 'stored',
          expression: expect.stringMatching(/left"?\(note, 3\)/),
        },
      ])
      expect(relation('Big "Table"').columns[0]?.name).toBe('Column é')
    })

    test('definitions of views with every name qualified', () => {
      expect(relation('names').definition).toMatch(/FROM public\.customers c/)
      expect(relation('counts').definition).toMatch(/FROM public\.orders/)
      expect(relation('customers').definition).toBeNull()
    })

    test('parents by partitioning and inheritance', () => {
      expect(relation('orders_2026').parents).toEqual([relation('orders').oid])
      expect(relation('child').parents).toEqual([relation('base').oid])
      expect(relation('base').parents).toEqual([])
    })

    test('triggers that fire, on partitions as well, and none of PostgreSQL itself', () => {
      const log = routine('log').oid
      const fires = (name: string) => relation(name).triggers
      const events = (name: string) => fires(name).map(({ definition: _, ...one }) => one)
      expect(events('orders')).toEqual([{ name: 'log', functionOid: log, events: ['insert', 'update'] }])
      expect(events('orders_2026')).toEqual(events('orders'))
      expect(events('base')).toEqual([{ name: 'cut', functionOid: log, events: ['delete', 'truncate'] }])
      expect(events('customers')).toEqual([{ name: 'late', functionOid: log, events: ['insert'] }])
    })

    test('what a trigger depends on, as the parser reads it', () => {
      const definition = (name: string, at = 0) => relation(name).triggers[at]?.definition ?? ''
      expect(definition('customers')).toMatch(
        /ON public\.customers DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE/,
      )
      expect(definition('guarded')).toMatch(/WHEN \(\(\(?old\.secret IS DISTINCT FROM new\.secret\)\)?\)?/)
      expect(definition('guarded', 1)).toMatch(/REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT/)
    })

    test('columns that are compared with other rows', () => {
      expect(relation('guarded').compared).toEqual([1, 2, 4, 5])
      expect(relation('base').compared).toEqual([])
    })

    test('foreign keys that point at it, by their columns, and what they do', () => {
      const { cascades } = relation('customers')
      const keyOf = (name: string) => cascades.find(({ fromOid }) => fromOid === relation(name).oid)
      expect(keyOf('orders')).toMatchObject({ columns: [2], keys: [1], onDelete: 'cascade', onUpdate: 'set' })
      expect(keyOf('plain_key')).toMatchObject({ columns: [1], keys: [1], onDelete: 'none', onUpdate: 'none' })
      expect(relation('orders').cascades).toEqual([])
    })

    test('indexes that answer a write with more than whether its values are there', () => {
      expect(relation('guarded').probes).toEqual([
        { columns: [4], condition: null },
        { columns: [], condition: expect.stringMatching(/secret .* 'x%'/) },
        { columns: [], condition: '(code IS NOT NULL)' },
        { columns: [2], condition: null },
      ])
      expect(relation('customers').probes).toEqual([])
      expect(relation('customers').loose).toEqual([])
    })

    test('types of arrays by their elements, and of domains and ranges by what they are made of', () => {
      const typesOf = (name: string) => relation(name).columns.map(({ type }) => type)
      expect(typesOf('taken')).toEqual([
        'crm._mood',
        'public._a_name_so_long_that_its_array_has_another_one_that_is_cut_short',
      ])
      const made = Object.fromEntries(catalog.types.map(({ schema, name, of }) => [`${schema}.${name}`, of]))
      expect(made).toMatchObject({ 'crm.email': 'pg_catalog.text', 'crm.span': 'pg_catalog.int4', 'crm.mood': null })
    })

    test('rules and row security', () => {
      expect(relation('plain_key').rules).toEqual(['away'])
      expect(relation('names').rules).toEqual([])
      expect([relation('customers').rowSecurity, relation('orders').rowSecurity]).toEqual([true, false])
      const [lent, own] = relation('customers').policies ?? []
      expect(lent).toEqual({ name: 'lent', using: expect.stringContaining('FROM public.orders o'), check: null })
      expect(own).toEqual({ name: 'own', using: expect.stringContaining('CURRENT_USER'), check: '(id > 0)' })
      expect(relation('orders').policies).toEqual([])
    })

    test('what a foreign table reads at its server', () => {
      expect(relation('far').remote).toEqual({ schema: 'public', name: 'customers', columns: [['who', 'email']] })
      expect(relation('near').remote).toEqual({ schema: 'crm', name: 'near', columns: [] })
      expect(relation('customers').remote).toBeNull()
    })

    test('columns that choose a partition', () => {
      expect(relation('orders').partitionedBy).toEqual([3])
      expect(relation('spread').partitionedBy).toEqual([0])
      expect(relation('base').partitionedBy).toEqual([])
    })

    test('functions with arguments, results and bodies', () => {
      expect(routine('find')).toMatchObject({
        schema: 'crm',
        argumentTypes: ['pg_catalog.int4', 'pg_catalog.int4'],
        argumentNames: ['a', 'b'],
        defaults: ['1'],
        results: [
          { name: 'found', type: 'pg_catalog.text' },
          { name: 'column2', type: 'pg_catalog.text' },
        ],
        returnType: 'pg_catalog.record',
        returnsSet: false,
        kind: 'function',
        volatility: 'stable',
        language: 'sql',
        securityDefiner: true,
        settings: ['search_path=crm'],
        body: 'SELECT email::text, note FROM public.customers WHERE id = a',
      })
      expect(routine('list')).toMatchObject({
        argumentTypes: ['pg_catalog._int4'],
        argumentNames: ['xs'],
        variadic: true,
        returnsSet: true,
        volatility: 'immutable',
        results: [
          { name: 'x', type: 'pg_catalog.int4' },
          { name: 'y', type: 'crm.mood' },
        ],
      })
      expect(routine('log')).toMatchObject({
        language: 'plpgsql',
        body: 'BEGIN RETURN NEW; END',
        returnType: 'pg_catalog.trigger',
        results: [],
      })
      expect(routine('run')).toMatchObject({ kind: 'procedure', argumentNames: ['a'] })
      expect(routine('total')).toMatchObject({ kind: 'aggregate', returnType: 'pg_catalog.int4', argumentNames: [''] })
    })

    test('what came with an extension, and which of it is code in C', async () => {
      // The embedded server has no contrib.
      const first = await client()
      const available = await first.query("SELECT 1 FROM pg_available_extensions WHERE name IN ('pg_trgm', 'hstore')")
      if (available.rowCount === 2) await first.query('CREATE DATABASE contrib')
      await first.end()
      if (available.rowCount !== 2) return
      const own = new pg.Client({ connectionString: server.url('contrib') })
      await own.connect()
      await own.query(
        'CREATE EXTENSION pg_trgm; CREATE EXTENSION hstore; CREATE FUNCTION find() RETURNS int LANGUAGE sql AS $$SELECT 1$$',
      )
      await own.end()
      const read = await reader.catalogFor({ ...key, database: 'contrib' })
      const ofExtension = (name: string) => read.functions.find((one) => one.name === name)?.extension
      expect([ofExtension('similarity'), ofExtension('hstore_hash'), ofExtension('find')]).toEqual([
        'pg_trgm',
        'hstore',
        null,
      ])
      expect(read.members).toEqual(
        expect.arrayContaining([
          'pg_trgm operator public.%(pg_catalog.text,pg_catalog.text)',
          'hstore operator public.->(public.hstore,pg_catalog.text)',
          'hstore type public.hstore',
        ]),
      )
    })

    test('what CASCADE takes along, and what pg_catalog has', () => {
      const [customers, orders] = [relation('customers').oid, relation('orders').oid]
      expect(catalog.dependents).toContainEqual([`relation ${customers}`, `key ${orders}`])
      expect(catalog.dependents?.some(([on, what]) => on === what)).toBe(false)
      expect(catalog.systemRelations).toEqual(expect.arrayContaining(['pg_class', 'pg_stats']))
      expect(catalog.systemColumns).toContain('pg_catalog.pg_am oid,amname,amhandler,amtype')
      expect(catalog.systemColumns?.some((line) => line.startsWith('information_schema.columns table_catalog,'))).toBe(
        true,
      )
    })

    test('what an aggregate is made of', () => {
      const partsOf = (name: string) => catalog.functions.find((one) => one.name === name)?.parts
      expect(partsOf('total')).toEqual(['pg_catalog.int4pl()'])
      expect(catalog.functions.filter(({ kind }) => kind === 'function').every(({ parts }) => parts === null)).toBe(
        true,
      )
    })

    test('types, without row types and arrays, and operators with their sides', () => {
      const types = Object.fromEntries(catalog.types.map((one) => [`${one.schema}.${one.name}`, one.kind]))
      expect(types).toMatchObject({
        'crm.mood': 'enum',
        'crm.email': 'domain',
        'crm.pair': 'composite',
        'crm.span': 'range',
      })
      expect(Object.keys(types)).not.toContain('public.customers')
      expect(Object.keys(types).filter((name) => name.includes('._'))).toEqual([])
      expect(catalog.operators).toEqual(['crm.===(pg_catalog.int4,pg_catalog.int4)', 'crm.!!!(none,pg_catalog.int4)'])
    })

    test('the schemas where the role may put objects, and odd ones as if it might', async () => {
      const writable = async (role: string) =>
        Object.fromEntries((await reader.catalogFor({ ...key, role })).schemas.map((one) => [one.name, one.writable]))
      expect(await writable('postgres')).toEqual({ crm: true, 'odd.one': true, public: true })
      expect(await writable('reader')).toEqual({ crm: true, 'odd.one': true, public: false })
    })

    test('a role without any privilege sees the same relations', async () => {
      expect((await reader.catalogFor({ ...key, role: 'reader' })).relations).toEqual(catalog.relations)
    })
  })

  test('what was looked at before somebody asks for it since then does not count for them', async () => {
    const catalog = await reader.catalogFor(key)
    const sinceMs = clock.nowMs() + 1
    clock.advance(1)
    expect(reader.fresh(key)).toBe(catalog)
    expect(reader.fresh(key, sinceMs)).toBeUndefined()
    const other = await client()
    await other.query('CREATE TABLE made_before (id int)')
    const since = await reader.catalogFor(key, undefined, sinceMs)
    expect(since.relations.map(({ name }) => name)).toContain('made_before')
    expect(reader.fresh(key, sinceMs)).toBe(since)
    await other.query('DROP TABLE made_before')
    await other.end()
  })

  describe('DDL made elsewhere is seen once the age has passed', () => {
    test.each([
      'CREATE TABLE extra (a int)',
      'ALTER TABLE extra ADD COLUMN b text',
      'ALTER TABLE extra RENAME COLUMN b TO c',
      'ALTER TABLE extra ALTER COLUMN c SET DEFAULT upper($$x$$)',
      'ALTER TABLE extra ALTER COLUMN c SET NOT NULL',
      'CREATE INDEX extra_c ON extra (c)',
      'DROP INDEX extra_c',
      'ALTER TABLE extra ALTER COLUMN a TYPE bigint',
      'ALTER TABLE extra DROP COLUMN c',
      'ALTER TABLE extra RENAME TO extra2',
      'ALTER TABLE extra2 SET SCHEMA crm',
      'ALTER TABLE crm.extra2 ENABLE ROW LEVEL SECURITY',
      'CREATE POLICY p ON crm.extra2 USING (a > 0)',
      'ALTER POLICY p ON crm.extra2 USING (a > 1)',
      'DROP POLICY p ON crm.extra2',
      'CREATE TRIGGER t AFTER INSERT ON crm.extra2 EXECUTE FUNCTION crm.log()',
      'ALTER TRIGGER t ON crm.extra2 RENAME TO u',
      'ALTER TABLE crm.extra2 DISABLE TRIGGER u',
      'CREATE RULE r AS ON DELETE TO crm.extra2 DO ALSO NOTHING',
      'ALTER TABLE crm.extra2 INHERIT base; ',
      'DROP TABLE crm.extra2',
      'CREATE VIEW v AS SELECT id FROM customers',
      'CREATE OR REPLACE VIEW v AS SELECT id FROM customers WHERE id > 0',
      'CREATE OR REPLACE VIEW v AS SELECT id FROM customers WHERE id > 1',
      'ALTER VIEW v RENAME COLUMN id TO number',
      'DROP VIEW v; CREATE VIEW v AS SELECT note FROM customers',
      'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$SELECT 1$$',
      'CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$SELECT 2$$',
      'ALTER FUNCTION f() SECURITY DEFINER',
      'ALTER FUNCTION f() SET search_path = crm',
      'DROP FUNCTION f()',
      "ALTER FOREIGN TABLE crm.near OPTIONS (ADD table_name 'customers')",
      "ALTER FOREIGN TABLE crm.near ALTER COLUMN id OPTIONS (ADD column_name 'email')",
      'ALTER TABLE plain_key ADD FOREIGN KEY (customer) REFERENCES customers ON DELETE CASCADE',
      `CREATE TABLE orders_2027 PARTITION OF orders FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')`,
      'ALTER TABLE orders DETACH PARTITION orders_2027',
      'DROP TABLE orders_2027',
      `CREATE TYPE fresh AS ENUM ('a')`,
      'ALTER TYPE fresh RENAME TO fresher',
      'CREATE OPERATOR ==== (leftarg = int, rightarg = int, function = int4eq)',
      'CREATE SCHEMA later',
      'ALTER SCHEMA later RENAME TO sooner',
    ])('%s', async (ddl) => {
      // INHERIT needs the parent's column.
      const text = ddl.startsWith('ALTER TABLE crm.extra2 INHERIT')
        ? `ALTER TABLE crm.extra2 ALTER COLUMN a TYPE int; ${ddl}`
        : ddl
      const before = await reader.catalogFor(key)
      await admin.query(text)
      expect(reader.fresh(key)).toBe(before)
      clock.advance(age + 1)
      expect(reader.fresh(key)).toBeUndefined()
      const after = await reader.catalogFor(key)
      expect(after.version).not.toBe(before.version)
      expect(reader.fresh(key)).toBe(after)
      expect(seen.at(-1)).toBe(after.version)
      expect(connections).toBeLessThanOrEqual(1)
    })

    test('by a transaction that began before another DDL and ended after it', async () => {
      const slow = await client()
      await slow.query('BEGIN; CREATE OR REPLACE FUNCTION early() RETURNS int LANGUAGE sql AS $$SELECT 1$$')
      await admin.query('CREATE TABLE quick (a int)')
      const between = await reader.catalogFor(key)
      expect(between.functions.map(({ name }) => name)).not.toContain('early')
      await slow.query('COMMIT')
      await slow.end()
      clock.advance(age + 1)
      expect((await reader.catalogFor(key)).functions.map(({ name }) => name)).toContain('early')
    })

    test('by a transaction that was prepared and is committed later', async () => {
      const other = await client()
      await other.query('BEGIN; CREATE TABLE in_two_phases (a int)')
      await other.query(`PREPARE TRANSACTION 'later'`)
      const before = await reader.catalogFor(key)
      await other.query(`COMMIT PREPARED 'later'`)
      await other.end()
      clock.advance(age + 1)
      const names = (catalog: Catalog) => catalog.relations.map(({ name }) => name)
      expect(names(before)).not.toContain('in_two_phases')
      expect(names(await reader.catalogFor(key))).toContain('in_two_phases')
    })

    test('as a right to create objects that a role gets through another role', async () => {
      const role = { ...key, role: 'reader' }
      const writable = async () =>
        (await reader.catalogFor(role)).schemas.find(({ name }) => name === 'public')?.writable
      expect(await writable()).toBe(false)
      await admin.query('CREATE ROLE makers; GRANT CREATE ON SCHEMA public TO makers; GRANT makers TO reader')
      clock.advance(age + 1)
      expect(await writable()).toBe(true)
      await admin.query('REVOKE makers FROM reader')
      clock.advance(age + 1)
      expect(await writable()).toBe(false)
    })
  })

  test.each([
    'SELECT 1',
    `INSERT INTO base VALUES (1)`,
    'UPDATE base SET a = a + 1',
    'CREATE TEMP TABLE mine (a int); INSERT INTO mine VALUES (1)',
    'ANALYZE',
    'TRUNCATE base',
    'VACUUM FULL pg_class',
    'REFRESH MATERIALIZED VIEW crm.counts',
    'BEGIN; CREATE TABLE undone (a int); ROLLBACK',
    'VACUUM FREEZE pg_attribute',
  ])('the catalog stays the same object over: %s', async (text) => {
    const before = await reader.catalogFor(key)
    await admin.query(text)
    clock.advance(age + 1)
    expect(await reader.catalogFor(key)).toBe(before)
    expect(seen.filter((version) => version !== before.version)).toEqual([])
  })

  test('an equal schema has an equal version for another reader', async () => {
    const { version } = await reader.catalogFor(key)
    const other = new CatalogReader({
      clock,
      connect: async ({ role, database }, parameters, signal) => await connectAs(role, database, parameters, signal),
    })
    expect((await other.catalogFor(key)).version).toBe(version)
    other.close()
  })

  test('at the age it is used without a question, one millisecond past it is not', async () => {
    const catalog = await reader.catalogFor(key)
    clock.advance(age)
    expect(reader.fresh(key)).toBe(catalog)
    clock.advance(1)
    expect(reader.fresh(key)).toBeUndefined()
  })

  test('a clock that is set back makes nothing fresh', async () => {
    await reader.catalogFor(key)
    clock.advance(-1)
    expect(reader.fresh(key)).toBeUndefined()
    clock.advance(1)
  })

  test('everybody who asks at the same time waits for one reading', async () => {
    const unread = { ...key, target: 'another' }
    const catalogs = await Promise.all(Array.from({ length: 20 }, () => reader.catalogFor(unread)))
    expect(new Set(catalogs).size).toBe(1)
    expect(connections).toBe(1)
    expect(seen.length).toBe(1)
  })

  test('what the agent itself has changed counts at once', async () => {
    const before = await reader.catalogFor(key)
    await admin.query('CREATE TABLE ours (a int)')
    reader.invalidate(key)
    expect(reader.fresh(key)).toBeUndefined()
    const after = await reader.catalogFor(key)
    expect(after.relations.length).toBe(before.relations.length + 1)
    await admin.query('DROP TABLE ours')
    reader.invalidateTarget('elsewhere')
    expect(reader.fresh(key)).toBe(after)
    reader.invalidateTarget('shop')
    expect((await reader.catalogFor(key)).version).toBe(before.version)
  })

  test('a connection that was cut is opened anew', async () => {
    const before = await reader.catalogFor(key)
    const { rowCount } = await admin.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${catalogSettings.application_name}'`,
    )
    expect(rowCount).toBeGreaterThanOrEqual(1)
    clock.advance(age + 1)
    connections = 0
    expect(await reader.catalogFor(key)).toBe(before)
    expect(connections).toBe(1)
  })

  test('the connection can change nothing', async () => {
    const upstream = await connectAs('postgres', 'postgres', catalogSettings, new AbortController().signal)
    const conversation = new Conversation(upstream.socket, 100_000, upstream.leftover)
    await expect(queryRows(conversation, 'CREATE TABLE public.mine (a int)')).rejects.toThrow('25006')
    upstream.socket.destroy()
  })
})

describe('a target that cannot be asked', () => {
  const key: CatalogKey = { target: 'shop', role: 'app', database: 'shop' }
  const readerOf = (port: number) =>
    new CatalogReader({
      clock,
      connect: async ({ role, database }, parameters, signal) =>
        await connectUpstream({
          host: '127.0.0.1',
          port,
          tls: { mode: 'disable' },
          user: role,
          password: new Secret('x'),
          database,
          parameters,
          signal,
          random: randomBytes,
        }),
    })

  /** Answers like a target with an empty schema, whose signature the test decides. */
  const empty =
    (signature: () => string, version = '180004') =>
    (text: string): FakeStep[] => {
      const rows = (...values: (string | null)[][]): FakeStep[] => [
        { type: 'rowDescription', columns: (values[0] ?? []).map((_, at) => textColumn(`c${at}`)) },
        ...values.map(
          (row): FakeStep => ({ type: 'dataRow', values: row.map((one) => (one === null ? null : Buffer.from(one))) }),
        ),
        { type: 'commandComplete', tag: `SELECT ${values.length}` },
        ready(),
      ]
      if (text === identityQuery) return rows([version, 'shop', catalogSettings.search_path])
      if (text === activityQuery) return rows([null])
      if (text === signatureQuery) return rows([signature()])
      return rows()
    }
  const fakeWith = async (answer: (text: string) => readonly FakeStep[]) =>
    await startFakePostgres({ answer: (message) => (message.type === 'query' ? answer(message.text) : []) })

  const refusal = async (reader: CatalogReader): Promise<string> => {
    const thrown: unknown = await reader.catalogFor(key).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(SallyportError)
    const error = thrown as SallyportError
    expect(error).toMatchObject({ code: 'CATALOG_STALE', message: 'the schema of "shop" cannot be checked' })
    expect(reader.fresh(key)).toBeUndefined()
    return String(error.cause)
  }

  test('is refused with CATALOG_STALE while it is gone, and asked again when it is back', async () => {
    let answer = empty(() => 'one')
    const fake = await fakeWith((text) => answer(text))
    const reader = readerOf(fake.port)
    const catalog = await reader.catalogFor(key)
    clock.advance(age + 1)
    answer = () => ['reset']
    await refusal(reader)
    answer = empty(() => 'one')
    expect(await reader.catalogFor(key)).toBe(catalog)
    reader.close()
    await fake.stop()
    await refusal(readerOf(fake.port))
  })

  test('whose schema changes while it is read is read again', async () => {
    const signatures = ['one', 'two', 'two']
    const fake = await fakeWith(empty(() => signatures.shift() ?? 'none'))
    const reader = readerOf(fake.port)
    await reader.catalogFor(key)
    expect(signatures).toEqual([])
    const asked = fake.received.filter((message) => message.type === 'query' && message.text === identityQuery)
    expect(asked.length).toBe(2)
    reader.close()
    await fake.stop()
  })

  test('that is changed by the agent in the middle of a check is asked again', async () => {
    let signature = 'one'
    let stall = false
    const fake = await fakeWith((text) => {
      const steps = empty(() => signature)(text)
      return stall && text === signatureQuery ? ['stall', ...steps] : steps
    })
    const reader = readerOf(fake.port)
    await reader.catalogFor(key)
    clock.advance(age + 1)
    stall = true
    const received = fake.received.length
    const asked = reader.catalogFor(key)
    // Activity and signature: the answer to the second one is on hold, and says what was before the change.
    await fake.receivedCount(received + 2)
    stall = false
    signature = 'two'
    reader.invalidate(key)
    fake.release()
    await asked
    const last = fake.received.slice(received + 2).filter(({ type }) => type === 'query')
    expect(last.map((message) => message.type === 'query' && message.text)).toContain(signatureQuery)
    expect(reader.fresh(key)).toBeDefined()
    reader.close()
    await fake.stop()
  })

  test.each<[string, (text: string) => readonly FakeStep[], string]>([
    ['whose schema never stands still', empty(() => String(randomBytes(4).readUInt32BE())), 'changes faster'],
    ['that is older than PostgreSQL 13', empty(() => 'one', '120022'), 'older than PostgreSQL 13'],
    [
      'that answers with an error',
      () => [
        {
          type: 'errorResponse',
          fields: [
            ['C', '42501'],
            ['M', 'no'],
          ],
        },
        ready(),
      ],
      '42501',
    ],
    ['that answers with nothing', () => [{ type: 'commandComplete', tag: 'SELECT 0' }, ready()], 'does not say'],
    [
      'that answers with nonsense',
      (text) =>
        text.includes('pg_operator o JOIN') && !text.includes('WITH spaces')
          ? [{ type: 'dataRow', values: [Buffer.from('{')] }, ready()]
          : empty(() => 'one')(text),
      'JSON',
    ],
    [
      'that answers with another shape',
      (text) =>
        text.includes('pg_operator o JOIN') && !text.includes('WITH spaces')
          ? [{ type: 'dataRow', values: [Buffer.from('{"name":1}')] }, ready()]
          : empty(() => 'one')(text),
      'operators',
    ],
    ['that breaks off', () => [Buffer.from('D\0\0\0\x10'), 'end'], 'closed the connection'],
    ['that speaks out of turn', () => [{ type: 'copyOutResponse', format: 0, columnFormats: [] }], 'copyOutResponse'],
    [
      'that has another search_path',
      (text) =>
        text === identityQuery
          ? [{ type: 'dataRow', values: ['180004', 'shop', 'public'].map((one) => Buffer.from(one)) }, ready()]
          : empty(() => 'one')(text),
      'search_path',
    ],
  ])('%s is refused with CATALOG_STALE', async (_, answer, why) => {
    const fake = await fakeWith(answer)
    const reader = readerOf(fake.port)
    expect(await refusal(reader)).toContain(why)
    reader.close()
    await fake.stop()
  })

  test('that stalls keeps nobody longer than the caller wants to wait', async () => {
    const fake = await fakeWith(() => ['stall'])
    const reader = readerOf(fake.port)
    const ended = new AbortController()
    const asked = reader.catalogFor(key, ended.signal)
    await fake.receivedCount(1)
    ended.abort()
    await expect(asked).rejects.toMatchObject({ code: 'CATALOG_STALE' })
    // The reader lets go of the target when it is closed.
    reader.close()
    await fake.idle()
    await expect(reader.catalogFor(key)).rejects.toMatchObject({ code: 'CATALOG_STALE' })
    await expect(readerOf(fake.port).catalogFor(key, AbortSignal.abort())).rejects.toMatchObject({
      code: 'CATALOG_STALE',
    })
    await fake.stop()
  })
})
