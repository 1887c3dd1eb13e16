// Sessions that do all kinds of things at once over connections that they share, and a model of what each of them must see: its
// own settings, statements, rows, notices and sequence values, and no trace of anybody else.
import fc from 'fast-check'
import pg from 'pg'
import type { DataPath } from './data-path.ts'

export const playSchema = `
  create table people (id int primary key, name text, ssn text);
  insert into people select i, 'person ' || i, '900-' || i from generate_series(1, 20) i;
  create table jobs (id serial primary key, what text);
  create schema lab;
  create table lab.people (id int primary key, name text);
  insert into lab.people select i, 'lab ' || i from generate_series(1, 20) i;
  grant usage on schema lab to app;
  grant all on all tables in schema lab to app;
  create function leave_traces() returns text language plpgsql as $$
    begin
      perform set_config('app.tenant', 'somebody', false);
      perform set_config('DateStyle', 'German', false);
      execute 'create temporary table if not exists secrets (a int)';
      perform pg_advisory_lock_shared(4711);
      execute 'listen traces';
      return 'left';
    end $$;
  create function tell(what text) returns text language plpgsql as $$
    begin raise notice '%', what; return what; end $$;
  create function traces() returns text language sql stable as $$
    select concat_ws(',',
      nullif(current_setting('app.tenant', true), ''),
      (select 'locks' from pg_locks where locktype = 'advisory' and pid = pg_backend_pid() limit 1),
      (select 'listens' from pg_listening_channels() limit 1),
      (select 'tables' from pg_class where relname = 'secrets' and relnamespace = pg_my_temp_schema()),
      (select 'prepared' from pg_prepared_statements where name not like '\\_sallyport\\_s%' limit 1),
      (select 'cursors' from pg_cursors where is_holdable limit 1),
      current_setting('DateStyle')) $$;
`

const zones = ['UTC', 'Asia/Tokyo', 'America/Lima'] as const
const paths = ['public', 'lab, public'] as const

export type Step =
  | {
      readonly do:
        | 'look'
        | 'traces'
        | 'leave'
        | 'insert'
        | 'lastval'
        | 'fail'
        | 'discard'
        | 'deallocate'
        | 'cancel'
        | 'masked'
    }
  | { readonly do: 'zone' | 'zone-undone' | 'zone-local'; readonly zone: (typeof zones)[number] }
  | { readonly do: 'path'; readonly path: (typeof paths)[number] }
  | { readonly do: 'prepared' | 'echo' | 'notice' | 'transaction' | 'pipeline' | 'cursor'; readonly number: number }

const bare = [
  'look',
  'traces',
  'leave',
  'insert',
  'lastval',
  'fail',
  'discard',
  'deallocate',
  'cancel',
  'masked',
] as const
const numbered = ['prepared', 'echo', 'notice', 'transaction', 'pipeline', 'cursor'] as const

export const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom(...bare) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('zone' as const, 'zone-undone' as const, 'zone-local' as const),
      zone: fc.constantFrom(...zones),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('path' as const), path: fc.constantFrom(...paths) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom(...numbered), number: fc.integer({ min: 1, max: 6 }) }) },
)

/** What must hold of one session, whatever the others do. */
export class Player {
  readonly #name: string
  readonly #client: pg.Client
  readonly #path: DataPath
  readonly #isDba: boolean
  #zone: string = 'UTC'
  #schema = 'public'
  #notices: string[] = []
  #hasCancelled = false

  private constructor(name: string, client: pg.Client, path: DataPath, isDba: boolean) {
    this.#name = name
    this.#client = client
    this.#path = path
    this.#isDba = isDba
    client.on('notice', ({ message = '' }) => this.#notices.push(message))
    client.on('notification', ({ channel }) => this.#notices.push(`notification ${channel}`))
  }

  static async join(path: DataPath, target: string, name: string, isDba = false): Promise<Player> {
    const client = await path.connect({ target, subject: name, groups: [isDba ? 'dba' : 'engineering'] })
    const player = new Player(name, client, path, isDba)
    await client.query("set timezone = 'UTC'")
    return player
  }

  async leave(): Promise<void> {
    await this.#client.end().catch(() => {})
  }

  /** Rejects when the session sees what it must not, or not what it must. */
  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'look':
        is('zone', await this.#one('show timezone'), this.#zone)
        return is('path', await this.#one('select name from people where id = 1'), this.#nameOf(1))
      case 'traces':
        return is('traces', await this.#one('select public.traces()'), 'ISO, MDY')
      case 'leave':
        return is('leave', await this.#one('select public.leave_traces()'), 'left')
      case 'zone':
        await this.#client.query(`set timezone = '${step.zone}'`)
        this.#zone = step.zone
        return is('zone', await this.#one('show timezone'), this.#zone)
      case 'zone-undone':
        await this.#client.query(`begin; set timezone = '${step.zone}'`)
        is('zone in a transaction', await this.#one('show timezone'), step.zone)
        await this.#client.query('rollback')
        return is('zone after it', await this.#one('show timezone'), this.#zone)
      case 'zone-local':
        await this.#client.query(`begin; set local timezone = '${step.zone}'`)
        is('zone in a transaction', await this.#one('show timezone'), step.zone)
        await this.#client.query('commit')
        return is('zone after it', await this.#one('show timezone'), this.#zone)
      case 'path':
        await this.#client.query(`set search_path = ${step.path}`)
        this.#schema = step.path
        return
      case 'insert':
        return await this.#insert()
      case 'lastval':
        // 55000: in this session nothing has been taken from a sequence.
        return this.#hasCancelled ? undefined : is('lastval', await this.#codeOf('select lastval()'), '55000')
      case 'fail':
        return is('failed', await this.#codeOf('select 1 / (id - 1) from people where id = 1'), '22012')
      case 'discard':
        await this.#client.query('discard all')
        // What it was at login; pg prepares anew what it no longer knows.
        this.#zone = await this.#one('show timezone')
        this.#schema = 'public'
        forget(this.#client)
        return is('traces', await this.#one('select public.traces()'), 'ISO, MDY')
      case 'deallocate':
        await this.#client.query('deallocate all')
        return forget(this.#client)
      case 'cancel':
        return await this.#cancel()
      case 'masked': {
        const { rows } = await this.#client.query('select ssn from public.people where id = 3')
        return is('mask', rows[0].ssn, this.#isDba ? '900-3' : '[redacted]')
      }
      case 'prepared':
        return await this.#prepared(step.number)
      case 'echo': {
        const said = `${this.#name} ${step.number}`
        const { rows } = await this.#client.query('select $1::text as said, pg_sleep(0.001)', [said])
        return is('echo', rows[0].said, said)
      }
      case 'notice': {
        this.#notices = []
        const said = `${this.#name} says ${step.number}`
        await this.#client.query('select public.tell($1)', [said])
        return is('notices', this.#notices.join(), said)
      }
      case 'transaction':
        return await this.#transaction(step.number)
      case 'pipeline': {
        const asked = Array.from({ length: step.number }, (_, at) => this.#one(`select '${this.#name} ${at}'`))
        return is('pipeline', (await Promise.all(asked)).join(), asked.map((_, at) => `${this.#name} ${at}`).join())
      }
      case 'cursor': {
        await this.#client.query('begin; declare c cursor for select id from public.people order by id')
        const { rows } = await this.#client.query(`fetch ${step.number} from c`)
        is('cursor', rows.length, step.number)
        await this.#client.query('commit')
        return is('cursor that is gone', await this.#codeOf('fetch 1 from c'), '34000')
      }
    }
  }

  /** One name, another text for each session and number. */
  async #prepared(number: number): Promise<void> {
    const name = `p${number}`
    const text = `select '${this.#name}' || $1::int as said, name from people where id = ${number}`
    for (const value of [1, 2]) {
      const { rows } = await this.#client.query({ name, text, values: [value] })
      is('prepared', rows[0].said, `${this.#name}${value}`)
      is('prepared in its path', rows[0].name, this.#nameOf(number))
    }
  }

  async #transaction(number: number): Promise<void> {
    await this.#client.query('begin')
    const pid = await this.#one('select pg_backend_pid()')
    for (let at = 0; at < number; at++) is('connection', await this.#one('select pg_backend_pid()'), pid)
    await this.#prepared(number)
    const said = `${this.#name} ${number} ${pid}`
    await this.#client.query('insert into public.jobs (what) values ($1)', [said])
    const { rows } = await this.#client.query('select what from public.jobs where id = lastval()')
    is('own row', rows[0]?.what, said)
    await this.#client.query(number % 2 === 0 ? 'commit' : 'rollback')
  }

  async #insert(): Promise<void> {
    const { rows } = await this.#client.query('insert into public.jobs (what) values ($1) returning id, what', [
      this.#name,
    ])
    is('inserted', rows[0].what, this.#name)
    // While a cancel request may be on its way the connection is nobody else's: there it is its own.
    const left = await this.#client
      .query('select lastval()::int as id')
      .catch((thrown: { code?: string }) => thrown.code)
    if (typeof left === 'object') is('lastval after a cancel', this.#hasCancelled && left.rows[0].id, rows[0].id)
    else is('lastval of an insert before', left, '55000')
  }

  /** Of this session's own statement; nobody else's may end by it. */
  async #cancel(): Promise<void> {
    this.#hasCancelled = true
    const { processID, secretKey } = this.#client as unknown as { processID: number; secretKey: number }
    const slow = this.#codeOf('select pg_sleep(5)')
    const other = new pg.Client({ ...(await this.#path.config({ subject: this.#name })), ssl: false })
    const { connection } = other as unknown as {
      connection: {
        on(event: string, run: () => void): void
        connect(port: number, host: string): void
        cancel(processID: number, secretKey: number): void
        end(): void
      }
    }
    await new Promise<void>((done) => {
      connection.on('error', done)
      connection.on('connect', () => connection.cancel(processID, secretKey))
      connection.on('end', done)
      connection.connect(this.#path.port, '127.0.0.1')
    })
    const code = await slow
    // It may come before the statement runs, and then nothing happens.
    if (code !== '57014' && code !== null) throw new Error(`cancel: ${code}`)
  }

  #nameOf(number: number): string {
    return this.#schema.startsWith('lab') ? `lab ${number}` : `person ${number}`
  }

  async #one(text: string): Promise<any> {
    return Object.values((await this.#client.query(text)).rows[0])[0]
  }

  async #codeOf(text: string): Promise<string | null> {
    return await this.#client.query(text).then(
      () => null,
      (thrown: { code?: string; message: string }) => thrown.code ?? thrown.message,
    )
  }
}

function is(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw new Error(`${what}: ${JSON.stringify(found)} in place of ${JSON.stringify(expected)}`)
}

/** pg keeps by name what it has prepared. */
function forget(client: pg.Client): void {
  const { connection } = client as unknown as { connection: { parsedStatements: Record<string, string> } }
  connection.parsedStatements = {}
}
