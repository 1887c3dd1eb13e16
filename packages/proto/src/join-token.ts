// The text of a join token: where the control plane is, which CA key it must show, and a secret that works once.
// Both ends use this file, so that what one writes the other reads.
import { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'

export interface JoinToken {
  /** `host:port` of the control plane's gRPC listener. */
  readonly address: string
  /** SHA-256 of the CA's public key (SPKI, DER), hex. */
  readonly caKeyHash: string
  /** The only name under which an agent may join with it. */
  readonly agentName: string
  /** 32 hex digits. */
  readonly id: string
  /** 32 random bytes, base64url. */
  readonly secret: Secret
}

const prefix = 'spj1.'
/** A token of ours has about 300 characters. */
const tokenCharsMax = 1_024

const patterns = {
  c: /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]{1,253}):[0-9]{1,5}$/,
  k: /^[0-9a-f]{64}$/,
  n: /^[a-z0-9][a-z0-9-]{0,62}$/,
  i: /^[0-9a-f]{32}$/,
  s: /^[A-Za-z0-9_-]{43}$/,
} as const

export function encodeJoinToken(token: JoinToken): string {
  const fields = { c: token.address, k: token.caKeyHash, n: token.agentName, i: token.id, s: token.secret.reveal() }
  return prefix + Buffer.from(JSON.stringify(fields)).toString('base64url')
}

/** Throws JOIN_TOKEN_INVALID; the message never holds a part of the text. */
export function parseJoinToken(text: string): JoinToken {
  const trimmed = text.trim()
  if (!trimmed.startsWith(prefix) || trimmed.length > tokenCharsMax) throw notAToken()
  const fields = readFields(Buffer.from(trimmed.slice(prefix.length), 'base64url').toString('utf8'))
  return {
    address: fields('c'),
    caKeyHash: fields('k'),
    agentName: fields('n'),
    id: fields('i'),
    secret: new Secret(fields('s')),
  }
}

function readFields(json: string): (key: keyof typeof patterns) => string {
  let parsed: unknown
  try {
    parsed = JSON.parse(json)
  } catch {
    throw notAToken()
  }
  if (typeof parsed !== 'object' || parsed === null) throw notAToken()
  const fields = new Map<string, unknown>(Object.entries(parsed))
  return (key) => {
    const value = fields.get(key)
    if (typeof value !== 'string' || !patterns[key].test(value)) throw notAToken()
    return value
  }
}

const notAToken = () =>
  new SallyportError('JOIN_TOKEN_INVALID', 'this is no join token, or it was cut off while copying', {
    hint: 'make one with "sallyport agent join NAME", and pass it as it is',
  })
