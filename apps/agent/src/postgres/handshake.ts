// The start of a connection: encryption, the StartupMessage, then a client certificate, the token as password or the proof of a
// ticket, until we know what is asked for and by whom. Nothing here trusts the client; every step reads at most one packet (THREATS §1.1).
import type { X509Certificate } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { Secret } from '@sallyport/base/secret'
import type { TicketName } from '@sallyport/base/ticket'
import type { VerifiedToken } from '@sallyport/identity/verify'
import { decodeFrontend, decodePassword, decodeSaslInitial, decodeStartup } from '@sallyport/wire/postgres/decode'
import { encodeBackend } from '@sallyport/wire/postgres/encode'
import { type Frame, FrameSplitter, StartupSplitter } from '@sallyport/wire/postgres/frames'
import type {
  Authentication as AuthenticationMessage,
  BackendMessage,
  StartupPacket,
} from '@sallyport/wire/postgres/messages'
import { frontendCaps, frontendSmallBytesMax } from '@sallyport/wire/postgres/names'
import { ProtocolError } from '@sallyport/wire/protocol-error'
import type { OpenTicket } from '../session/ticket.ts'
import { bearerWanted, type OAuthPlace, oauthMechanism, oauthMessageBytesMax, readBearer } from './oauth-server.ts'
import {
  challenge,
  fits,
  readClientFinal,
  readClientFirst,
  scramMechanisms,
  scramPlusMechanism,
  serverFinal,
} from './scram-server.ts'
import { type ListenerTls, nextStep, type Startup } from './startup.ts'

/** An encrypted stream. */
export interface Encrypted {
  readonly stream: Duplex
  /** What ALPN agreed on. */
  readonly protocol: string | null
  /** `tls-server-end-point` of our certificate; null where RFC 5929 defines none for it. */
  readonly endPoint: Buffer | null
  /** What the client showed, whoever signed it: TLS has proven that it holds the key, and nothing else. */
  readonly certificate: X509Certificate | null
}

/** Encrypts the connection; the listener brings it. */
export type Encrypt = (protocol: string) => Promise<Encrypted>

/** How a caller proved itself, for rules and the record (docs/policy.md). */
export type Authentication =
  | 'jwt-password'
  | 'jwt-oauthbearer'
  | 'ticket-scram-sha-256'
  | 'ticket-scram-sha-256-plus'
  | 'client-certificate'

/** What the client asks for, once it has shown a token, which is not verified yet, or proved a ticket or a certificate. */
export interface Greeting {
  readonly kind: 'greeting'
  /** Nothing of it is read ahead. */
  readonly stream: Duplex
  readonly encrypted: boolean
  readonly startup: Startup
  readonly authentication: Authentication
  readonly shown: Secret | VerifiedToken
}

/** What the listener lets in, and how tickets are looked up. */
export interface Doors {
  readonly tls: ListenerTls
  /** Throws when no login is possible now. */
  readonly openTicket: (name: TicketName) => OpenTicket
  readonly random: (bytes: number) => Uint8Array
  /** Who shows this certificate; null when it is not one of ours, and says nothing. Throws when it is ours and not good. */
  readonly openCertificate: (certificate: X509Certificate) => Promise<VerifiedToken | null>
  /** Where a client without a token gets one; null when this installation trusts no provider of people. */
  readonly oauthPlace: () => OAuthPlace | null
}
export interface CancelAsked {
  readonly kind: 'cancel'
  readonly processId: number
  readonly key: Uint8Array
  readonly encrypted: boolean
}

const alpnName = 'postgresql'
/** First byte of a TLS record with a handshake message (RFC 8446, 5.1): direct TLS of PostgreSQL 17. */
const tlsHandshakeByte = 0x16
/** Of our part of a SCRAM nonce, as PostgreSQL has it. */
const nonceBytes = 18

/**
 * Speaks with the client up to its password. Throws a SallyportError that the caller sends as FATAL on `stream()`.
 * The caller destroys the socket when the deadline has passed, and with it every wait in here ends.
 */
export class Handshake {
  #stream: Duplex
  #endPoint: Buffer | null = null
  #certificate: X509Certificate | null = null
  readonly #encrypt: Encrypt
  readonly #doors: Doors

  constructor(socket: Duplex, encrypt: Encrypt, doors: Doors) {
    this.#stream = socket
    this.#encrypt = encrypt
    this.#doors = doors
  }

  /** Where an answer has to go right now. */
  get stream(): Duplex {
    return this.#stream
  }

  async greet(): Promise<Greeting | CancelAsked> {
    let seen = { encrypted: await this.#directTls(), sslAsked: false, gssAsked: false }
    for (;;) {
      const { packet, buffered } = await this.#readPacket()
      const step = nextStep(seen, packet, this.#doors.tls)
      switch (step.do) {
        case 'startTls':
          // what stands behind the request came in clear text and must never count as encrypted.
          if (buffered) throw this.#attack('bytes behind the request for encryption')
          await this.#write(Buffer.from('S'))
          await this.#startTls(false)
          seen = { ...seen, encrypted: true, sslAsked: true }
          break
        case 'refuseGss':
          if (buffered) throw this.#attack('bytes behind the request for encryption')
          await this.#write(Buffer.from('N'))
          seen = { ...seen, gssAsked: true }
          break
        case 'cancel':
          return { kind: 'cancel', processId: step.processId, key: step.key, encrypted: seen.encrypted }
        case 'refuse':
          throw step.error
        case 'authenticate':
          return await this.#authenticate(step.startup, seen.encrypted)
      }
    }
  }

  /** Closes without a word, then is thrown for the log. */
  #attack(message: string): SallyportError {
    this.#stream.destroy()
    return new SallyportError('PROTOCOL_VIOLATION', message)
  }

  async #authenticate(startup: Startup, encrypted: boolean): Promise<Greeting> {
    const { minor, negotiate, ticket, oauth } = startup
    if (negotiate !== null)
      await this.#send({ type: 'negotiateProtocolVersion', minor, unknownOptions: [...negotiate] })
    const shown = await (ticket !== null ? this.#ticket(ticket) : oauth ? this.#oauth() : this.#certificateOrPassword())
    return { kind: 'greeting', stream: this.#stream, encrypted, startup, ...shown }
  }

  /** The user name says that it is a ticket or OAUTHBEARER; for the rest, a certificate of ours is the login. */
  async #certificateOrPassword(): Promise<Pick<Greeting, 'authentication' | 'shown'>> {
    const certificate = this.#certificate
    const token = certificate === null ? null : await this.#doors.openCertificate(certificate)
    return token === null ? await this.#password() : { authentication: 'client-certificate', shown: token }
  }

  async #password(): Promise<Pick<Greeting, 'authentication' | 'shown'>> {
    const bytes = await this.#ask({ kind: 'cleartext' })
    return { authentication: 'jwt-password', shown: new Secret(decodePassword(bytes)) }
  }

  async #oauth(): Promise<Pick<Greeting, 'authentication' | 'shown'>> {
    const bytes = await this.#sasl({ kind: 'sasl', mechanisms: [oauthMechanism] }, oauthMessageBytesMax)
    const { mechanism, response } = decodeSaslInitial(bytes)
    const token = readBearer(mechanism, response)
    if (token !== null) return { authentication: 'jwt-oauthbearer', shown: new Secret(token) }
    // RFC 7628, 3.2.3: whatever the client says to it, the exchange has failed; libpq then connects anew.
    await this.#sasl({ kind: 'saslContinue', bytes: bearerWanted(this.#doors.oauthPlace()) })
    throw new SallyportError('TOKEN_MISSING', 'no token was sent', { hint: 'set oauth_issuer and oauth_client_id' })
  }

  async #ticket(name: TicketName): Promise<Pick<Greeting, 'authentication' | 'shown'>> {
    const { openTicket, random } = this.#doors
    const endPoint = this.#endPoint
    const ticket = openTicket(name)
    const initial = decodeSaslInitial(await this.#sasl({ kind: 'sasl', mechanisms: scramMechanisms(endPoint) }))
    const greeted = readClientFirst(initial.mechanism, initial.response, endPoint)
    const asked = challenge(greeted, Buffer.from(random(nonceBytes)).toString('base64'), ticket)
    const shown = readClientFinal(asked, await this.#sasl({ kind: 'saslContinue', bytes: Buffer.from(asked.message) }))
    const { token, verifier } = await ticket.prove((candidate) => fits(shown, candidate))
    const final = Buffer.from(serverFinal(shown, verifier))
    await this.#send({ type: 'authentication', authentication: { kind: 'saslFinal', bytes: final } })
    const isBound = greeted.mechanism === scramPlusMechanism
    return { authentication: isBound ? 'ticket-scram-sha-256-plus' : 'ticket-scram-sha-256', shown: token }
  }

  /** A step of SASL: the client's messages are small, whatever the frame of a password may hold. */
  async #sasl(authentication: AuthenticationMessage, bytesMax: number = limits.saslMessageBytesMax): Promise<Buffer> {
    const bytes = await this.#ask(authentication)
    if (bytes.length > bytesMax)
      throw new SallyportError('PROTOCOL_VIOLATION', `a SASL message of ${bytes.length} bytes`)
    return bytes
  }

  /** Asks, and returns the body of the 'p' message that answers. */
  async #ask(authentication: AuthenticationMessage): Promise<Buffer> {
    await this.#send({ type: 'authentication', authentication })
    const message = decodeFrontend(await this.#readFrame())
    if (message.type !== 'password')
      throw new SallyportError('PROTOCOL_VIOLATION', `"${message.type}" where a password is due`)
    return Buffer.from(message.bytes)
  }

  /** True when the client starts with a TLS handshake, and it succeeded with our protocol's name. */
  async #directTls(): Promise<boolean> {
    const first = await readChunk(this.#stream)
    this.#stream.unshift(first)
    if (first[0] !== tlsHandshakeByte) return false
    await this.#startTls(true)
    return true
  }

  async #startTls(direct: boolean): Promise<void> {
    const { stream, protocol, endPoint, certificate } = await this.#encrypt(alpnName)
    this.#stream = stream
    this.#endPoint = endPoint
    this.#certificate = certificate
    if (direct && protocol !== alpnName)
      throw new SallyportError('PROTOCOL_VIOLATION', `direct TLS needs ALPN "${alpnName}"`)
  }

  /** One packet of the start-up phase. `buffered`: more bytes came with it. They stay in the stream. */
  async #readPacket(): Promise<{ packet: StartupPacket; buffered: boolean }> {
    const splitter = new StartupSplitter()
    for (;;) {
      const frame = this.#take(splitter, await readChunk(this.#stream))
      if (frame === undefined) continue
      const packet = decodeStartup(frame.body)
      if (frame.rest.length > 0) this.#stream.unshift(frame.rest)
      return { packet, buffered: frame.rest.length > 0 || this.#stream.readableLength > 0 }
    }
  }

  /** what has no possible length is no client of ours. PostgreSQL hangs up on it without a word (ProcessStartupPacket). */
  #take(splitter: StartupSplitter, chunk: Buffer): ReturnType<StartupSplitter['push']> {
    try {
      return splitter.push(chunk)
    } catch (thrown) {
      throw thrown instanceof ProtocolError ? this.#attack(thrown.message) : thrown
    }
  }

  async #readFrame(): Promise<Frame> {
    // nobody has proven anything yet, so nothing long is read but a token.
    const splitter = new FrameSplitter(frontendCaps(frontendSmallBytesMax))
    for (;;) {
      const [frame, ...more] = splitter.push(await readChunk(this.#stream))
      if (frame === undefined) continue
      // A client that sends statements before it is let in: nothing of PostgreSQL does that.
      if (more.length > 0 || splitter.pendingBytes > 0)
        throw new SallyportError('PROTOCOL_VIOLATION', 'messages behind the password')
      return frame
    }
  }

  async #send(message: BackendMessage): Promise<void> {
    await this.#write(encodeBackend(message))
  }

  async #write(bytes: Buffer): Promise<void> {
    const stream = this.#stream
    if (stream.destroyed || !stream.writable) throw vanished()
    await new Promise<void>((resolve, reject) => {
      stream.write(bytes, (error) => (error == null ? resolve() : reject(vanished(error))))
    })
  }
}

const vanished = (cause?: unknown): SallyportError =>
  new SallyportError('CLIENT_VANISHED', 'the client closed the connection', { cause })

/** The next bytes. Leaves the stream paused and without listeners of ours, so that TLS can take it over. */
async function readChunk(stream: Duplex): Promise<Buffer> {
  for (;;) {
    const chunk: unknown = stream.read()
    if (Buffer.isBuffer(chunk)) return chunk
    if (stream.readableEnded || stream.destroyed) throw vanished()
    await readable(stream)
  }
}

async function readable(stream: Duplex): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const ready = () => finish(resolve)
    const ended = () => finish(() => reject(vanished()))
    const failed = (error: Error) => finish(() => reject(vanished(error)))
    const finish = (settle: () => void) => {
      stream.off('readable', ready).off('end', ended).off('close', ended).off('error', failed)
      settle()
    }
    stream.on('readable', ready).on('end', ended).on('close', ended).on('error', failed)
  })
}
