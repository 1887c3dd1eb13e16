// SAML 2.0 for browsers, as a service provider over @node-saml/node-saml: HTTP-Redirect out, HTTP-POST back, assertions that
// are signed and answer a request of ours, each once. What node-saml leaves open is refused by saml-rules.ts. An assertion
// that nobody asked for (started at the provider) never logs anybody in.

import { generateServiceProviderMetadata, SAML, type SamlConfig, ValidateInResponseTo } from '@node-saml/node-saml'
import { SallyportError } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { Config } from '../config.ts'
import type { SamlProvider } from '../provider-config.ts'
import type { VerifiedIdentity } from './providers.ts'
import { attemptMsMax } from './rules.ts'
import { identityOf, refuseHostile } from './saml-rules.ts'

/** An assertion is shown to us right after it was made. */
const assertionAgeMsMax = 600_000

/** Bytes of an answer in base64: an assertion with as many groups as a person may have. */
export const samlFormBytesMax = 1_048_576

/** Who we are to this provider. */
export const spOf = (config: Pick<Config, 'publicUrl'>, provider: Pick<SamlProvider, 'name'>) => ({
  entityId: `${config.publicUrl}/auth/saml/${provider.name}`,
  assertionUrl: `${config.publicUrl}/auth/saml/${provider.name}/acs`,
})

type RequestStore = SamlConfig['cacheProvider']

function samlOf(
  config: Pick<Config, 'publicUrl'>,
  provider: SamlProvider,
  requestId: string,
  cacheProvider: NonNullable<RequestStore>,
): SAML {
  const sp = spOf(config, provider)
  return new SAML({
    issuer: sp.entityId,
    audience: sp.entityId,
    callbackUrl: sp.assertionUrl,
    entryPoint: provider.signInUrl,
    idpCert: [...provider.certificates],
    wantAssertionsSigned: true,
    // A signature over the answer alone would not be looked for inside it; the assertion's own is always asked for.
    wantAuthnResponseSigned: false,
    validateInResponseTo: ValidateInResponseTo.always,
    requestIdExpirationPeriodMs: attemptMsMax,
    acceptedClockSkewMs: limits.clockLeewaySeconds * 1_000,
    maxAssertionAgeMs: assertionAgeMsMax,
    identifierFormat: null,
    disableRequestedAuthnContext: true,
    signatureAlgorithm: 'sha256',
    generateUniqueId: () => requestId,
    cacheProvider,
  })
}

const noStore: NonNullable<RequestStore> = {
  saveAsync: async () => null,
  getAsync: async () => null,
  removeAsync: async () => null,
}

/** Where to send the browser. `requestId` must be an NCName; the answer names it, and the caller keeps it until then. */
export async function samlUrl(config: Config, provider: SamlProvider, requestId: string): Promise<URL> {
  return new URL(await samlOf(config, provider, requestId, noStore).getAuthorizeUrlAsync('', undefined, {}))
}

/** What a provider is configured with: our entity id, and where it sends its answers. */
export function samlMetadata(config: Config, provider: SamlProvider): string {
  const sp = spOf(config, provider)
  return generateServiceProviderMetadata({
    issuer: sp.entityId,
    callbackUrl: sp.assertionUrl,
    identifierFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    wantAssertionsSigned: true,
    generateUniqueId: () => `sallyport-${provider.name}`,
  })
}

/**
 * Verifies the answer of our assertion URL. `take` gives up the request of this id: true once, while it is young and was
 * made for this provider. Throws LOGIN_FAILED.
 */
export async function verifySaml(
  config: Config,
  provider: SamlProvider,
  response: string,
  take: (requestId: string) => Promise<boolean>,
): Promise<{ readonly identity: VerifiedIdentity; readonly requestId: string }> {
  const taken = { id: '' }
  const store: NonNullable<RequestStore> = {
    saveAsync: async () => null,
    async getAsync(id) {
      if (taken.id !== '' && taken.id !== id) return null
      if (taken.id === '' && !(await take(id))) return null
      taken.id = id
      return new Date().toISOString()
    },
    removeAsync: async () => null,
  }
  try {
    refuseHostile(response)
    const { profile } = await samlOf(config, provider, '_', store).validatePostResponseAsync({ SAMLResponse: response })
    if (profile === null || profile.getAssertion === undefined || taken.id === '') throw new Error('no assertion')
    const sp = spOf(config, provider)
    const identity = identityOf(profile.getAssertion(), { provider, requestId: taken.id, recipient: sp.assertionUrl })
    return { identity, requestId: taken.id }
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause
    throw new SallyportError('LOGIN_FAILED', `"${provider.name}" did not confirm the login`, {
      cause,
      hint: 'start the login again; the operator finds the reason in the log',
    })
  }
}
