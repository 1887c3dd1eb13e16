// OAUTHBEARER by a client to the byte, as libpq 18 sends it over an encrypted connection (protocol manual, "SASL
// Authentication"): no encoder of ours makes what it sends, and none of ours reads what it gets.
import { Duplex } from 'node:stream'
import { Secret } from '@sallyport/base/secret'
import { describe, expect, it } from 'vitest'
import { type Doors, type Greeting, Handshake } from './handshake.ts'

/** Two ends of one connection. */
function wires(): { client: Duplex; server: Duplex } {
  const end = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        other().push(chunk)
        done()
      },
      final(done) {
        other().push(null)
        done()
      },
    })
  const client: Duplex = end(() => server)
  const server: Duplex = end(() => client)
  return { client, server }
}

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const text = (value: string): Buffer => Buffer.from(value, 'latin1')
const packet = (type: string, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  return Buffer.concat([text(type), int32(body.length + 4), body])
}
const startup = (user: string): Buffer => packet('', int32(196_608), text(`user\0${user}\0database\0shop\0\0`))
const initial = (response: string): Buffer => packet('p', text('OAUTHBEARER\0'), int32(response.length), text(response))

const offer = packet('R', int32(10), text('OAUTHBEARER\0\0'))
const doors: Doors = {
  tls: 'required',
  random: () => new Uint8Array(18),
  openCertificate: async () => null,
  openTicket: () => {
    throw new Error('no ticket here')
  },
  oauthPlace: () => ({ issuer: 'https://idp.test', scope: 'openid' }),
}

/** Up to the offer of the agent. */
async function begun(user: string) {
  const { client, server } = wires()
  const encrypted = { stream: server, protocol: null, endPoint: null, certificate: null }
  const handshake = new Handshake(server, async () => encrypted, doors)
  const greeted = handshake.greet().then(
    (greeting) => greeting,
    (error: unknown) => error,
  )
  const read = async (bytes: number): Promise<Buffer> => {
    for (;;) {
      const chunk: unknown = client.read(bytes)
      if (Buffer.isBuffer(chunk)) return chunk
      await new Promise((resolve) => client.once('readable', resolve))
    }
  }
  client.write(Buffer.concat([int32(8), int32(80_877_103)]))
  expect((await read(1)).toString()).toBe('S')
  client.write(startup(user))
  return { client, read, greeted }
}

describe('OAUTHBEARER', () => {
  it('is offered to a user name that asks for it, and takes the token as it is', async () => {
    const { client, read, greeted } = await begun('app_ro:oauth')
    expect(await read(offer.length)).toEqual(offer)
    client.write(initial('n,,\x01auth=Bearer aaa.bbb.ccc\x01\x01'))
    const { startup: asked, shown, authentication } = (await greeted) as Greeting
    expect(asked).toMatchObject({ user: 'app_ro', database: 'shop', ticket: null, oauth: true })
    expect(authentication).toBe('jwt-oauthbearer')
    expect(shown instanceof Secret && shown.reveal()).toBe('aaa.bbb.ccc')
    expect(client.readableLength).toBe(0)
  })

  it('tells a client without a token where to get one, and ends the exchange (R-1.10)', async () => {
    const { client, read, greeted } = await begun('sallyport:oauth')
    await read(offer.length)
    client.write(initial('n,,\x01auth=\x01\x01'))
    const json =
      '{"status":"invalid_token","openid-configuration":"https://idp.test/.well-known/openid-configuration","scope":"openid"}'
    const wanted = packet('R', int32(11), text(json))
    expect(await read(wanted.length)).toEqual(wanted)
    client.write(packet('p', text('\x01')))
    expect(await greeted).toMatchObject({ code: 'TOKEN_MISSING' })
  })

  it.each([
    ['a message of another mechanism', packet('p', text('SCRAM-SHA-256\0'), int32(-1))],
    ['a password', packet('p', text('aaa.bbb.ccc\0'))],
    ['a length that does not fit', packet('p', text('OAUTHBEARER\0'), int32(99), text('n,,'))],
    ['more than a token has', initial(`n,,\x01auth=Bearer ${'a'.repeat(20_000)}\x01\x01`)],
    ['bytes behind it', Buffer.concat([initial('n,,\x01auth=Bearer a\x01\x01'), packet('X')])],
  ])('%s is refused', async (_, bytes) => {
    const { client, read, greeted } = await begun('sallyport:oauth')
    await read(offer.length)
    client.write(bytes)
    expect(await greeted).toMatchObject({ code: 'PROTOCOL_VIOLATION' })
  })

  it('is not offered to others: they are asked for the token as a password', async () => {
    const { client, read, greeted } = await begun('sallyport')
    expect(await read(9)).toEqual(packet('R', int32(3)))
    client.write(packet('p', text('aaa.bbb.ccc\0')))
    expect(await greeted).toMatchObject({ authentication: 'jwt-password', startup: { oauth: false } })
  })
})
