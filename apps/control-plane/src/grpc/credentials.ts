// TLS of the gRPC listener: one port for agents that have a certificate and for those that come to get one.
// A client certificate is asked for, not demanded; grpc/peer.ts decides what a call without a good one may do.
import { ServerCredentials } from '@grpc/grpc-js'
import type { Authority, IssuedServer } from '../agents/ca.ts'

const contextOf = (authority: Authority, issued: IssuedServer) => ({
  ca: authority.certificatePem,
  cert: issued.chainPem,
  key: issued.keyPem,
  minVersion: 'TLSv1.3' as const,
})

/**
 * grpc-js has only "demand" and "never ask" (ServerCredentials.createSsl). With `rejectUnauthorized: false` OpenSSL still
 * verifies what is presented and that the peer holds its key (RFC 8446, 4.4.3); the verdict is on the socket, and
 * grpc-js gives the certificate to calls only when it is good.
 */
export class OptionalClientCertificate extends ServerCredentials {
  readonly #authority: Authority
  constructor(authority: Authority, issued: IssuedServer) {
    super({ requestCert: true, rejectUnauthorized: false }, contextOf(authority, issued))
    this.#authority = authority
  }
  /** New connections get the new certificate; those that are open stay. */
  replace(issued: IssuedServer): void {
    this.updateSecureContextOptions(contextOf(this.#authority, issued))
  }
  override _equals(other: ServerCredentials): boolean {
    return this === other
  }
}
