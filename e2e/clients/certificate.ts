// Clients that log in with a certificate and run one statement: each is given what `sallyport connect TARGET --certificate` printed,
// in the form that it takes, and no password.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import postgres from 'postgres'
import { root } from '../stack/root.ts'
import { hasPsql } from '../stack/use.ts'
import { driverJar, hasJdbc, hasPython, python } from './programs.ts'
import { output, psycopgProgram } from './ticket.ts'

/** What `sallyport connect TARGET --certificate --json` prints, as far as clients need it. */
export interface CertificatePlace {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly url: string
  readonly jdbc: string
  readonly sslrootcert: string
  readonly sslcert: string
  readonly sslkey: string
}

export interface CertificateClient {
  readonly name: string
  readonly isThere: boolean
  /** The first column of the result, one row a line. Rejects with the client's words. */
  run(place: CertificatePlace, sql: string): Promise<string>
}

const lines = (rows: readonly (readonly unknown[])[]): string => rows.map(([value]) => `${value}\n`).join('')

export const certificateClients: readonly CertificateClient[] = [
  {
    name: 'psql',
    isThere: hasPsql,
    run: ({ url }, sql) => output('psql', ['-XAtw', '-c', sql, url]),
  },
  {
    name: 'psycopg',
    isThere: hasPython('psycopg'),
    run: ({ url }, sql) => output(python, ['-c', psycopgProgram, url, sql]),
  },
  {
    name: 'psycopg2',
    isThere: hasPython('psycopg2'),
    run: ({ url }, sql) => output(python, ['-c', psycopg2Program, url, sql]),
  },
  {
    name: 'SQLAlchemy',
    isThere: hasPython('sqlalchemy'),
    run: ({ url }, sql) => output(python, ['-c', sqlalchemyProgram, url, sql]),
  },
  {
    name: 'node-postgres',
    isThere: true,
    async run({ url }, sql) {
      const client = new pg.Client({ connectionString: url })
      client.on('error', () => {})
      try {
        await client.connect()
        return lines((await client.query({ text: sql, rowMode: 'array' })).rows)
      } finally {
        await client.end().catch(() => {})
      }
    },
  },
  {
    name: 'postgres.js',
    isThere: true,
    async run({ host, port, database, user, sslrootcert, sslcert, sslkey }, sql) {
      const [ca, cert, key] = [sslrootcert, sslcert, sslkey].map((path) => readFileSync(path, 'utf8'))
      const open = postgres({ host, port, database, username: user, ssl: { ca, cert, key }, max: 1 })
      try {
        return lines(await open.unsafe(sql).values())
      } finally {
        await open.end({ timeout: 5 })
      }
    },
  },
  {
    name: 'pgjdbc',
    isThere: hasJdbc,
    run: ({ jdbc }, sql) => {
      const program = join(root, 'e2e', 'clients', 'OneStatement.java')
      return output('java', ['-cp', driverJar, program, sql], `url=${jdbc}`)
    },
  },
]

const psycopg2Program = `import psycopg2, sys
with psycopg2.connect(sys.argv[1]).cursor() as cursor:
    cursor.execute(sys.argv[2])
    for row in cursor: print(row[0])`

const sqlalchemyProgram = `import sqlalchemy, sys
engine = sqlalchemy.create_engine(sys.argv[1].replace('postgresql:', 'postgresql+psycopg2:', 1))
with engine.connect() as connection:
    for row in connection.execute(sqlalchemy.text(sys.argv[2])): print(row[0])`
