// The text of a join token: what is written is read, and nothing else is.
import { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import { expect, test } from 'vitest'
import { encodeJoinToken, type JoinToken, parseJoinToken } from './join-token.ts'

const token: JoinToken = {
  address: 'control.example:8443',
  caKeyHash: 'ab'.repeat(32),
  agentName: 'eu-1',
  id: '01'.repeat(16),
  secret: new Secret('A-_9'.repeat(10).concat('xyz')),
}
const textOf = (fields: unknown) => `spj1.${Buffer.from(JSON.stringify(fields)).toString('base64url')}`
const fields = { c: token.address, k: token.caKeyHash, n: token.agentName, i: token.id, s: token.secret.reveal() }

test.each(['control.example:8443', '10.0.0.1:443', '[2001:db8::1]:8443', 'localhost:1'])(
  'a token for %s is read as it was written',
  (address) => {
    const read = parseJoinToken(` ${encodeJoinToken({ ...token, address })}\n`)
    expect({ ...read, secret: read.secret.reveal() }).toEqual({ ...token, address, secret: token.secret.reveal() })
  },
)

test.each([
  ['nothing', ''],
  ['another prefix', encodeJoinToken(token).replace('spj1.', 'spj2.')],
  ['a text that was cut off', encodeJoinToken(token).slice(0, -30)],
  ['a text that is too long', encodeJoinToken(token) + 'A'.repeat(1_024)],
  ['no object', textOf('x')],
  ['null', textOf(null)],
  ['no secret', textOf({ ...fields, s: undefined })],
  ['a short secret', textOf({ ...fields, s: 'A'.repeat(42) })],
  ['an address without a port', textOf({ ...fields, c: 'control.example' })],
  ['an address with a path', textOf({ ...fields, c: 'control.example:1/x' })],
  ['a key hash in capitals', textOf({ ...fields, k: 'AB'.repeat(32) })],
  ['a name that is none', textOf({ ...fields, n: 'EU 1' })],
  ['a number for a text', textOf({ ...fields, i: 1 })],
])('%s is no token, and is not repeated in the message', (_, text) => {
  const thrown = (() => {
    try {
      return parseJoinToken(text)
    } catch (error) {
      return error
    }
  })()
  expect(thrown).toBeInstanceOf(SallyportError)
  expect(thrown).toMatchObject({
    code: 'JOIN_TOKEN_INVALID',
    message: 'this is no join token, or it was cut off while copying',
  })
})
