// Sealed credentials: encrypted by whoever knows one, for one agent, one target at one address, and a version; the control
// plane carries them and cannot open them. HPKE (RFC 9180) in base mode over Web Cryptography, by the package `hpke`.
// Nothing here reads a file or prints a value.
import { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import * as hpke from 'hpke'

// P-256 in place of X25519: Web Cryptography has it in every browser and Node.js that we support, without a warning.
const suite = new hpke.CipherSuite(hpke.KEM_DHKEM_P256_HKDF_SHA256, hpke.KDF_HKDF_SHA256, hpke.AEAD_AES_256_GCM)
const info = new TextEncoder().encode('sallyport sealed credential 1')

/** Characters of a sealed credential: a password or a token, not a backup. */
export const sealedCharsMax = 16_384
/** Bytes of what is sealed. */
export const plainBytesMax = 8_192

/** For whom: the public half of an agent's sealing key, as the agent itself prints it. */
export interface Recipient {
  readonly agentId: string
  /** Serialised as RFC 9180, 7.1.1 says: an uncompressed point. */
  readonly publicKey: Uint8Array
}

/** What the ciphertext is tied to. Changed in the least, it does not open. */
export interface Binding {
  readonly agentId: string
  readonly target: string
  /** Where the target is reached: `host:port`, or the origin of an API. */
  readonly address: string
  readonly version: number
}

const prefix = 'spsealed1'
const recipientPrefix = 'spseal1'
const encode = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

function decode(text: string): Uint8Array {
  if (!/^[\w-]*$/.test(text)) throw notSealed()
  const bytes = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(bytes, (character) => character.charCodeAt(0))
}

const notSealed = (cause?: unknown): SallyportError =>
  new SallyportError(
    'CREDENTIAL_UNAVAILABLE',
    'the sealed credential was not made for this agent, target, address and version',
    { cause, hint: 'seal it again with "sallyport seal", and the agent\'s own key' },
  )

/** One line, for a person to carry from the agent to whoever knows the credential. */
export const formatRecipient = ({ agentId, publicKey }: Recipient): string =>
  `${recipientPrefix}.${agentId}.${encode(publicKey)}`

/** Throws REQUEST_INVALID. */
export function parseRecipient(line: string): Recipient {
  const [head, agentId, key, ...more] = line.trim().split('.')
  const isForm = head === recipientPrefix && /^[0-9a-f]{32}$/.test(agentId ?? '') && /^[\w-]{80,100}$/.test(key ?? '')
  if (!isForm || agentId === undefined || key === undefined || more.length > 0)
    throw new SallyportError('REQUEST_INVALID', 'this is no sealing key of an agent', {
      hint: 'run "sealing-key" at the agent, and take its whole line',
    })
  return { agentId, publicKey: decode(key) }
}

/** Length-prefixed, so that no two bindings have the same bytes (THREATS ). */
function aadOf({ agentId, target, address, version }: Binding): Uint8Array {
  const parts = [agentId, target, address, String(version)].map((text) => new TextEncoder().encode(text))
  return Uint8Array.from(parts.flatMap((bytes) => [bytes.length >> 8, bytes.length & 0xff, ...bytes]))
}

/** Throws REQUEST_INVALID for one that is empty or too long, or a key that is none. */
export async function seal(recipient: Recipient, binding: Omit<Binding, 'agentId'>, secret: Secret): Promise<string> {
  const plain = new TextEncoder().encode(secret.reveal())
  if (plain.length === 0 || plain.length > plainBytesMax)
    throw new SallyportError('REQUEST_INVALID', `a credential has 1 to ${plainBytesMax} bytes`)
  const aad = aadOf({ ...binding, agentId: recipient.agentId })
  try {
    const key = await suite.DeserializePublicKey(recipient.publicKey)
    const { encapsulatedSecret, ciphertext } = await suite.Seal(key, plain, { aad, info })
    return `${prefix}.${encode(encapsulatedSecret)}.${encode(ciphertext)}`
  } catch (cause) {
    throw new SallyportError('REQUEST_INVALID', "the agent's sealing key cannot be used", { cause })
  }
}

export interface SealingKey {
  readonly recipient: Recipient
  /** Throws CREDENTIAL_UNAVAILABLE, and says nothing of what is inside. */
  open(sealed: string, binding: Omit<Binding, 'agentId'>): Promise<Secret>
}

/** Private scalar, then the public point (RFC 9180, 7.1). */
const scalarBytes = 32
const pointBytes = 65

/** A new key as bytes to be kept. */
export async function makeSealingKey(): Promise<Uint8Array> {
  const { privateKey, publicKey } = await suite.GenerateKeyPair(true)
  const scalar = await suite.SerializePrivateKey(privateKey)
  return Uint8Array.from([...scalar, ...(await suite.SerializePublicKey(publicKey))])
}

/** The key of an agent. Throws CONFIG_INVALID for bytes that are no key. */
export async function openSealingKey(agentId: string, bytes: Uint8Array): Promise<SealingKey> {
  if (bytes.length !== scalarBytes + pointBytes)
    throw new SallyportError('CONFIG_INVALID', 'the sealing key is not what the agent wrote')
  const publicKey = bytes.slice(scalarBytes)
  const pair = {
    privateKey: await suite.DeserializePrivateKey(bytes.slice(0, scalarBytes)),
    publicKey: await suite.DeserializePublicKey(publicKey),
  }
  return {
    recipient: { agentId, publicKey },
    async open(sealed, binding) {
      const [head, encapsulated, ciphertext, ...more] = sealed.length > sealedCharsMax ? [] : sealed.split('.')
      if (head !== prefix || encapsulated === undefined || ciphertext === undefined || more.length > 0)
        throw notSealed()
      try {
        const aad = aadOf({ ...binding, agentId })
        const plain = await suite.Open(pair, decode(encapsulated), decode(ciphertext), { aad, info })
        return new Secret(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain))
      } catch (cause) {
        throw notSealed(cause)
      }
    },
  }
}
