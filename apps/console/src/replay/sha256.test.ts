// Our SHA-256 against the vectors of NIST and against the platform's own, at every length around a block.
import { toHex, utf8 } from '@sallyport/ledger/bytes'
import { expect, test } from 'vitest'
import { sha256 } from './sha256.ts'

test.each([
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
  ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
])('the vector of %.10s', (text, digest) => {
  expect(toHex(sha256(utf8(text)))).toBe(digest)
})

test('every length around blocks gives what the platform gives', async () => {
  for (let length = 0; length < 260; length++) {
    const bytes = Uint8Array.from({ length }, (_, at) => (at * 31 + length) % 256)
    const expected = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
    expect(toHex(sha256(bytes)), `${length} bytes`).toBe(toHex(expected))
  }
})
