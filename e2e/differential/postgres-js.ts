// Scripts by postgres.js, one connection each, with its cursors and COPY streams. Values are taken as the bytes that came.
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import postgres from 'postgres'
import { until } from '../stack/until.ts'
import { bounded, bytesShown, type Driver, isTidy, type Place, tidyUp } from './driver.ts'
import { parameterOf } from './node-postgres.ts'
import type { Step } from './script.ts'
import type { Outcome, StepTrace } from './trace.ts'

interface Open {
  readonly sql: postgres.Sql
  readonly place: Place
  /** Of the step that runs. */
  events: unknown[]
  results: unknown[]
  isStuck: boolean
  /** Whenever they come: the step that waits for them tells of them. */
  readonly notifications: unknown[]
}

export function startPostgresJs(): Driver {
  let kept: Open | undefined
  return {
    async run(place, script) {
      let second: Open | undefined
      const open = kept ?? (await connect(place))
      kept = undefined
      const other = async () => {
        second ??= await connect(place)
        return second
      }
      try {
        const trace: StepTrace[] = []
        for (const step of script.steps) trace.push(await traced(step.verb === 'other' ? await other() : open, step))
        if (isTidy(script) && !open.isStuck) kept = await tidied(open)
        return trace
      } finally {
        for (const one of [kept === undefined ? open : undefined, second])
          await one?.sql.end({ timeout: 0 }).catch(() => {})
      }
    },
    async close() {
      await kept?.sql.end({ timeout: 0 }).catch(() => {})
    },
  }
}

async function tidied(open: Open): Promise<Open | undefined> {
  try {
    for (const text of tidyUp) await bounded(open.sql.unsafe(text).simple().execute(), text)
    return open
  } catch {
    await open.sql.end({ timeout: 0 }).catch(() => {})
    return undefined
  }
}

async function connect(place: Place): Promise<Open> {
  const { host, port, database, user, password, ca } = place
  const options: postgres.Options<Record<string, never>> = {
    host,
    port,
    database,
    username: user,
    password,
    ssl: { ca, servername: 'localhost' },
    max: 1,
    fetch_types: false,
    onnotice: (notice) => void open.events.push({ notice: { ...notice } }),
    onparameter: (name: string, value: string) => void open.events.push({ parameter: name, value }),
  }
  // Without it notifications of the one connection are not seen; listen() would open another.
  Object.assign(options, {
    onnotify: (channel: string, payload: string) => {
      open.notifications.push({ channel, payload })
    },
  })
  const open: Open = { sql: postgres(options), place, events: [], results: [], isStuck: false, notifications: [] }
  // What the driver says while it connects belongs to no step.
  await bounded(open.sql`SELECT`.execute(), 'connect')
  return open
}

async function traced(source: Open, step: Step): Promise<StepTrace> {
  source.events = []
  source.results = []
  if (source.isStuck) return { outcomes: [], seen: 'the connection is stuck' }
  const thrown = await bounded(perform(source, step), step.text).then(
    () => undefined,
    (error: any) => error,
  )
  if (thrown !== undefined) source.results.push(thrown)
  // It does not give up a statement by itself.
  if (String(thrown?.message).startsWith('no answer')) source.isStuck = true
  const outcomes = source.results.flatMap(outcomesOf)
  return { outcomes, seen: [source.results.map(plain), source.events] }
}

const isError = (value: unknown): value is Error & Record<string, unknown> => value instanceof Error

function plain(result: any): unknown {
  if (isError(result)) {
    const { query: _, parameters: __, args: ___, types: ____, stack: _____, ...rest } = result as any
    return { ...rest, message: result.message }
  }
  if (!Array.isArray(result)) return result
  const { command, count, columns } = result as any
  if (command === undefined && result.length > 0 && Array.isArray(result[0])) return result.map(plain)
  const fields = columns?.map(({ name, type, table, number }: any) => ({ name, type, table, number }))
  return { command, count, fields, rows: rowsOf(result) }
}

const rowsOf = (result: readonly any[]): (string | null)[][] =>
  result.map((row) => [...row].map((value) => (value === null ? null : bytesShown(Buffer.from(value)))))

function outcomesOf(result: any): Outcome[] {
  if (isError(result)) return [{ error: { code: String(result['code'] ?? ''), hint: String(result['hint'] ?? '') } }]
  if (!Array.isArray(result)) return [{}]
  if ((result as any).command === undefined && Array.isArray(result[0])) return result.flatMap(outcomesOf)
  return [{ rows: rowsOf(result) }]
}

async function perform(open: Open, step: Step): Promise<void> {
  const { sql, results } = open
  const values = step.values.map(parameterOf) as postgres.ParameterOrJSON<never>[]
  switch (step.verb) {
    case 'query':
    case 'other':
      results.push(await sql.unsafe(step.text).simple().raw())
      return
    case 'bind':
      results.push(await sql.unsafe(step.text, values, { simple: false } as postgres.UnsafeQueryOptions).raw())
      return
    case 'binary':
      // It reads text only; the same statement is asked for as text.
      results.push({ cannot: 'binary results' }, await sql.unsafe(step.text, values).raw())
      return
    case 'prepared':
      results.push(await sql.unsafe(step.text, values, { prepare: true }).raw())
      return
    case 'cursor':
      for await (const rows of sql
        .unsafe(step.text, values, { simple: false } as any)
        .raw()
        .cursor(step.count))
        results.push(rows)
      return
    case 'pipeline': {
      const sent = step.statements.map(({ text, values }) =>
        sql
          .unsafe(text, values.map(parameterOf) as postgres.ParameterOrJSON<never>[], { simple: false } as any)
          .raw()
          .execute(),
      )
      for (const one of await Promise.allSettled(sent))
        results.push(one.status === 'fulfilled' ? one.value : one.reason)
      return
    }
    case 'copy-in': {
      const writable = await sql.unsafe(step.text).writable()
      await pipeline(Readable.from([Buffer.from(step.input, 'hex')]), writable)
      return
    }
    case 'copy-out': {
      const readable = await sql.unsafe(step.text).readable()
      let text = ''
      for await (const piece of readable) text += bytesShown(piece)
      results.push({ text })
      return
    }
    case 'cancel': {
      const running = sql.unsafe(step.text).simple().execute()
      running.catch(() => {})
      await open.place.running(step.text)
      running.cancel()
      results.push(await running)
      return
    }
    case 'notified': {
      await until('a notification', () => (open.notifications.length >= step.count ? true : null), 5_000)
      results.push({ notifications: open.notifications.splice(0, step.count) })
    }
  }
}
