// SCRAM against the example of RFC 7677, and against servers that cheat at each step.
import { createHash } from 'node:crypto'
import { Secret } from '@sallyport/base/secret'
import { beforeAll, describe, expect, test } from 'vitest'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { saslPrepared } from './saslprep.ts'
import {
  endPointBinding,
  openScram,
  proveScram,
  ScramError,
  scramIterationsMax,
  scramIterationsMin,
  verifyScram,
} from './scram.ts'

// RFC 7677, section 3.
const nonce = 'rOprNGfwEbeRWgbNEkqO'
const fullNonce = `${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0`
const salt = 'W22ZaJ0SNY7soEsUEjb6gQ=='
const serverFirst = `r=${fullNonce},s=${salt},i=4096`
const serverFinal = 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='
const pencil = new Secret('pencil')
const none = { kind: 'none' } as const

describe('the example of RFC 7677', () => {
  test('gives the messages of the RFC', async () => {
    const opened = openScram(nonce, none, 'user')
    expect(opened.message).toBe(`n,,n=user,r=${nonce}`)
    const proved = await proveScram(opened, serverFirst, pencil)
    expect(proved.message).toBe(`c=biws,r=${fullNonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=`)
    expect(() => verifyScram(proved, serverFinal)).not.toThrow()
  })
  test('another password gives another proof and another signature', async () => {
    const proved = await proveScram(openScram(nonce, none, 'user'), serverFirst, new Secret('pencils'))
    expect(proved.message).not.toContain('dHzbZapW')
    expect(() => verifyScram(proved, serverFinal)).toThrow(ScramError)
  })
})

describe('what the client says about channel binding', () => {
  test.each([
    [{ kind: 'none' }, 'n,,', 'biws'],
    [{ kind: 'unoffered' }, 'y,,', 'eSws'],
    [
      { kind: 'bound', bytes: Buffer.from('hash') },
      'p=tls-server-end-point,,',
      Buffer.from('p=tls-server-end-point,,hash').toString('base64'),
    ],
  ] as const)('%j', async (binding, header, channel) => {
    const opened = openScram(nonce, binding)
    expect(opened.message).toBe(`${header}n=,r=${nonce}`)
    const { message } = await proveScram(opened, serverFirst, pencil)
    expect(message.split(',')[0]).toBe(`c=${channel}`)
  })
})

describe('a server that cheats is refused', () => {
  const first = (message: string, binding: Parameters<typeof openScram>[1] = none) =>
    proveScram(openScram(nonce, binding), message, pencil)
  test.each([
    ['a nonce that is not ours', `r=x${fullNonce},s=${salt},i=4096`, 'another SCRAM nonce'],
    ['our nonce and nothing more', `r=${nonce},s=${salt},i=4096`, 'another SCRAM nonce'],
    ['an extension', `m=x,r=${fullNonce},s=${salt},i=4096`, 'malformed'],
    ['something behind', `${serverFirst},x=y`, 'malformed'],
    ['no salt', `r=${fullNonce},s=,i=4096`, 'malformed'],
    ['a salt that is not base64', `r=${fullNonce},s=W22,i=4096`, 'malformed'],
    ['no iterations', `r=${fullNonce},s=${salt},i=0`, 'malformed'],
    ['negative iterations', `r=${fullNonce},s=${salt},i=-1`, 'malformed'],
    ['too many iterations', `r=${fullNonce},s=${salt},i=${scramIterationsMax + 1}`, 'SCRAM iterations'],
    ['few iterations without TLS', `r=${fullNonce},s=${salt},i=${scramIterationsMin - 1}`, 'without TLS'],
    ['nothing', '', 'malformed'],
  ])('%s', async (_, message, why) => {
    await expect(first(message)).rejects.toThrow(why)
    await expect(first(message)).rejects.toBeInstanceOf(ScramError)
  })
  test('few iterations pass inside TLS, and the most that we take passes', async () => {
    await expect(first(`r=${fullNonce},s=${salt},i=1`, { kind: 'unoffered' })).resolves.toBeDefined()
    await expect(first(`r=${fullNonce},s=${salt},i=${scramIterationsMax}`)).resolves.toBeDefined()
  })
  test.each([
    ['no signature', ''],
    ['an error', 'e=other-error'],
    ['a signature with one bit changed', 'v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='],
    ['a short signature', 'v=6rri'],
    ['an empty signature', 'v='],
    ['something behind the signature', `${serverFinal},x=y`],
  ])('%s', async (_, message) => {
    const proved = await proveScram(openScram(nonce, none, 'user'), serverFirst, pencil)
    expect(() => verifyScram(proved, message)).toThrow(ScramError)
  })
})

describe('the end point of a certificate (RFC 5929)', () => {
  beforeAll(() => x509.cryptoProvider.set(crypto))
  const made = async (algorithm: any, signing: any) => {
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: 'CN=target',
      keys: keys as any,
      signingAlgorithm: signing,
    })
    return Buffer.from(certificate.rawData)
  }
  const rsa = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }
  test.each([
    ['sha256', { name: 'ECDSA', namedCurve: 'P-256' }, { name: 'ECDSA', hash: 'SHA-256' }],
    ['sha384', { name: 'ECDSA', namedCurve: 'P-384' }, { name: 'ECDSA', hash: 'SHA-384' }],
    ['sha512', { ...rsa, hash: 'SHA-512' }, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' }],
    ['sha256', { ...rsa, hash: 'SHA-256' }, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }],
    // RFC 5929: SHA-1 is replaced by SHA-256.
    ['sha256', { ...rsa, hash: 'SHA-1' }, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-1' }],
  ] as const)('is its %s for %j', async (hash, algorithm, signing) => {
    const der = await made(algorithm, signing)
    expect(endPointBinding(der)?.toString('hex')).toBe(createHash(hash).update(der).digest('hex'))
  })
  test('is none for Ed25519, where the RFC names no hash', async () => {
    expect(endPointBinding(await made({ name: 'Ed25519' }, { name: 'Ed25519' }))).toBeUndefined()
  })
  test('of bytes that are no certificate is an error', () => {
    expect(() => endPointBinding(Buffer.from('3003020100', 'hex'))).toThrow()
  })
})

describe('a password as PostgreSQL hashes it', () => {
  test.each([
    ['hunter2', 'hunter2', 'ASCII as it is'],
    ['a\tb', 'a\tb', 'a control character is forbidden: as it is'],
    ['\u00aa', 'a', 'RFC 4013, example 4: compatibility form'],
    ['\u2168', 'IX', 'RFC 4013, example 5: compatibility form'],
    ['I\u00adX', 'IX', 'RFC 4013, example 1: the soft hyphen disappears'],
    ['\u0007é', '\u0007é', 'RFC 4013, example 6: forbidden, so as it is'],
    ['a\u00a0b', 'a b', 'a space of another kind'],
    ['\u00ad', '\u00ad', 'nothing would be left: as it is'],
    ['e\u0301', 'é', 'composed'],
    ['Schlüssel', 'Schlüssel', 'already composed'],
    ['\u{1fffe}', '\u{1fffe}', 'no character'],
  ])('%j becomes %j: %s', (password, prepared) => expect(saslPrepared(password)).toBe(prepared))
})
