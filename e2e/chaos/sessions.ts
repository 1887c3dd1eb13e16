// How each kind of client of the storm uses one connection: a few turns, then it hangs up. Whatever happens on the way is
// thrown; the load counts it and lets the client come again.
import type { Socket } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import Cursor from 'pg-cursor'
import postgres from 'postgres'
import { rowsPerOwner } from './documents.ts'
import { type Asker, expectOwn, inTime, type OwnedRow, shownSecret, type Tally } from './tally.ts'

export interface Seat {
  readonly asker: Asker
  readonly tally: Tally
  readonly config: pg.ClientConfig & { readonly host: string; readonly port: number; readonly ssl: { ca: string } }
  readonly random: () => number
  readonly isStopping: () => boolean
  /** Rejects when the connection is over, though its driver may not say so to whoever waits for an answer. */
  readonly ended: Promise<never>
  /** Between two turns: so that ten minutes do not fill a disk. */
  think(): Promise<void>
}

export type Session = (seat: Seat) => Promise<void>

const turnsMax = 40
const someTurns = ({ random }: Seat): number => 1 + Math.floor(random() * turnsMax)

/** A record keeps no constant of a statement that reads what is masked, so the mark is a name in it as well. */
const rowsText = (asker: Asker, mark: string, count: number): string =>
  `SELECT '${mark}' AS who, owner, id, secret FROM chaos_rows AS ${mark} WHERE owner = '${asker.name}' ORDER BY id LIMIT ${count}`
/** One text for all turns of an asker: its name in it counts them in the record. */
const preparedText = ({ name }: Asker): string =>
  `SELECT $1::text AS who, owner, id, secret FROM chaos_rows AS ${name} WHERE owner = $2 ORDER BY id LIMIT $3::int`

/** Connects, runs and always hangs up. */
async function connected(seat: Seat, run: (client: pg.Client, seat: Seat) => Promise<void>): Promise<void> {
  const client = new pg.Client(seat.config)
  client.on('error', () => {})
  const ended = new Promise<never>((_, reject) => client.once('end', () => reject(new Error('the connection ended'))))
  ended.catch(() => {})
  try {
    await inTime(seat.tally, `${seat.asker.name} connects`, client.connect())
    await run(client, { ...seat, ended })
  } finally {
    await inTime(seat.tally, `${seat.asker.name} hangs up`, client.end()).catch(() => {})
  }
}

async function turns(seat: Seat, count: number, turn: (mark: string) => Promise<void>): Promise<void> {
  for (let at = 0; at < count && !seat.isStopping(); at++) {
    const mark = seat.asker.mark()
    await inTime(seat.tally, mark, Promise.race([turn(mark), seat.ended]))
    await seat.think()
  }
}

const simple: Session = (given) =>
  connected(given, (client, seat) =>
    turns(seat, someTurns(seat), async (mark) => {
      const count = 1 + Math.floor(seat.random() * 50)
      const { rows } = await client.query<OwnedRow>(rowsText(seat.asker, mark, count))
      expectOwn(seat.tally, seat.asker, mark, rows, count)
    }),
  )

const prepared: Session = (given) =>
  connected(given, (client, seat) =>
    turns(seat, someTurns(seat), async (mark) => {
      const values = [mark, seat.asker.name, rowsPerOwner]
      const { rows } = await client.query<OwnedRow>({ name: 'rows', text: preparedText(seat.asker), values })
      expectOwn(seat.tally, seat.asker, mark, rows, rowsPerOwner)
    }),
  )

const short: Session = (given) =>
  connected(given, (client, seat) =>
    turns(seat, 1, async (mark) => {
      const { rows } = await client.query<OwnedRow>(rowsText(seat.asker, mark, 1))
      expectOwn(seat.tally, seat.asker, mark, rows, 1)
    }),
  )

/** Two rows of one transaction: there are both or none. */
const transaction: Session = (given) =>
  connected(given, (client, seat) =>
    turns(seat, someTurns(seat), async (mark) => {
      await client.query('BEGIN')
      await client.query(`INSERT INTO chaos_halves VALUES ('${mark}', 1)`)
      if (seat.random() < 0.2) {
        // What it has written is undone with it.
        await client.query('ROLLBACK')
        return
      }
      await client.query('INSERT INTO chaos_halves VALUES ($1, 2)', [mark])
      await client.query('COMMIT')
      seat.tally.committed.add(mark)
    }),
  )

const cursor: Session = (given) =>
  connected(given, (client, seat) =>
    turns(seat, 3, async (mark) => {
      const open = client.query(new Cursor<OwnedRow>(preparedText(seat.asker), [mark, seat.asker.name, rowsPerOwner]))
      const rows: OwnedRow[] = []
      for (let more = await open.read(50); more.length > 0; more = await open.read(50)) rows.push(...more)
      await open.close()
      expectOwn(seat.tally, seat.asker, mark, rows, rowsPerOwner)
    }),
  )

const copy: Session = (given) =>
  connected(given, (client, seat) =>
    turns(seat, 3, async (mark) => {
      // Of a column that is masked nothing may be copied out, so the secret stays where it is.
      const text = rowsText(seat.asker, mark, 50).replace(', secret FROM', ' FROM')
      const out = await textOf(client.query(copyTo(`COPY (${text}) TO STDOUT`)))
      const rows = out
        .trimEnd()
        .split('\n')
        .map((line): OwnedRow => {
          const [who = '', owner = '', id = ''] = line.split('\t')
          return { who, owner, id: Number(id), secret: shownSecret(seat.asker, Number(id)) }
        })
      expectOwn(seat.tally, seat.asker, mark, rows, 50)
    }),
  )

/** postgres.js sends what is asked at once without waiting for the answers before. */
const pipelined: Session = async (seat) => {
  const { host, port, database, user, password, ssl } = seat.config
  const sql = postgres({
    host,
    port,
    database: database ?? '',
    username: user ?? '',
    password: String(password),
    ssl: { ca: ssl.ca, servername: 'localhost' },
    max: 2,
    connect_timeout: 60,
    // It would ask for types on its own, and let nobody know when that fails.
    fetch_types: false,
    connection: { application_name: seat.config.application_name ?? '' },
    onnotice: () => {},
  })
  try {
    for (let at = 0; at < someTurns(seat) && !seat.isStopping(); at++) {
      const marks = Array.from({ length: 8 }, () => seat.asker.mark())
      const all = marks.map(async (mark) => {
        const rows = await sql.unsafe<OwnedRow[]>(preparedText(seat.asker), [mark, seat.asker.name, 20], {
          prepare: true,
        })
        expectOwn(seat.tally, seat.asker, mark, rows, 20)
      })
      await inTime(seat.tally, marks.join(), Promise.all(all))
      await seat.think()
    }
  } finally {
    await sql.end({ timeout: 5 }).catch(() => {})
  }
}

/** Asks for what a rule denies, between statements that are allowed. */
const denied: Session = (given) =>
  connected(given, (client, seat) =>
    turns(seat, 10, async (mark) => {
      seat.tally.denied.add(mark)
      const thrown: unknown = await client
        .query(`DELETE FROM chaos_rows WHERE owner = '${mark}'`)
        .catch((error) => error)
      if (!(thrown instanceof Error)) seat.tally.wrong.push(`${mark}: a DELETE was let through`)
      else if (!('code' in thrown) || thrown.code !== '42501') throw thrown
    }),
  )

/** Runs for long and says nothing meanwhile; it gives up by a cancel, or by hanging up in the middle. */
const sleeper: Session = (given) =>
  connected(given, async (client, seat) => {
    const mark = seat.asker.mark()
    const asleep = inTime(
      seat.tally,
      mark,
      Promise.race([client.query(`SELECT '${mark}' AS who FROM pg_sleep(20)`), seat.ended]),
    )
    asleep.catch(() => {})
    await seat.think()
    if (seat.random() < 0.5) streamOf(client).destroy()
    await asleep
  })

/** Asks for far more than the sockets hold and reads nothing of it, until somebody ends that. */
export const neverReads: Session = (given) =>
  connected(given, async (client, seat) => {
    const mark = seat.asker.mark()
    const closed = new Promise<void>((done) => streamOf(client).once('close', () => done()))
    client
      .query(`SELECT '${mark}' AS who, a.owner, ${mark}.pad FROM chaos_rows a, chaos_rows AS ${mark} LIMIT 400000`)
      .catch(() => {})
    streamOf(client).pause()
    await whileNotStopping(seat, closed)
    streamOf(client).destroy()
  })

/** Begins a message and sends on a byte a second. */
export const byteASecond: Session = (given) =>
  connected(given, async (client, seat) => {
    const stream = streamOf(client)
    const closed = new Promise<void>((done) => stream.once('close', () => done()))
    // Type and length of a Query of 4 kB; what follows are spaces.
    const header = [0x51, 0, 0, 0x10, 0]
    let sent = 0
    const timer = setInterval(() => {
      if (stream.writable) stream.write(Buffer.of(header[sent++] ?? 0x20))
    }, 1_000)
    await whileNotStopping(seat, closed)
    clearInterval(timer)
    stream.destroy()
  })

/** Until it was closed or the storm is over. */
async function whileNotStopping(seat: Seat, closed: Promise<void>): Promise<void> {
  let isClosed = false
  void closed.then(() => {
    isClosed = true
  })
  while (!isClosed && !seat.isStopping()) await Promise.race([closed, seat.think()])
}

/** node-postgres keeps its socket here. */
export const streamOf = (client: pg.Client): Socket =>
  (client as unknown as { connection: { stream: Socket } }).connection.stream

/** By their names, in the order in which seats are taken. */
export const sessions = {
  simple,
  prepared,
  short,
  transaction,
  pipelined,
  cursor,
  denied,
  sleeper,
  copy,
  neverReads,
  byteASecond,
} satisfies Record<string, Session>
