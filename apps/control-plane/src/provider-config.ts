// The identity providers of the configuration: OpenID Connect and SAML 2.0 side by side, each under a name of its own.
// Secrets and certificates are read here, at the start; what cannot be read stops it.
import { X509Certificate } from 'node:crypto'
import { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import { z } from 'zod'

const SecretReference = z.union([
  z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/) }),
  z.strictObject({ file: z.string().min(1) }),
])

const shared = {
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lowercase letters, digits and hyphens'),
  display: z.string().min(1).max(100).optional(),
  groupsClaim: z.string().min(1).default('groups'),
  /** What users of SCIM are called by this provider's logins: which of their attributes is the subject. */
  provisionedSubject: z.enum(['externalId', 'userName']).default('externalId'),
  /** Only people whom SCIM has provisioned may sign in. */
  provisionedOnly: z.boolean().default(false),
}

const OidcFile = z.strictObject({
  kind: z.literal('oidc'),
  ...shared,
  issuer: z.url(),
  clientId: z.string().min(1),
  clientSecret: SecretReference.optional(),
  /** Client of the CLI's device flow; audience of the ID tokens that the CLI shows. */
  cliClientId: z.string().min(1).optional(),
  scopes: z.string().min(1).default('openid profile email'),
  /** Signing out goes on to the provider's own page; PUBLIC_URL/sign-in must be registered there. */
  signOutAtProvider: z.boolean().default(false),
})

const SamlFile = z.strictObject({
  kind: z.literal('saml'),
  ...shared,
  /** `entityID` of the provider: the issuer of its assertions. */
  entityId: z.url(),
  /** SingleSignOnService with the binding HTTP-Redirect. */
  signInUrl: z.url(),
  /** Certificates (PEM) that may sign assertions; two while the provider changes over. */
  certificates: z
    .array(z.strictObject({ file: z.string().min(1) }))
    .min(1)
    .max(5),
  /** An attribute that names the person for good; the NameID when absent. */
  subjectAttribute: z.string().min(1).optional(),
})

/** Without a kind it is OpenID Connect. */
export const ProviderFile = z.preprocess(
  (entry) => (typeof entry === 'object' && entry !== null && !('kind' in entry) ? { kind: 'oidc', ...entry } : entry),
  z.discriminatedUnion('kind', [SamlFile, OidcFile]),
)
export type ProviderFile = z.infer<typeof ProviderFile>

interface SharedProvider {
  readonly name: string
  readonly display: string
  /** Of the principals that it names: the issuer of its ID tokens, or its entity id. */
  readonly issuer: string
  /** Claim, or attribute, that holds groups. A path of claims may be written with dots. */
  readonly groupsClaim: string
  readonly provisionedSubject: 'externalId' | 'userName'
  readonly provisionedOnly: boolean
}

export interface OidcProvider extends SharedProvider {
  readonly kind: 'oidc'
  readonly clientId: string
  readonly clientSecret: Secret | null
  readonly cliClientId: string
  readonly scopes: string
  readonly signOutAtProvider: boolean
}

export interface SamlProvider extends SharedProvider {
  readonly kind: 'saml'
  readonly signInUrl: string
  /** PEM. */
  readonly certificates: readonly string[]
  readonly subjectAttribute: string | null
}

/** An identity provider that people sign in with. */
export type ProviderConfig = OidcProvider | SamlProvider

interface Reading {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly readFile: (path: string) => string
  readonly isAllowedUrl: (url: URL) => boolean
}

const invalid = (message: string, cause?: unknown): SallyportError =>
  new SallyportError('CONFIG_INVALID', message, { cause, hint: 'see "Identity providers" in docs/operations.md' })

/** Checks what one entry cannot say about itself, and reads what it refers to. Throws CONFIG_INVALID. */
export function readProviders(files: readonly ProviderFile[], reading: Reading): ProviderConfig[] {
  const names = new Set<string>()
  const issuers = new Set<string>()
  return files.map((file, index) => {
    const where = `providers.${index}`
    if (names.has(file.name)) throw invalid(`${where}: there are two providers "${file.name}"`)
    names.add(file.name)
    const provider = file.kind === 'saml' ? samlOf(file, where, reading) : oidcOf(file, where, reading)
    // People are (issuer, subject): two doors that name them alike could let one in as the other.
    if (issuers.has(provider.issuer)) throw invalid(`${where}: another provider has the same issuer`)
    issuers.add(provider.issuer)
    return provider
  })
}

function oidcOf(file: z.infer<typeof OidcFile>, where: string, reading: Reading): OidcProvider {
  if (!reading.isAllowedUrl(new URL(file.issuer))) throw invalid(`${where}.issuer must be https`)
  return {
    ...file,
    display: file.display ?? file.name,
    clientSecret: readSecret(file.clientSecret, `${where}.clientSecret`, reading),
    cliClientId: file.cliClientId ?? file.clientId,
  }
}

function samlOf(file: z.infer<typeof SamlFile>, where: string, reading: Reading): SamlProvider {
  if (!reading.isAllowedUrl(new URL(file.signInUrl))) throw invalid(`${where}.signInUrl must be https`)
  const { entityId, certificates, subjectAttribute, ...rest } = file
  return {
    ...rest,
    display: file.display ?? file.name,
    issuer: entityId,
    subjectAttribute: subjectAttribute ?? null,
    certificates: certificates.map((reference, at) =>
      certificateOf(reference.file, `${where}.certificates.${at}`, reading),
    ),
  }
}

function certificateOf(path: string, where: string, reading: Reading): string {
  const text = textOf(path, where, reading)
  try {
    const { publicKey } = new X509Certificate(text)
    const bits = publicKey.asymmetricKeyDetails?.modulusLength
    if (bits !== undefined && bits < 2_048) throw new Error('an RSA key of less than 2048 bits')
    return text
  } catch (cause) {
    throw invalid(`${where}: "${path}" is no certificate in PEM, or its key is too weak`, cause)
  }
}

function textOf(path: string, what: string, reading: Reading): string {
  try {
    return reading.readFile(path)
  } catch (cause) {
    throw invalid(`${what}: cannot read "${path}"`, cause)
  }
}

function readSecret(
  reference: z.infer<typeof SecretReference> | undefined,
  where: string,
  reading: Reading,
): Secret | null {
  if (reference === undefined) return null
  if ('file' in reference) return new Secret(textOf(reference.file, where, reading).replace(/\r?\n$/, ''))
  const value = reading.env[reference.env]
  if (value === undefined || value === '') throw invalid(`${where}: the variable "${reference.env}" is not set`)
  return new Secret(value)
}
