// pgbouncer as a peer: session mode, and for a database of another name transaction mode; SCRAM on both sides, TLS on both sides with names verified or on neither, everything else
// as it comes.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerCertificate } from '../stack/certs.ts'
import { lastLines } from '../stack/child.ts'
import type { Account } from '../stack/postgres-place.ts'
import type { Reaper } from '../stack/reaper.ts'
import { sharedConnections } from './documents.ts'

export interface PgbouncerOptions {
  readonly file: string
  /** Private; it and what is written there go to the account. */
  readonly dir: string
  readonly port: number
  readonly tls: boolean
  readonly target: { readonly port: number; readonly ca: string; readonly user: string; readonly password: string }
  readonly certificate: ServerCertificate
  /** pgbouncer does not run as root. */
  readonly account: Account | undefined
  readonly reaper: Reaper
}

export interface Pgbouncer {
  readonly processId: number
  stop(): Promise<void>
}

/** As many as the memory case opens, and a few. */
const poolSize = 1_100

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`

export async function startPgbouncer(options: PgbouncerOptions): Promise<Pgbouncer> {
  const { dir, port, target, certificate, account } = options
  const write = (name: string, text: string): string => {
    const file = join(dir, name)
    writeFileSync(file, text, { mode: 0o600 })
    if (account !== undefined) chownSync(file, account.uid, account.gid)
    return file
  }
  const users = write('users.txt', `${quoted(target.user)} ${quoted(target.password)}\n`)
  const ini = write(
    'pgbouncer.ini',
    [
      '[databases]',
      `bench = host=localhost port=${target.port} dbname=bench`,
      `bench_shared = host=localhost port=${target.port} dbname=bench pool_mode=transaction pool_size=${sharedConnections}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'pool_mode = session',
      `default_pool_size = ${poolSize}`,
      'max_client_conn = 2000',
      'auth_type = scram-sha-256',
      `auth_file = ${users}`,
      ...(options.tls
        ? [
            'client_tls_sslmode = require',
            `client_tls_cert_file = ${write('server.crt', certificate.cert)}`,
            `client_tls_key_file = ${write('server.key', certificate.key)}`,
            'server_tls_sslmode = verify-full',
            `server_tls_ca_file = ${write('target-ca.pem', target.ca)}`,
          ]
        : ['client_tls_sslmode = disable', 'server_tls_sslmode = disable']),
      'ignore_startup_parameters = extra_float_digits',
      'log_connections = 0',
      'log_disconnections = 0',
      '',
    ].join('\n'),
  )
  const logFile = join(dir, 'pgbouncer.log')
  const log = openSync(logFile, 'a', 0o600)
  const child: ChildProcess = spawn(options.file, [ini], {
    cwd: dir,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', log, log],
    detached: true,
    ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
  })
  closeSync(log)
  const processId = child.pid
  if (processId === undefined) throw new Error('pgbouncer could not be started')
  options.reaper.add(processId)
  const exited = once(child, 'exit').then(() => options.reaper.drop(processId))
  return {
    processId,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) {
        process.stderr.write(`pgbouncer had ended by itself: ${lastLines(logFile)}\n`)
        return
      }
      // SIGINT waits for clients; SIGTERM ends at once (pgbouncer(1), "Signals").
      child.kill('SIGTERM')
      await exited
    },
  }
}
