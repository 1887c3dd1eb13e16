// Scripts by node-postgres, its cursors and its COPY streams. The trace is every message that arrives, in order.
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import pg from 'pg'
import copyStreams from 'pg-copy-streams'
import Cursor from 'pg-cursor'
import { until } from '../stack/until.ts'
import { bounded, bytesShown, type Driver, isTidy, type Place, tidyUp } from './driver.ts'
import type { Parameter, Script, Step } from './script.ts'
import type { Outcome, StepTrace } from './trace.ts'

type Message = Readonly<Record<string, any>> & { readonly name: string }

interface Open {
  readonly client: pg.Client
  readonly place: Place
  readonly arrived: {
    /** Taken by each step. */
    messages: Message[]
    readonly notifications: Message[]
    hasEnded: boolean
    onMessage: () => void
  }
  readonly other: () => Promise<Open>
}

export function startNodePostgres(): Driver {
  let kept: Open | undefined
  return {
    async run(place, script) {
      const others: Open[] = []
      const other = async () => {
        others[0] ??= await connect(place, undefined)
        return others[0]
      }
      const open = { ...(kept ?? (await connect(place, script))), other }
      kept = undefined
      const trace: StepTrace[] = []
      try {
        for (const step of script.steps) trace.push(await traced(open, step))
        if (isTidy(script)) kept = await tidied(open)
        return trace
      } finally {
        for (const one of kept === undefined ? [open, ...others] : others) await one.client.end().catch(() => {})
      }
    },
    async close() {
      await kept?.client.end().catch(() => {})
    },
  }
}

async function tidied(open: Open): Promise<Open | undefined> {
  try {
    for (const text of tidyUp) await bounded(open.client.query(text), text)
    return open
  } catch {
    return undefined
  }
}

const rawTypes = { getTypeParser: () => (value: unknown) => value } as unknown as pg.CustomTypesConfig

async function connect(place: Place, script: Script | undefined): Promise<Open> {
  const { host, port, database, user, password, ca } = place
  const isPipelined = script?.steps.some(({ verb }) => verb === 'pipeline') === true
  const config = { host, port, database, user, password, ssl: { ca }, types: rawTypes, pipeline: isPipelined }
  const client = new pg.Client(config)
  client.on('error', () => {})
  const arrived: Open['arrived'] = { messages: [], notifications: [], hasEnded: false, onMessage: () => {} }
  await bounded(client.connect(), 'connect')
  ;(client as any).connection.on('message', (message: Message) => {
    // Whenever they come: the step that waits for them tells of them.
    if (message.name === 'notification') arrived.notifications.push(message)
    else arrived.messages.push(message)
    arrived.onMessage()
  })
  client.on('end', () => {
    arrived.hasEnded = true
    arrived.onMessage()
  })
  return {
    client,
    place,
    arrived,
    other: () => Promise.reject(new Error('the second connection has no other')),
  }
}

async function traced(open: Open, step: Step): Promise<StepTrace> {
  const { arrived } = step.verb === 'other' ? await open.other() : open
  arrived.messages = []
  const failure = await bounded(perform(open, step), step.text).then(
    () => undefined,
    (thrown: any) => (thrown?.severity === undefined ? { message: String(thrown?.message) } : undefined),
  )
  // node-postgres gives an error up before the server is ready again.
  const due = Math.max(1, step.statements.length)
  if (failure === undefined && step.verb !== 'notified') await bounded(ready(arrived, due), 'ready').catch(() => {})
  const messages = arrived.messages.map(plain)
  const seen = failure === undefined ? messages : [...messages, { failure }]
  return { outcomes: outcomesOf(arrived.messages), seen }
}

async function ready(arrived: Open['arrived'], due: number): Promise<void> {
  while (arrived.messages.filter(({ name }) => name === 'readyForQuery').length < due && !arrived.hasEnded)
    await new Promise<void>((resolve) => {
      arrived.onMessage = resolve
    })
}

/** Without lengths, and with bytes as texts. */
function plain(message: Message): unknown {
  const { name, length: _, ...rest } = message
  if (name === 'dataRow') return [name, ...message.fields.map(show)]
  if (name === 'copyData') return [name, bytesShown(message.chunk)]
  // An Error's own fields are not enumerated by themselves.
  if (name === 'error' || name === 'notice') return { ...rest, message: message.message, name, length: undefined }
  return { name, ...rest }
}

const show = (value: unknown): unknown => (Buffer.isBuffer(value) ? bytesShown(value) : value)

function outcomesOf(messages: readonly Message[]): Outcome[] {
  const outcomes: Outcome[] = []
  let rows: (string | null)[][] = []
  for (const message of messages) {
    if (message.name === 'dataRow') rows.push(message.fields.map(show))
    else if (message.name === 'commandComplete' || message.name === 'portalSuspended') {
      outcomes.push({ rows })
      rows = []
    } else if (message.name === 'error') {
      outcomes.push({ error: { code: message.code ?? '', hint: message.hint ?? '' } })
      rows = []
    }
  }
  return outcomes
}

export const parameterOf = (value: Parameter): unknown =>
  value !== null && typeof value === 'object' ? Buffer.from(value.hex, 'hex') : value

async function perform(open: Open, step: Step): Promise<void> {
  const { client } = open
  const values = step.values.map(parameterOf)
  switch (step.verb) {
    case 'query':
      await client.query(step.text)
      return
    case 'bind':
      // Without values node-postgres would send a simple query.
      await client.query({ text: step.text, values, queryMode: 'extended' } as pg.QueryConfig)
      return
    case 'binary':
      await client.query({ text: step.text, values, binary: true } as pg.QueryConfig)
      return
    case 'prepared':
      await client.query({ name: step.name, text: step.text, values })
      return
    case 'cursor':
      return await readBatches(client, step, values)
    case 'pipeline': {
      const sent = step.statements.map(({ text, values }) =>
        client.query({ text, values: values.map(parameterOf), queryMode: 'extended' } as pg.QueryConfig),
      )
      await Promise.allSettled(sent)
      return
    }
    case 'copy-in':
      await pipeline(Readable.from([Buffer.from(step.input, 'hex')]), client.query(copyStreams.from(step.text)))
      return
    case 'copy-out':
      await pipeline(client.query(copyStreams.to(step.text)), new Writable({ write: (_, __, done) => done() }))
      return
    case 'cancel':
      return await cancel(open, step.text)
    case 'other': {
      const other = await open.other()
      await other.client.query(step.text)
      return
    }
    case 'notified': {
      const wanted = step.count
      const { notifications, messages } = open.arrived
      await until('a notification', () => (notifications.length >= wanted ? true : null), 5_000)
      messages.push(...notifications.splice(0, wanted))
    }
  }
}

async function readBatches(client: pg.Client, step: Step, values: unknown[]): Promise<void> {
  const cursor = client.query(new Cursor(step.text, values, { types: rawTypes }))
  for (;;) {
    const rows = await cursor.read(step.count)
    if (rows.length < step.count) break
  }
  await cursor.close()
}

async function cancel({ client, place }: Open, text: string): Promise<void> {
  const { host, port } = place
  const running = client.query(text)
  running.catch(() => {})
  await place.running(text)
  // As its own cancel() does, which is in clear text.
  const { connection } = new pg.Client() as any
  const { processID, secretKey } = client as any
  connection.on('error', () => {})
  connection.once('connect', () => connection.cancel(processID, secretKey))
  connection.connect(port, host)
  await running
}
