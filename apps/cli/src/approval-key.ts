// Keys with which reviewers sign approvals, where the floor of an agent wants that, and what they sign: computed here from what the
// agent itself has said, so that a control plane that shows something else gets no signature for it (docs/approvals.md).
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { Approval, VerdictRequest } from '@sallyport/api/approvals'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import { utf8 } from '@sallyport/ledger/bytes'
import { parseCanonical } from '@sallyport/ledger/canonical'
import { approvalDigest, approvalMessage, evidenceDigestOfBytes } from '@sallyport/ledger/hold'
import { z } from 'zod'
import { type Session, usage } from './app.ts'

/** Makes a key, keeps it in a file that only its owner reads, and prints what goes into `floor.yaml`. */
export function makeApprovalKey(session: Session, path: string, name: string): void {
  const { files } = session.world
  if (files.readText(path) !== null)
    throw new SallyportError('CONFLICT', `there is a file "${path}" already`, {
      hint: 'choose another name for the key',
    })
  const { privateKey } = generateKeyPairSync('ed25519')
  files.writePrivate(path, privateKey.export({ format: 'pem', type: 'pkcs8' }).toString())
  const key = { name, key: textOf(privateKey) }
  session.out.message(`the key is in ${path}; the line is for "reviewers.keys" in the floor.yaml of agents`)
  session.out.result(key, () => `- { name: ${key.name}, key: "${key.key}" }`)
}

const textOf = (privateKey: KeyObject): string =>
  `ed25519:${z.object({ x: z.string() }).parse(createPublicKey(privateKey).export({ format: 'jwk' })).x}`

/** What the parts of evidence that people read are, once its digest is known to be the one that is approved. */
const Shown = z.object({
  target: z.string(),
  database: z.string(),
  upstreamRole: z.string(),
  agentName: z.string(),
  searchPath: z.array(z.string()),
  initiator: z.object({
    display: z.string(),
    assurance: z.enum(['verified', 'claimed']),
    issuer: z.string(),
    subject: z.string(),
  }),
  actors: z.array(z.object({ display: z.string(), assurance: z.enum(['verified', 'claimed']) })),
  clientAddress: z.string(),
  applicationName: z.string(),
  text: z.string(),
  parameters: z.array(z.string().nullable()),
  statementDigest: z.string(),
})

export interface Signable {
  readonly shown: z.infer<typeof Shown>
  /** Computed here. */
  readonly approvalDigest: string
}

/** Throws CHAIN_BROKEN where what the control plane shows is not what its digests say. Null: nobody wants a signature. */
export function signableOf(session: Session, approval: Approval): Signable | null {
  if (approval.signers === null) return null
  const { sha256 } = session.world
  const bytes = utf8(approval.signers.evidence)
  const parsed = parseCanonical(bytes, limits.holdEvidenceBytesMax)
  const shown = parsed.ok ? Shown.safeParse(parsed.value) : null
  if (!parsed.ok || shown === null || !shown.success) throw broken('what the agent said cannot be read')
  const digest = approvalDigest(sha256, {
    v: 1,
    request: approval.id,
    statementDigest: shown.data.statementDigest,
    evidenceDigest: evidenceDigestOfBytes(sha256, bytes),
    expiresAtMs: Date.parse(approval.expiresAt),
    quorum: approval.quorum.map(({ group, count }) => ({ group, count })),
  })
  if (digest !== approval.approvalDigest) throw broken('what is shown is not what would be approved')
  return { shown: shown.data, approvalDigest: digest }
}

const broken = (why: string): SallyportError =>
  new SallyportError('CHAIN_BROKEN', why, { hint: 'sign nothing, and tell whoever runs the agent' })

/** `digest`: as `approvals show` printed it to the person, so that nothing is signed that was not looked at. */
export function signatureFor(
  session: Session,
  signable: Signable,
  options: { readonly key: string; readonly digest: string | undefined },
): NonNullable<VerdictRequest['signature']> {
  if (options.digest !== signable.approvalDigest)
    throw usage(
      options.digest === undefined
        ? 'what is signed has to be named'
        : 'the request is another one than the digest says',
      'add --digest with the line "digest" of: sallyport approvals show ID',
    )
  const privateKey = privateKeyOf(session, options.key)
  const signature = sign(null, approvalMessage(signable.approvalDigest), privateKey)
  return { key: textOf(privateKey), signature: signature.toString('base64url') }
}

function privateKeyOf({ world }: Session, path: string): KeyObject {
  const text = world.files.readText(path)
  try {
    const key = text === null ? null : createPrivateKey(text)
    if (key?.asymmetricKeyType === 'ed25519') return key
  } catch {}
  throw new SallyportError('REQUEST_INVALID', `"${path}" is no key that "sallyport approvals key" made`)
}
