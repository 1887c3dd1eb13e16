// Finds the authority whose key the join token pins in what the control plane presents. Nothing but a TLS handshake
// happens here: no secret is sent until a second connection verified the whole chain with this authority alone.
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { connect, type DetailedPeerCertificate } from 'node:tls'
import { SallyportError } from '@sallyport/base/errors'
import { splitAddress } from './channel.ts'
import { keyHashOf } from './identity.ts'

/** For the handshake, in milliseconds. */
const handshakeMsMax = 10_000
/** Certificates that are looked at; a chain of ours has two. */
const chainMax = 10

/** PEM of the pinned authority. Throws CA_MISMATCH or CONTROL_PLANE_UNREACHABLE. */
export async function findPinnedAuthority(address: string, caKeyHash: string): Promise<string> {
  const chain = await presentedChain(address)
  for (const raw of chain) {
    const certificate = new X509Certificate(raw)
    const isSelfSigned = certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey)
    if (certificate.ca && isSelfSigned && keyHashOf(certificate) === caKeyHash) return certificate.toString()
  }
  throw new SallyportError('CA_MISMATCH', `"${address}" does not show the authority that the join token names`, {
    hint: 'is this the right control plane, and does nothing between take the TLS apart? then make a new token',
  })
}

async function presentedChain(address: string): Promise<Buffer[]> {
  const { host, port } = splitAddress(address)
  return await new Promise<Buffer[]>((resolve, reject) => {
    const socket = connect({
      host,
      port,
      // Verified by hand against the pin; this connection carries nothing.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['h2'],
      ...(isIP(host) === 0 ? { servername: host } : {}),
    })
    const fail = (cause?: unknown) => {
      socket.destroy()
      const message = `cannot reach the control plane at "${address}"`
      const hint = 'check the address in the join token, and the firewall for outgoing connections'
      reject(new SallyportError('CONTROL_PLANE_UNREACHABLE', message, { cause, hint }))
    }
    const timer = setTimeout(fail, handshakeMsMax)
    socket.once('error', (cause) => {
      clearTimeout(timer)
      fail(cause)
    })
    socket.once('secureConnect', () => {
      clearTimeout(timer)
      const chain = rawChain(socket.getPeerCertificate(true))
      socket.destroy()
      resolve(chain)
    })
  })
}

/** A self-signed certificate is its own issuer, so the walk must stop there. */
function rawChain(leaf: DetailedPeerCertificate): Buffer[] {
  const chain: Buffer[] = []
  let certificate: DetailedPeerCertificate | undefined = leaf
  while (certificate?.raw !== undefined && chain.length < chainMax) {
    chain.push(certificate.raw)
    certificate = certificate.issuerCertificate === certificate ? undefined : certificate.issuerCertificate
  }
  return chain
}
