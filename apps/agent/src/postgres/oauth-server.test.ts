// OAUTHBEARER to the byte, as libpq 18 sends it (fe-auth-oauth.c), and what no client of PostgreSQL sends.
import { describe, expect, it } from 'vitest'
import { bearerWanted, oauthUserOf, readBearer } from './oauth-server.ts'

const token = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm4ifQ.c2ln-_~+/x=='
const read = (text: string, mechanism = 'OAUTHBEARER') => readBearer(mechanism, Buffer.from(text, 'latin1'))

describe('the client’s message', () => {
  it.each([
    ['of libpq', `n,,\x01auth=Bearer ${token}\x01\x01`],
    ['of a client that would bind', `y,,\x01auth=Bearer ${token}\x01\x01`],
    ['with small letters', `n,,\x01auth=bearer ${token}\x01\x01`],
    ['with host and port (RFC 7628, 4.1)', `n,,\x01host=server\x01port=143\x01auth=Bearer ${token}\x01\x01`],
  ])('%s holds the token', (_, text) => {
    expect(read(text)).toBe(token)
  })

  it('of libpq without a token asks where to get one', () => {
    expect(read('n,,\x01auth=\x01\x01')).toBeNull()
  })

  it.each([
    ['no header', `auth=Bearer ${token}\x01\x01`],
    ['channel binding', `p=tls-exporter,,\x01auth=Bearer ${token}\x01\x01`],
    ['another user', `n,a=root,\x01auth=Bearer ${token}\x01\x01`],
    ['no end', `n,,\x01auth=Bearer ${token}\x01`],
    ['no pair', 'n,,\x01\x01'],
    ['no auth', 'n,,\x01host=x\x01\x01'],
    ['two tokens', `n,,\x01auth=Bearer a\x01auth=Bearer b\x01\x01`],
    ['another scheme', 'n,,\x01auth=Basic YTpi\x01\x01'],
    ['a token with a space', 'n,,\x01auth=Bearer a b\x01\x01'],
    ['something behind its end', `n,,\x01auth=Bearer a\x01\x01x`],
    ['a key with a digit', `n,,\x01a1=x\x01auth=Bearer a\x01\x01`],
    ['a byte beyond ASCII', `n,,\x01auth=Bearer \xe9\x01\x01`],
    ['nothing', ''],
  ])('with %s is none', (_, text) => {
    expect(() => read(text)).toThrow(/OAUTHBEARER message/)
  })

  it('of another mechanism, or without its first part, is none', () => {
    expect(() => read(`n,,\x01auth=Bearer ${token}\x01\x01`, 'SCRAM-SHA-256')).toThrow(/another mechanism/)
    expect(() => readBearer('OAUTHBEARER', null)).toThrow(/first part/)
  })
})

it('a client without a token is told a place of our own configuration, or none', () => {
  expect(JSON.parse(bearerWanted({ issuer: 'https://idp.test/', scope: 'openid' }).toString())).toEqual({
    status: 'invalid_token',
    'openid-configuration': 'https://idp.test/.well-known/openid-configuration',
    scope: 'openid',
  })
  expect(JSON.parse(bearerWanted(null).toString())).toEqual({ status: 'invalid_token' })
})

it.each([
  ['sallyport:oauth', 'sallyport'],
  ['app_ro:oauth', 'app_ro'],
  ['sallyport', null],
  [':oauth', null],
  ['oauth', null],
])('user "%s" asks for it: %s', (user, role) => {
  expect(oauthUserOf(user)).toBe(role)
})
