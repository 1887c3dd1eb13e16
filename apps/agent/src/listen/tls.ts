// TLS on an accepted connection, as a function that protocols are given: they say when, and which ALPN name is theirs.
import { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import { SallyportError } from '@sallyport/base/errors'
import type { Encrypt } from '../postgres/handshake.ts'
import { endPointBinding } from '../postgres/scram.ts'
import type { TlsMaterial } from './deps.ts'

/** What we show of ourselves. */
export interface TlsIdentity {
  readonly context: SecureContext
  /** `tls-server-end-point` (RFC 5929); null where it is not defined for the certificate. */
  readonly endPoint: Buffer | null
  /** Who signs certificates of callers; null where clients are asked for none. */
  readonly authority: X509Certificate | null
}

/** Throws CONFIG_INVALID when certificate and key do not fit. */
export function tlsIdentity({ certificate, key, authority, ticketKeys }: TlsMaterial): TlsIdentity {
  try {
    const context = createSecureContext({
      cert: certificate,
      key,
      minVersion: 'TLSv1.2',
      // A session that is resumed is that of the certificate it began with, which is judged anew at each login.
      sessionIdContext: 'sallyport',
      // Named to clients that are asked for a certificate; checked by session/certificate.ts.
      ...(authority === undefined ? {} : { ca: authority }),
      ...(ticketKeys === undefined ? {} : { ticketKeys: Buffer.from(ticketKeys) }),
    })
    const endPoint = endPointBinding(new X509Certificate(certificate).raw) ?? null
    return { context, endPoint, authority: authority === undefined ? null : new X509Certificate(authority) }
  } catch (cause) {
    throw new SallyportError('CONFIG_INVALID', "the listener's certificate and key do not fit", { cause })
  }
}

/** A client that names protocols has to name the given one (ALPACA). Rejects with TLS_REQUIRED. */
export const encryptBy =
  (socket: Socket, { context, endPoint, authority }: TlsIdentity): Encrypt =>
  async (protocol) => {
    const stream = new TLSSocket(socket, {
      isServer: true,
      secureContext: context,
      // Whoever signed it: a client that has a certificate for somebody else may still log in by a token.
      requestCert: authority !== null,
      rejectUnauthorized: false,
      // Asked only when the client names protocols; undefined ends the handshake (RFC 7301, section 3.2).
      ALPNCallback: ({ protocols }) => (protocols.includes(protocol) ? protocol : undefined),
    })
    stream.on('error', () => {})
    await new Promise<void>((resolve, reject) => {
      const failed = (cause?: unknown) => {
        // Nothing may follow in clear text.
        socket.destroy()
        reject(new SallyportError('TLS_REQUIRED', 'the TLS handshake failed', { cause }))
      }
      stream.once('secure', resolve)
      stream.once('error', failed)
      stream.once('close', () => failed())
    })
    const certificate = authority === null ? null : (stream.getPeerX509Certificate() ?? null)
    return { stream, protocol: stream.alpnProtocol || null, endPoint, certificate }
  }
