// Certificates by which callers log in at databases: for a key that never leaves the caller's machine, one target and role.
import { z } from 'zod'

/** POST /api/v1/certificates */
export const CertificateRequest = z.strictObject({
  target: z.string().min(1).max(63),
  /** An upstream role of the target; its default without one. */
  role: z.string().min(1).max(63).optional(),
  /** PEM, PKCS #10, with a P-256 key. Its subject and names are ignored. */
  csr: z.string().min(1).max(16_384),
})
export type CertificateRequest = z.infer<typeof CertificateRequest>

export const CertificateResponse = z.object({
  /** What a revocation names. */
  id: z.string(),
  /** PEM. */
  certificate: z.string(),
  role: z.string(),
  expiresAt: z.iso.datetime(),
  connection: z.object({
    host: z.string(),
    port: z.number().int(),
    database: z.string(),
    user: z.string(),
    /** PEM of the authority that signed the agent's certificate, for sslrootcert. */
    ca: z.string(),
  }),
})
export type CertificateResponse = z.infer<typeof CertificateResponse>
