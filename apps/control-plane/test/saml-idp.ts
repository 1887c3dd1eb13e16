// An identity provider of SAML for tests: signs real assertions, and lets every part of them be another one. What it makes is
// text, so that attacks are written as they would be sent.
import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import * as x509 from '@peculiar/x509'
import { SignedXml } from 'xml-crypto'
import type { SamlProvider } from '../src/provider-config.ts'

export interface SamlIdp {
  readonly provider: SamlProvider
  /** The whole answer in base64, signed at the assertion. */
  answer(request: SamlRequest, changes?: Partial<Parts>): string
  /** The XML of an answer, for attacks that change it afterwards. */
  xml(request: SamlRequest, changes?: Partial<Parts>): string
}

export interface SamlRequest {
  readonly id: string
  readonly entityId: string
  readonly acs: string
}

interface Parts {
  readonly issuer: string
  readonly audience: string
  readonly recipient: string
  /** In SubjectConfirmationData, which is signed, and in the Response, which is not. */
  readonly inResponseTo: string
  readonly responseTo: string
  readonly nameId: string
  readonly format: string
  readonly notOnOrAfter: Date
  readonly issuedAt: Date
  readonly method: string
  readonly attributes: string
  readonly conditions: string
  readonly confirmation: string
  readonly session: string
  readonly algorithm: string
  readonly digest: string
  readonly transforms: readonly string[]
  readonly sign: 'assertion' | 'response' | 'nothing'
}

const c14n = 'http://www.w3.org/2001/10/xml-exc-c14n#'
export const enveloped = 'http://www.w3.org/2000/09/xmldsig#enveloped-signature'

export const attribute = (name: string, ...values: string[]): string =>
  `<saml:Attribute Name="${name}">${values.map((value) => `<saml:AttributeValue>${value}</saml:AttributeValue>`).join('')}</saml:Attribute>`

async function makeKeys(name: string) {
  x509.cryptoProvider.set(webcrypto as any)
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    publicExponent: new Uint8Array([1, 0, 1]),
    modulusLength: 2048,
  }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name}`,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: algorithm,
    keys: keys as any,
  })
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const privateKey = `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/(.{64})/g, '$1\n')}\n-----END PRIVATE KEY-----\n`
  return { privateKey, certificate: certificate.toString('pem') }
}

export async function startSamlIdp(name = 'saml'): Promise<SamlIdp> {
  const keys = await makeKeys(name)
  const issuer = `https://${name}.test/entity`
  const xml = (request: SamlRequest, changes: Partial<Parts> = {}): string => {
    const text = responseOf(issuer, request, changes)
    const sign = changes.sign ?? 'assertion'
    if (sign === 'nothing') return text
    const signed = new SignedXml({
      privateKey: keys.privateKey,
      signatureAlgorithm: (changes.algorithm ?? 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256') as any,
      canonicalizationAlgorithm: c14n,
    })
    const local = sign === 'assertion' ? 'Assertion' : 'Response'
    signed.addReference({
      xpath: `//*[local-name(.)='${local}']`,
      transforms: [...(changes.transforms ?? [enveloped, c14n])],
      digestAlgorithm: changes.digest ?? 'http://www.w3.org/2001/04/xmlenc#sha256',
    })
    signed.computeSignature(text, {
      prefix: 'ds',
      location: { reference: `//*[local-name(.)='${local}']/*[local-name(.)='Issuer']`, action: 'after' },
    })
    return signed.getSignedXml()
  }
  return {
    provider: {
      kind: 'saml',
      name,
      display: 'SAML login',
      issuer,
      groupsClaim: 'groups',
      provisionedSubject: 'userName',
      provisionedOnly: false,
      signInUrl: `https://${name}.test/sso`,
      certificates: [keys.certificate],
      subjectAttribute: null,
    },
    xml,
    answer: (request, changes) => Buffer.from(xml(request, changes)).toString('base64'),
  }
}

function responseOf(entity: string, request: SamlRequest, changes: Partial<Parts>): string {
  const { issuer = entity, audience = request.entityId, recipient = request.acs } = changes
  const { inResponseTo = request.id, responseTo = request.id, nameId = 'ana-7' } = changes
  const { format = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent', issuedAt = new Date() } = changes
  const until = (changes.notOnOrAfter ?? new Date(issuedAt.getTime() + 300_000)).toISOString()
  const { method = 'urn:oasis:names:tc:SAML:2.0:cm:bearer', session = '' } = changes
  const { attributes = attribute('groups', 'dba', 'oncall') + attribute('displayName', 'Ana Example') } = changes
  const id = () => `_${randomBytes(16).toString('hex')}`
  const at = issuedAt.toISOString()
  const answers = inResponseTo === '' ? '' : ` InResponseTo="${inResponseTo}"`
  const confirmation =
    changes.confirmation ??
    `<saml:SubjectConfirmation Method="${method}"><saml:SubjectConfirmationData Recipient="${recipient}"${answers} NotOnOrAfter="${until}"/></saml:SubjectConfirmation>`
  const conditions =
    changes.conditions ??
    `<saml:Conditions NotBefore="${at}" NotOnOrAfter="${until}"><saml:AudienceRestriction><saml:Audience>${audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>`
  const responds = responseTo === '' ? '' : ` InResponseTo="${responseTo}"`
  return (
    `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${id()}" Version="2.0" IssueInstant="${at}" Destination="${request.acs}"${responds}>` +
    `<saml:Issuer>${issuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>` +
    `<saml:Assertion ID="${id()}" Version="2.0" IssueInstant="${at}"><saml:Issuer>${issuer}</saml:Issuer>` +
    `<saml:Subject><saml:NameID Format="${format}">${nameId}</saml:NameID>${confirmation}</saml:Subject>${conditions}` +
    `<saml:AuthnStatement AuthnInstant="${at}"${session}><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>` +
    `<saml:AttributeStatement>${attributes}</saml:AttributeStatement></saml:Assertion></samlp:Response>`
  )
}

/** What our redirect asks the provider for. */
export function readRequest(location: string): SamlRequest {
  const text = inflateRawSync(Buffer.from(new URL(location).searchParams.get('SAMLRequest') ?? '', 'base64')).toString()
  const one = (form: RegExp): string => form.exec(text)?.[1] ?? ''
  return {
    id: one(/ ID="([^"]+)"/),
    acs: one(/AssertionConsumerServiceURL="([^"]+)"/),
    entityId: one(/<saml:Issuer[^>]*>([^<]+)</),
  }
}
