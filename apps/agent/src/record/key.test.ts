// The record key: made once, private, Ed25519, and refused when anything about its file is wrong.
import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadRecordKey } from './key.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync('/tmp/sallyport-key-')
})
afterEach(() => rmSync(directory, { recursive: true }))
const path = () => join(directory, 'record-key.pem')
const failure = (run: () => unknown): unknown => {
  try {
    return run()
  } catch (thrown) {
    return thrown
  }
}

test('the key is made once, for its owner alone, and found again', () => {
  const made = loadRecordKey(path())
  expect(statSync(path()).mode & 0o777).toBe(0o600)
  expect(readdirSync(directory)).toEqual(['record-key.pem'])
  const found = loadRecordKey(path())
  expect(found.fingerprint).toBe(made.fingerprint)
  expect(made.fingerprint).toBe(createHash('sha256').update(made.publicKey).digest('hex'))
  const message = Buffer.from('head')
  const key = createPublicKey({ key: Buffer.from(made.publicKey), format: 'der', type: 'spki' })
  expect(verify(null, message, key, found.sign(message))).toBe(true)
})

test('a key that others can read is refused', () => {
  loadRecordKey(path())
  chmodSync(path(), 0o640)
  expect(failure(() => loadRecordKey(path()))).toMatchObject({
    code: 'NO_PERMISSION',
    message: expect.stringContaining('chmod 600'),
  })
})

test.each([
  ['no key', 'hello'],
  ['nothing', ''],
  [
    'a key of another kind',
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
  ],
])('a file with %s is refused, not replaced', (_name, content) => {
  writeFileSync(path(), content, { mode: 0o600 })
  expect(failure(() => loadRecordKey(path()))).toMatchObject({ code: 'CONFIG_INVALID' })
})

test('a key in a directory that does not exist is refused', () => {
  expect(failure(() => loadRecordKey(join(directory, 'none', 'key.pem')))).toMatchObject({ code: 'NO_PERMISSION' })
})
