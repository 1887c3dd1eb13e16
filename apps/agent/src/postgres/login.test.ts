// The login against servers of wire messages: what is sent for what is asked, and which servers are refused.
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { type Duplex, duplexPair } from 'node:stream'
import { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import { decodeFrontend, decodePassword, decodeSaslInitial } from '@sallyport/wire/postgres/decode'
import { encodeBackend, encodeStartup } from '@sallyport/wire/postgres/encode'
import { FrameSplitter } from '@sallyport/wire/postgres/frames'
import type { Authentication, BackendMessage } from '@sallyport/wire/postgres/messages'
import { frontendCaps } from '@sallyport/wire/postgres/names'
import { ProtocolError } from '@sallyport/wire/protocol-error'
import { describe, expect, test } from 'vitest'
import { Conversation } from './conversation.ts'
import { type LoggedIn, logIn } from './login.ts'

const password = 'correct horse'
const startup = encodeStartup({ type: 'startup', major: 3, minor: 0, parameters: [['user', 'app']] })

/** A certificate whose key nobody has, signed with ecdsa-with-SHA256: all that matters is its hash. */
const certificate = Buffer.from(
  [
    'MIIBdzCCAR2gAwIBAgIUEornbYqxcuL/L/B+z1j8CmGR1EcwCgYIKoZIzj0EAwIwETEPMA0GA1UEAwwGdGFyZ2V0MB4XDTI2MTEyNDA3MzcxNF',
    'oXDTM2MTEyMTA3MzcxNFowETEPMA0GA1UEAwwGdGFyZ2V0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiWkA67LCI6xGCIxkb8hG5MoBfwKR',
    'tnnRxrOSrgcK+jgK/+usRYR9pTUBjJU7+qTW75DteTPD9SgybZ2Kme5pCKNTMFEwHQYDVR0OBBYEFDhHB10tidUy9S5tR4J+7K00Wd++MB8GA1',
    'UdIwQYMBaAFDhHB10tidUy9S5tR4J+7K00Wd++MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgQsvLeVvQ+Iix/U5oWFvEqK2D',
    'amJakvEvWkxSwQkOamsCIQDwvc3x8ex2ku7p476aQiUUP+SO1mhcU/C4ZcqCAvyFjg==',
  ].join(''),
  'base64',
)

/** The server's side of one login: reads password messages, and says what the test wants. */
class Server {
  readonly #stream: Duplex
  readonly #splitter = new FrameSplitter(frontendCaps())
  readonly #received: Buffer[] = []
  #wake = () => {}

  constructor(stream: Duplex) {
    this.#stream = stream
    let first = true
    stream.on('data', (chunk: Buffer) => {
      const bytes = first ? chunk.subarray(startup.length) : chunk
      first = false
      for (const frame of this.#splitter.push(bytes)) {
        const message = decodeFrontend(frame)
        if (message.type === 'password') this.#received.push(Buffer.from(message.bytes))
      }
      this.#wake()
    })
  }
  say(...messages: readonly BackendMessage[]): void {
    this.#stream.write(Buffer.concat(messages.map(encodeBackend)))
  }
  ask(authentication: Authentication): void {
    this.say({ type: 'authentication', authentication })
  }
  async password(): Promise<Buffer> {
    for (;;) {
      const bytes = this.#received.shift()
      if (bytes !== undefined) return bytes
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
  }
  hangUp(): void {
    this.#stream.end()
  }
  get unread(): number {
    return this.#received.length
  }
}

const settings = (changed: Readonly<Record<string, string>> = {}): BackendMessage[] =>
  Object.entries({
    server_encoding: 'UTF8',
    client_encoding: 'UTF8',
    standard_conforming_strings: 'on',
    integer_datetimes: 'on',
    ...changed,
  }).map(([name, value]) => ({ type: 'parameterStatus', name, value }))
const ready: BackendMessage = { type: 'readyForQuery', status: 'I' }

/** Runs a login against a server that a test plays. */
async function meet(
  play: (server: Server) => Promise<void> | void,
  tls: Buffer | null = null,
): Promise<{ readonly loggedIn?: LoggedIn; readonly refusal?: string; readonly server: Server }> {
  const [near, far] = duplexPair()
  far.on('error', () => {})
  near.on('error', () => {})
  const server = new Server(far)
  const conversation = new Conversation(near, 100_000)
  const random = (bytes: number) => new Uint8Array(bytes).fill(7)
  const login = logIn(conversation, { user: 'app', password: new Secret(password), random, certificate: tls, startup })
  const outcome = login.then(
    (loggedIn) => ({ loggedIn }),
    (thrown: unknown) => {
      expect(thrown).toBeInstanceOf(Error)
      const error = thrown as Error
      // What breaks the protocol is made neutral by connectUpstream.
      if (error instanceof SallyportError && !(error instanceof ProtocolError)) {
        expect(error.message).not.toContain(password)
        expect(error.message).toMatch(/^the target (refused the connection|takes no connections at the moment)$/)
        expect(String(error.cause)).not.toContain(password)
        return { refusal: `${error.code} ${error.cause instanceof Error ? error.cause.message : ''}` }
      }
      return { refusal: error.message }
    },
  )
  await play(server)
  return { ...(await outcome), server }
}

/** The server's half of SCRAM, written from the RFC and not from our client. */
async function scram(server: Server, mechanisms: readonly string[], cheat: 'no' | 'signature' | 'skip' = 'no') {
  server.ask({ kind: 'sasl', mechanisms })
  const initial = decodeSaslInitial(await server.password())
  const first = (initial.response ?? Buffer.alloc(0)).toString()
  const bare = first.slice(first.indexOf('n=,'))
  const nonce = `${bare.slice('n=,r='.length)}server`
  const salt = Buffer.from('0123456789abcdef')
  const challenge = `r=${nonce},s=${salt.toString('base64')},i=4096`
  server.ask({ kind: 'saslContinue', bytes: Buffer.from(challenge) })
  const final = (await server.password()).toString()
  const [channel = '', echoed = '', proof = ''] = final.split(',').map((part) => part.slice(2))
  expect(echoed).toBe(nonce)
  const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const salted = pbkdf2Sync(password, salt, 4096, 32, 'sha256')
  const auth = `${bare},${challenge},c=${channel},r=${nonce}`
  const clientKey = hmac(salted, 'Client Key')
  const signature = hmac(createHash('sha256').update(clientKey).digest(), auth)
  expect(proof).toBe(Buffer.from(clientKey.map((byte, at) => byte ^ signature[at]!)).toString('base64'))
  const serverSignature = hmac(hmac(salted, 'Server Key'), auth)
  if (cheat === 'signature') serverSignature[0]! ^= 1
  if (cheat !== 'skip') server.ask({ kind: 'saslFinal', bytes: Buffer.from(`v=${serverSignature.toString('base64')}`) })
  return { mechanism: initial.mechanism, channel: Buffer.from(channel, 'base64') }
}

const both = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256']

describe('how the credential is shown', () => {
  test('SCRAM without TLS says that it cannot bind', async () => {
    const { loggedIn } = await meet(async (server) => {
      const used = await scram(server, ['SCRAM-SHA-256'])
      expect(used).toEqual({ mechanism: 'SCRAM-SHA-256', channel: Buffer.from('n,,') })
      server.ask({ kind: 'ok' })
      server.say(...settings(), { type: 'backendKeyData', processId: 5, key: Buffer.from('abcd') }, ready)
    })
    expect(loggedIn?.parameters.get('server_encoding')).toBe('UTF8')
    expect(loggedIn?.backendKey).toEqual({ processId: 5, key: new Uint8Array(Buffer.from('abcd')) })
  })
  test('notices on the way are passed over', async () => {
    const notice: BackendMessage = { type: 'noticeResponse', fields: [['M', 'hello']] }
    const { loggedIn } = await meet((server) => {
      server.say(notice)
      server.ask({ kind: 'ok' })
      server.say(...settings(), notice, ready)
    })
    expect(loggedIn?.backendKey).toBeNull()
  })
  test('a password in clear text goes through TLS only', async () => {
    const inside = await meet(async (server) => {
      server.ask({ kind: 'cleartext' })
      expect(decodePassword(await server.password())).toBe(password)
      server.ask({ kind: 'ok' })
      server.say(...settings(), ready)
    }, certificate)
    expect(inside.loggedIn).toBeDefined()
    const outside = await meet((server) => server.ask({ kind: 'cleartext' }))
    expect(outside.refusal).toContain('UPSTREAM_REFUSED the target asks for the password in clear text without TLS')
    expect(outside.server.unread).toBe(0)
  })
})

describe('a server is refused that', () => {
  const over = (messages: readonly BackendMessage[]) => (server: Server) => {
    server.ask({ kind: 'ok' })
    server.say(...messages)
  }
  test.each<[string, (server: Server) => void | Promise<void>, string]>([
    ['asks for MD5', (server) => server.ask({ kind: 'md5', salt: Buffer.from('salt') }), 'MD5'],
    ['asks for GSS', (server) => server.ask({ kind: 'unsupported', code: 7 }), 'authentication method 7'],
    ['offers no SCRAM', (server) => server.ask({ kind: 'sasl', mechanisms: ['OAUTHBEARER'] }), 'no SASL mechanism'],
    ['begins in the middle', (server) => server.ask({ kind: 'saslFinal', bytes: Buffer.alloc(1) }), 'not begun'],
    [
      'says no',
      (server) =>
        server.say({
          type: 'errorResponse',
          fields: [
            ['C', '28P01'],
            ['M', 'no pg_hba.conf entry'],
          ],
        }),
      '28P01: no pg_hba.conf entry',
    ],
    [
      'repeats the password',
      (server) =>
        server.say({
          type: 'errorResponse',
          fields: [
            ['C', '28P01'],
            ['M', `not ${password}`],
          ],
        }),
      'not [secret]',
    ],
    [
      'has too many clients',
      (server) =>
        server.say({
          type: 'errorResponse',
          fields: [
            ['C', '53300'],
            ['M', 'sorry'],
          ],
        }),
      'UPSTREAM_UNREACHABLE the target said 53300',
    ],
    [
      'is starting up',
      (server) =>
        server.say({
          type: 'errorResponse',
          fields: [
            ['C', '57P03'],
            ['M', 'starting'],
          ],
        }),
      'UPSTREAM_UNREACHABLE the target said 57P03',
    ],
    ['sends rows', over([{ type: 'dataRow', values: [] }]), 'sent dataRow during login'],
    ['is ready before it has asked', (server) => server.say(ready), 'sent readyForQuery during authentication'],
    ['is inside a transaction', over([...settings(), { type: 'readyForQuery', status: 'T' }]), 'inside a transaction'],
    [
      'stores another encoding',
      over([...settings({ server_encoding: 'SQL_ASCII' }), ready]),
      'server_encoding not set to UTF8',
    ],
    [
      'speaks another encoding',
      over([...settings({ client_encoding: 'SJIS' }), ready]),
      'client_encoding not set to UTF8',
    ],
    [
      'escapes in plain strings',
      over([...settings({ standard_conforming_strings: 'off' }), ready]),
      'standard_conforming_strings',
    ],
    ['reports nothing', over([ready]), 'server_encoding not set to UTF8'],
    [
      'negotiates another version',
      over([{ type: 'negotiateProtocolVersion', minor: 0, unknownOptions: [] }]),
      'negotiateProtocolVersion',
    ],
    ['hangs up', (server) => server.hangUp(), 'closed the connection'],
    [
      'breaks the protocol',
      (server) => server.say({ type: 'backendKeyData', processId: 1, key: Buffer.from('abc') }),
      'key of 3 bytes',
    ],
  ])('%s', async (_, play, why) => {
    const { loggedIn, refusal } = await meet(play)
    expect(loggedIn).toBeUndefined()
    expect(refusal).toContain(why)
  })

  test.each(['signature', 'skip'] as const)('does not prove that it knows the password: %s', async (cheat) => {
    const { loggedIn, refusal } = await meet(async (server) => {
      await scram(server, ['SCRAM-SHA-256'], cheat)
      server.ask({ kind: 'ok' })
      server.say(...settings(), ready)
    })
    expect(loggedIn).toBeUndefined()
    expect(refusal).toMatch(/UPSTREAM_REFUSED .*(signature is wrong|in place of its SCRAM signature)/)
  })

  test('never ends its parameters', async () => {
    const endless: BackendMessage[] = Array.from({ length: 1_100 }, (_, at) => ({
      type: 'parameterStatus',
      name: `p${at}`,
      value: '',
    }))
    expect((await meet(over([...endless, ...settings(), ready]))).refusal).toContain('more than 1000 messages')
  })
})

test('R-1.10: inside TLS the exchange is bound to the certificate, and a missing offer is noticed', async () => {
  await meet(async (server) => {
    const used = await scram(server, both)
    expect(used.mechanism).toBe('SCRAM-SHA-256-PLUS')
    const header = Buffer.from('p=tls-server-end-point,,')
    expect(used.channel).toEqual(Buffer.concat([header, createHash('sha256').update(certificate).digest()]))
    server.ask({ kind: 'ok' })
    server.say(...settings(), ready)
  }, certificate)
  await meet(async (server) => {
    const used = await scram(server, ['SCRAM-SHA-256'])
    expect(used).toEqual({ mechanism: 'SCRAM-SHA-256', channel: Buffer.from('y,,') })
    server.ask({ kind: 'ok' })
    server.say(...settings(), ready)
  }, certificate)
})
