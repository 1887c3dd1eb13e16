// What an assertion must say beyond its signature (SAML Profiles 4.1.4.2 and 4.1.4.3), and what is refused before anything
// is parsed. Pure.
import { SallyportError } from '@sallyport/base/errors'
import { z } from 'zod'
import type { SamlProvider } from '../provider-config.ts'
import type { VerifiedIdentity } from './providers.ts'

const bearer = 'urn:oasis:names:tc:SAML:2.0:cm:bearer'
const transient = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient'
/** Entra ID names a link in place of the groups when there are more than 150. */
const groupsElsewhere = 'http://schemas.microsoft.com/claims/groups.link'
/** Attributes that are commonly a person's name to show. */
const displayNames = [
  'displayName',
  'http://schemas.microsoft.com/identity/claims/displayname',
  'urn:oid:2.16.840.1.113730.3.1.241',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name',
]
/** Characters of a subject; longer ones are no identifiers. */
const subjectCharsMax = 1_024

// The assertion as xml2js gives it: every element a list, text under `_`, attributes under `$`.
const attributes = z.record(z.string(), z.string())
const text = z.object({ _: z.string().min(1), $: attributes.optional() })
const Attribute = z.object({
  $: z.object({ Name: z.string().min(1) }),
  AttributeValue: z.array(z.union([z.string(), z.looseObject({ _: z.string().optional() })])).default([]),
})
const Assertion = z.object({
  $: z.object({ Version: z.literal('2.0') }),
  Issuer: z.tuple([text]),
  Subject: z.tuple([
    z.object({
      NameID: z.tuple([text]).optional(),
      SubjectConfirmation: z
        .array(
          z.object({
            $: z.object({ Method: z.string() }),
            SubjectConfirmationData: z.tuple([z.object({ $: attributes })]).optional(),
          }),
        )
        .min(1),
    }),
  ]),
  Conditions: z.tuple([z.unknown()]),
  AuthnStatement: z.array(z.object({ $: attributes.optional() })).min(1),
  AttributeStatement: z
    .array(z.union([z.string(), z.object({ Attribute: z.array(Attribute).default([]) })]))
    .default([]),
})
type Assertion = z.infer<typeof Assertion>

/** Signature, digest and transform algorithms that an answer may name; none with SHA-1, and none that keeps comments. */
const algorithms = new Set([
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
  'http://www.w3.org/2001/04/xmlenc#sha256',
  'http://www.w3.org/2001/04/xmlenc#sha512',
  'http://www.w3.org/2001/10/xml-exc-c14n#',
  'http://www.w3.org/TR/2001/REC-xml-c14n-20010315',
  'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
])

/** Document types bring entities; algorithms are compared as they are written, so one that is spelled otherwise is refused. */
export function refuseHostile(response: string): void {
  const xml = Buffer.from(response, 'base64').toString('utf8')
  if (/<!/.test(xml.replaceAll('<!--', ''))) throw refused('the answer holds a document type or a CDATA section')
  for (const [, quoted = ''] of xml.matchAll(/\bAlgorithm\s*=\s*("[^"]*"|'[^']*')/g))
    if (!algorithms.has(quoted.slice(1, -1)))
      throw refused('the answer is signed with an algorithm that is not accepted')
}

const refused = (message: string): SallyportError =>
  new SallyportError('LOGIN_FAILED', message, {
    hint: 'an administrator corrects the provider; see docs/operations.md',
  })

interface Expected {
  readonly provider: SamlProvider
  readonly requestId: string
  readonly recipient: string
}

/** Who it is about. `signed` is the assertion that the signature covers, and nothing outside it. Throws LOGIN_FAILED. */
export function identityOf(signed: Readonly<Record<string, unknown>>, expected: Expected): VerifiedIdentity {
  const parsed = Assertion.safeParse(signed['Assertion'])
  if (!parsed.success) {
    const path = parsed.error.issues[0]?.path.join('.') ?? ''
    throw refused(`the assertion of "${expected.provider.name}" lacks what it must say ("${path}")`)
  }
  const assertion = parsed.data
  const { provider } = expected
  if (assertion.Issuer[0]._ !== provider.issuer) throw refused('the assertion is of another issuer than configured')
  checkConfirmation(assertion, expected)
  const said = attributesOf(assertion, provider)
  const subject = subjectOf(assertion, said, provider)
  const name = displayNames.map((key) => said.get(key)?.[0]).find((value) => value !== undefined)
  const groups = said.get(provider.groupsClaim) ?? []
  // Claims as the rules of logins read them; nothing else of the assertion goes further.
  const claims = { [provider.groupsClaim]: groups, ...(name === undefined ? {} : { name }) }
  return { issuer: provider.issuer, subject, claims, ...endOf(assertion) }
}

/** Bearer, for our own address, in answer to the request that was taken out of the store, and with an end. */
function checkConfirmation({ Subject: [subject] }: Assertion, { requestId, recipient }: Expected): void {
  const fits = subject.SubjectConfirmation.some(({ $, SubjectConfirmationData }) => {
    const about = SubjectConfirmationData?.[0].$
    return (
      $.Method === bearer &&
      about?.['Recipient'] === recipient &&
      about['InResponseTo'] === requestId &&
      about['NotOnOrAfter'] !== undefined
    )
  })
  // One that fits is not enough when node-saml looked at another one: all of them are ours, or none is.
  if (!fits || subject.SubjectConfirmation.length !== 1)
    throw refused('the assertion was not made for this login at this installation')
}

function attributesOf({ AttributeStatement }: Assertion, provider: SamlProvider): Map<string, string[]> {
  const said = new Map<string, string[]>()
  for (const statement of AttributeStatement) {
    if (typeof statement === 'string') continue
    for (const { $, AttributeValue } of statement.Attribute) {
      // Which of two would count is not for us to guess (THREATS ).
      if (said.has($.Name)) throw refused(`the assertion names the attribute "${$.Name}" twice`)
      const values = AttributeValue.map((value) => (typeof value === 'string' ? value : (value._ ?? '')))
      said.set(
        $.Name,
        values.filter((value) => value !== ''),
      )
    }
  }
  if (said.has(groupsElsewhere))
    throw new SallyportError('LOGIN_FAILED', `"${provider.name}" did not send all groups of this person`, {
      hint: 'let the provider send only the groups that Group documents name',
    })
  return said
}

function subjectOf(assertion: Assertion, said: ReadonlyMap<string, readonly string[]>, provider: SamlProvider): string {
  const nameId = assertion.Subject[0].NameID?.[0]
  const attribute = provider.subjectAttribute
  const values = attribute === null ? (nameId === undefined ? [] : [nameId._]) : (said.get(attribute) ?? [])
  const [subject, ...others] = values
  if (subject === undefined || others.length > 0 || subject.length > subjectCharsMax || subject.trim() !== subject)
    throw refused(`the assertion of "${provider.name}" does not name one person`)
  if (attribute === null && nameId?.$?.['Format'] === transient)
    throw refused(`"${provider.name}" names people by a transient NameID, which is another one each time`)
  return subject
}

/** The provider may say until when a session of it may last (SAML Core 2.7.2). */
function endOf({ AuthnStatement }: Assertion): { endsAt?: Date } {
  const ends = AuthnStatement.flatMap(({ $ }) => $?.['SessionNotOnOrAfter'] ?? []).map((at) => Date.parse(at))
  if (ends.length === 0) return {}
  if (ends.some(Number.isNaN)) throw refused('the assertion ends its session at no time that can be read')
  return { endsAt: new Date(Math.min(...ends)) }
}
