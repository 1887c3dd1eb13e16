// Clients that log in with a ticket and run one statement: each gets the connection in its own manner, and prints what came.
import { join } from 'node:path'
import pg from 'pg'
import { root } from '../stack/root.ts'
import { hasPsql } from '../stack/use.ts'
import { driverJar, hasJdbc, hasPython, python } from './programs.ts'
import { printedBy } from './tools.ts'

/** What `sallyport ticket TARGET --json` prints, as far as clients need it. */
export interface TicketPlace {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
  readonly sslrootcert: string
  readonly ca: string
}

export interface TicketClient {
  readonly name: string
  readonly isThere: boolean
  /** Binds the login to the channel inside TLS, in every version. */
  readonly binds: boolean
  /** The first column of the result, one row a line. Rejects with the client's words. */
  run(place: TicketPlace, tls: boolean, sql: string): Promise<string>
}

const libpqUrl = ({ host, port, database, user, password, sslrootcert }: TicketPlace, tls: boolean): string => {
  const query: Record<string, string> = tls
    ? { sslmode: 'verify-full', channel_binding: 'require', sslrootcert }
    : { sslmode: 'disable' }
  return `postgresql://${user}:${password}@${host}:${port}/${database}?${new URLSearchParams(query)}`
}

export const ticketClients: readonly TicketClient[] = [
  {
    name: 'psql',
    isThere: hasPsql,
    binds: true,
    run: (place, tls, sql) => output('psql', ['-XAt', '-c', sql, libpqUrl(place, tls)]),
  },
  {
    name: 'psycopg',
    isThere: hasPython('psycopg'),
    binds: true,
    run: (place, tls, sql) => output(python, ['-c', psycopgProgram, libpqUrl(place, tls), sql]),
  },
  {
    name: 'node-postgres',
    isThere: true,
    binds: true,
    async run({ host, port, database, user, password, ca }, tls, sql) {
      // Typed by a later version of its types.
      const more = { enableChannelBinding: tls }
      const client = new pg.Client({ host, port, database, user, password, ssl: tls ? { ca } : false, ...more })
      client.on('error', () => {})
      try {
        await client.connect()
        const { rows } = await client.query({ text: sql, rowMode: 'array' })
        return rows.map(([value]: unknown[]) => `${value}\n`).join('')
      } finally {
        await client.end().catch(() => {})
      }
    },
  },
  {
    name: 'pgjdbc',
    isThere: hasJdbc,
    // Debian's does not; later ones may.
    binds: false,
    run: ({ host, port, database, user, password, sslrootcert }, tls, sql) => {
      const url = `jdbc:postgresql://${host}:${port}/${database}`
      const more = tls ? { sslmode: 'verify-full', sslrootcert } : { sslmode: 'disable' }
      const input = Object.entries({ url, user, password, ...more }).map(([name, value]) => `${name}=${value}`)
      const program = join(root, 'e2e', 'clients', 'OneStatement.java')
      return output('java', ['-cp', driverJar, program, sql], input.join('\n'))
    },
  },
]

export const psycopgProgram = `import psycopg, sys
for row in psycopg.connect(sys.argv[1]).execute(sys.argv[2]): print(row[0])`

/** What a program printed that ended well. Rejects with its words. */
export async function output(command: string, parameters: readonly string[], input = ''): Promise<string> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', LC_ALL: 'C.UTF-8' }
  const { status, stdout, stderr } = await printedBy(command, parameters, env, input)
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`)
  return stdout
}
