// The API of the control plane as one person of the demo, and connections to the target with that person's token.
import assert from 'node:assert'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliLoginResponse, TokenResponse } from '@sallyport/api/signin'
import pg from 'pg'
import type { Idp } from './idp.ts'

export interface Answer {
  readonly status: number
  readonly body: any
  readonly text: string
}

export interface PersonApi {
  readonly login: string
  readonly bearer: string
  get(path: string): Promise<Answer>
  post(path: string, body: unknown): Promise<Answer>
  /** A token for a target, and where to use it. */
  token(target?: string): Promise<TokenResponse>
  /** node-postgres over TLS that is verified in full. Not connected yet. */
  client(target?: string): Promise<pg.Client>
}

/** The whole device flow at the real provider, then a login of ours. */
export async function loginAs(idp: Pick<Idp, 'deviceIdToken'>, url: string, login: string): Promise<CliLoginResponse> {
  const idToken = await idp.deviceIdToken(login)
  const answer = await request(`${url}/api/v1/auth/cli`, null, { provider: 'demo', idToken })
  assert.equal(answer.status, 200, answer.text)
  return CliLoginResponse.parse(answer.body)
}

export function personApi(url: string, login: string, bearer: string): PersonApi {
  const token = async (target = 'shop') => {
    const answer = await request(`${url}/api/v1/tokens`, bearer, { target })
    assert.equal(answer.status, 200, answer.text)
    return TokenResponse.parse(answer.body)
  }
  return {
    login,
    bearer,
    get: (path) => request(`${url}${path}`, bearer, undefined),
    post: (path, body) => request(`${url}${path}`, bearer, body),
    token,
    client: async (target) => clientOf(await token(target)),
  }
}

/** `password` replaces the token: what a workload shows, or a forger. */
export function clientOf(issued: TokenResponse, changes: Partial<pg.ClientConfig> = {}): pg.Client {
  const { host, port, database, user, ca } = issued.connection
  const ssl = { ca, rejectUnauthorized: true }
  return new pg.Client({ host, port, database, user, password: issued.token, ssl, ...changes })
}

async function request(url: string, bearer: string | null, body: unknown): Promise<Answer> {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true && !text.includes('}\n{')
  return { status: response.status, text, body: isJson && text !== '' ? JSON.parse(text) : undefined }
}

/** The CLI's stored login in a folder of its own (XDG_CONFIG_HOME), as `sallyport login` leaves it. */
export function writeCliLogin(folder: string, url: string, login: CliLoginResponse): void {
  mkdirSync(join(folder, 'sallyport'), { recursive: true, mode: 0o700 })
  const stored = {
    v: 1,
    url,
    provider: 'demo',
    accessToken: login.accessToken,
    expiresAt: login.expiresAt,
    me: { ...login.me, csrfToken: null },
  }
  writeFileSync(join(folder, 'sallyport', 'login.json'), `${JSON.stringify(stored, undefined, 2)}\n`, { mode: 0o600 })
}
