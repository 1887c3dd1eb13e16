// The server's side of SCRAM against the example of RFC 7677, against our own client, and against clients that cheat.
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import { describe, expect, test } from 'vitest'
import { type Binding, openScram, proveScram, verifyScram } from './scram.ts'
import { challenge, fits, readClientFinal, readClientFirst, scramMechanisms, serverFinal } from './scram-server.ts'

// RFC 7677, section 3: user "user", password "pencil".
const clientNonce = 'rOprNGfwEbeRWgbNEkqO'
const ownNonce = '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0'
const salt = 'W22ZaJ0SNY7soEsUEjb6gQ=='
const plain = 'SCRAM-SHA-256'
const plus = 'SCRAM-SHA-256-PLUS'
const endPoint = createHash('sha256').update('a certificate').digest()

function verifierOf(password: string) {
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), 4_096, 32, 'sha256')
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest()
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64')
  return { iterations: 4_096, salt, storedKey, serverKey: hmac('Server Key').toString('base64') }
}
const pencil = verifierOf('pencil')
const first = (text: string, mechanism = plain, ours: Buffer | null = null) =>
  readClientFirst(mechanism, Buffer.from(text), ours)
const challenged = (text = `n,,n=user,r=${clientNonce}`) => challenge(first(text), ownNonce, pencil)
const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof SallyportError) return thrown.code
    throw thrown
  }
  return 'nothing'
}

describe('the example of RFC 7677', () => {
  const final = `c=biws,r=${clientNonce}${ownNonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`

  test('gives the messages of the RFC', () => {
    const asked = challenged()
    expect(asked.message).toBe(`r=${clientNonce}${ownNonce},s=${salt},i=4096`)
    const shown = readClientFinal(asked, Buffer.from(final))
    expect(fits(shown, pencil)).toBe(true)
    expect(serverFinal(shown, pencil)).toBe('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
  })
  test('R-6.5: fits no other verifier', () => {
    expect(fits(readClientFinal(challenged(), Buffer.from(final)), verifierOf('pencils'))).toBe(false)
  })
  test('R-6.5: a proof of one exchange is none in the next', () => {
    const next = challenge(first(`n,,n=user,r=${clientNonce}`), 'another-nonce', pencil)
    expect(codeOf(() => readClientFinal(next, Buffer.from(final)))).toBe('PROTOCOL_VIOLATION')
    const replayed = final.replace(ownNonce, 'another-nonce')
    expect(fits(readClientFinal(next, Buffer.from(replayed)), pencil)).toBe(false)
  })
})

test.each<[string, Binding, string, Buffer | null]>([
  ['without TLS', { kind: 'none' }, plain, null],
  ['when the client cannot bind', { kind: 'none' }, plain, endPoint],
  ['when the client could, and we cannot', { kind: 'unoffered' }, plain, null],
  ['bound to our certificate', { kind: 'bound', bytes: endPoint }, plus, endPoint],
])('our own client and server agree %s', async (_, binding, mechanism, ours) => {
  const opened = openScram(clientNonce, binding)
  const asked = challenge(first(opened.message, mechanism, ours), ownNonce, pencil)
  const proved = await proveScram(opened, asked.message, new Secret('pencil'))
  const shown = readClientFinal(asked, Buffer.from(proved.message))
  expect(fits(shown, pencil)).toBe(true)
  expect(() => verifyScram(proved, serverFinal(shown, pencil))).not.toThrow()
})

test('R-1.10: the binding is offered where there is a channel to bind to', () => {
  expect(scramMechanisms(endPoint)).toEqual([plus, plain])
  expect(scramMechanisms(null)).toEqual([plain])
})

describe('a client that was talked out of the binding, or bound to another channel, is refused', () => {
  test('R-1.10: it says that we do not offer what we offer', () => {
    expect(codeOf(() => first(`y,,n=,r=${clientNonce}`, plain, endPoint))).toBe('LOGIN_FAILED')
  })
  test('R-1.10: it is bound to another certificate', async () => {
    const opened = openScram(clientNonce, { kind: 'bound', bytes: Buffer.alloc(32, 1) })
    const asked = challenge(first(opened.message, plus, endPoint), ownNonce, pencil)
    const proved = await proveScram(opened, asked.message, new Secret('pencil'))
    expect(codeOf(() => readClientFinal(asked, Buffer.from(proved.message)))).toBe('LOGIN_FAILED')
  })
  test('R-1.10: its last message repeats another header than its first', () => {
    const message = `c=${Buffer.from('y,,').toString('base64')},r=${clientNonce}${ownNonce},p=${'A'.repeat(43)}=`
    expect(codeOf(() => readClientFinal(challenged(), Buffer.from(message)))).toBe('LOGIN_FAILED')
  })
})

describe('a message that is none is refused', () => {
  test.each<[string, string, string, Buffer | null]>([
    ['an unknown mechanism', `n,,n=,r=${clientNonce}`, 'SCRAM-SHA-1', endPoint],
    ['binding that was not offered', `p=tls-server-end-point,,n=,r=${clientNonce}`, plus, null],
    ['binding without its mechanism', `p=tls-server-end-point,,n=,r=${clientNonce}`, plain, endPoint],
    ['the mechanism without binding', `n,,n=,r=${clientNonce}`, plus, endPoint],
    ['binding of another kind', `p=tls-unique,,n=,r=${clientNonce}`, plus, endPoint],
    ['an authorization identity', `n,a=other,n=,r=${clientNonce}`, plain, null],
    ['a mandatory extension', `n,,m=x,n=,r=${clientNonce}`, plain, null],
    ['no nonce', 'n,,n=,r=', plain, null],
    ['a nonce with other characters', 'n,,n=,r=a b', plain, null],
    ['an empty message', '', plain, null],
  ])('%s', (_, text, mechanism, ours) => {
    expect(codeOf(() => first(text, mechanism, ours))).toBe('PROTOCOL_VIOLATION')
  })
  test('no message at all', () => {
    expect(codeOf(() => readClientFirst(plain, null, null))).toBe('PROTOCOL_VIOLATION')
  })
  test.each([
    ['no proof', `c=biws,r=${clientNonce}${ownNonce}`],
    ['a short proof', `c=biws,r=${clientNonce}${ownNonce},p=AAAA`],
    ['fields in another order', `r=${clientNonce}${ownNonce},c=biws,p=${'A'.repeat(43)}=`],
    ['something behind the proof', `c=biws,r=${clientNonce}${ownNonce},p=${'A'.repeat(43)}=,x=1`],
    ["the client's nonce alone", `c=biws,r=${clientNonce},p=${'A'.repeat(43)}=`],
  ])('%s', (_, text) => {
    expect(codeOf(() => readClientFinal(challenged(), Buffer.from(text)))).toBe('PROTOCOL_VIOLATION')
  })
})
