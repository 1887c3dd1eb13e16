// SCRAM-SHA-256 and SCRAM-SHA-256-PLUS from the server's side (RFC 5802, RFC 7677), as states that a caller moves along.
// Nothing here reads or writes a socket, and nothing knows whether the verifier is somebody's or nobody's.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { SallyportError } from '@sallyport/base/errors'
import type { ScramVerifier } from '@sallyport/base/ticket'

export const scramMechanism = 'SCRAM-SHA-256'
export const scramPlusMechanism = 'SCRAM-SHA-256-PLUS'
export type ScramMechanism = typeof scramMechanism | typeof scramPlusMechanism

/** What is offered: with channel binding where there is a channel to bind to, and the stronger one first. */
export const scramMechanisms = (endPoint: Buffer | null): readonly ScramMechanism[] =>
  endPoint === null ? [scramMechanism] : [scramPlusMechanism, scramMechanism]

/** The client's first message, read and accepted. */
export interface ScramGreeted {
  readonly mechanism: ScramMechanism
  /** `client-first-message-bare`. */
  readonly bare: string
  /** What the last message must repeat in `c=`, in base64. */
  readonly binding: string
  readonly clientNonce: string
}

/** Our first message, and what the client's last one has to fit. */
export interface ScramChallenged {
  readonly message: string
  readonly greeted: ScramGreeted
  readonly nonce: string
}

/** The client's last message, read; its proof is not checked yet. */
export interface ScramShown {
  readonly authMessage: string
  readonly proof: Buffer
}

const violation = (message: string): SallyportError => new SallyportError('PROTOCOL_VIOLATION', message)
const unbound = (message: string): SallyportError =>
  new SallyportError('LOGIN_FAILED', message, {
    hint: 'something between client and agent ends TLS; connect to the agent itself, with sslmode=verify-full',
  })

// gs2-header = (n | y | p=NAME) "," [a=AUTHZID] ","; printable is %x21-2B / %x2D-7E (RFC 5802, section 7).
const clientFirst = /^(n|y|p=([A-Za-z0-9.-]{1,64})),(a=[^,]*)?,(n=[^,]*,r=([\x21-\x2b\x2d-\x7e]+)(?:,[^\0]*)?)$/
const clientFinal = /^(c=([A-Za-z0-9+/]+={0,2}),r=([\x21-\x2b\x2d-\x7e]+)),p=([A-Za-z0-9+/]{43}=)$/

/**
 * Reads the client's first message. `endPoint` is the hash of our own certificate when the channel can be bound. Throws
 * PROTOCOL_VIOLATION, or LOGIN_FAILED for a client that was talked out of the binding (THREATS ). The name in the
 * message is not looked at: it stands in the start-up packet (PostgreSQL manual, "SCRAM-SHA-256 Authentication").
 */
export function readClientFirst(mechanism: string, response: Buffer | null, endPoint: Buffer | null): ScramGreeted {
  const offered = scramMechanisms(endPoint).find((one) => one === mechanism)
  if (offered === undefined) throw violation('the client chose a SASL mechanism that was not offered')
  if (response === null) throw violation('the client sent no SCRAM message with its choice')
  const text = response.toString('utf8')
  const [, flag = '', channel, authorisation, bare = '', clientNonce = ''] = clientFirst.exec(text) ?? []
  if (clientNonce === '') throw violation('the first SCRAM message of the client is malformed')
  if (authorisation !== undefined) throw violation('a SCRAM authorization identity is not supported')
  const header = Buffer.from(text.slice(0, text.length - bare.length), 'utf8')
  if (offered === scramMechanism) {
    if (channel !== undefined) throw violation('the client binds the channel without the mechanism for it')
    // It could bind, and believes that we cannot: somebody took our offer out of the list.
    if (flag === 'y' && endPoint !== null) throw unbound('the offer of channel binding did not arrive at the client')
    return { mechanism: offered, bare, binding: header.toString('base64'), clientNonce }
  }
  if (channel !== 'tls-server-end-point') throw violation('the client does not bind the channel by its end point')
  const binding = Buffer.concat([header, endPoint ?? Buffer.alloc(0)]).toString('base64')
  return { mechanism: offered, bare, binding, clientNonce }
}

/** `nonce` is our part of it: fresh, random, printable ASCII without a comma. */
export function challenge(
  greeted: ScramGreeted,
  nonce: string,
  { salt, iterations }: Pick<ScramVerifier, 'salt' | 'iterations'>,
): ScramChallenged {
  const whole = greeted.clientNonce + nonce
  return { message: `r=${whole},s=${salt},i=${iterations}`, greeted, nonce: whole }
}

/** Reads the client's last message. Throws PROTOCOL_VIOLATION, or LOGIN_FAILED when it is bound to another channel. */
export function readClientFinal({ message, greeted, nonce }: ScramChallenged, response: Buffer): ScramShown {
  const [, withoutProof = '', binding, shownNonce, proof] = clientFinal.exec(response.toString('latin1')) ?? []
  if (binding === undefined || shownNonce === undefined || proof === undefined)
    throw violation('the last SCRAM message of the client is malformed')
  if (!same(Buffer.from(binding), Buffer.from(greeted.binding)))
    throw unbound('the client is bound to another channel than ours')
  if (!same(Buffer.from(shownNonce), Buffer.from(nonce))) throw violation('the client answers to another SCRAM nonce')
  return { authMessage: `${greeted.bare},${message},${withoutProof}`, proof: Buffer.from(proof, 'base64') }
}

/** True when the proof was made with the secret of this verifier. Constant time, whoever's the verifier is. */
export function fits({ authMessage, proof }: ScramShown, { storedKey }: Pick<ScramVerifier, 'storedKey'>): boolean {
  const stored = Buffer.from(storedKey, 'base64')
  const signature = hmac(stored, authMessage)
  const clientKey = Buffer.from(proof.map((byte, at) => byte ^ signature.readUInt8(at)))
  return same(createHash('sha256').update(clientKey).digest(), stored)
}

/** Our last message: proves to the client that we know the verifier. */
export const serverFinal = ({ authMessage }: ScramShown, { serverKey }: Pick<ScramVerifier, 'serverKey'>): string =>
  `v=${hmac(Buffer.from(serverKey, 'base64'), authMessage).toString('base64')}`

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const same = (left: Buffer, right: Buffer): boolean => left.length === right.length && timingSafeEqual(left, right)
