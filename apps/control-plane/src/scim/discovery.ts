// What this service is, for clients that ask (RFC 7643, 5 to 7): capabilities, kinds of resources and their schemas.
import { enterpriseSchema, groupSchema, listSchema, userSchema } from './resources.ts'

/** Resources on one page. */
export const countMax = 200
export const countDefault = 100
/** Bytes of a request. */
export const scimBodyBytesMax = 2_097_152

const documentation = 'https://github.com/sallyport/sallyport/blob/main/docs/people.md'

export const serviceProviderConfig = (baseUrl: string) => ({
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
  documentationUri: documentation,
  patch: { supported: true },
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: countMax },
  changePassword: { supported: false },
  sort: { supported: false },
  etag: { supported: true },
  authenticationSchemes: [
    {
      type: 'oauthbearertoken',
      name: 'Bearer token',
      description: 'a token of SCIM clients, made by an administrator',
      primary: true,
    },
  ],
  meta: { resourceType: 'ServiceProviderConfig', location: `${baseUrl}/ServiceProviderConfig` },
})

export const resourceTypes = (baseUrl: string) =>
  [
    {
      id: 'User',
      endpoint: '/Users',
      schema: userSchema,
      schemaExtensions: [{ schema: enterpriseSchema, required: false }],
    },
    { id: 'Group', endpoint: '/Groups', schema: groupSchema, schemaExtensions: [] },
  ].map((type) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
    ...type,
    name: type.id,
    description: type.id,
    meta: { resourceType: 'ResourceType', location: `${baseUrl}/ResourceTypes/${type.id}` },
  }))

interface Attribute {
  readonly name: string
  readonly type: 'string' | 'boolean' | 'complex' | 'reference'
  readonly multiValued: boolean
  readonly description: string
  readonly required: boolean
  readonly caseExact: boolean
  readonly mutability: 'readWrite' | 'readOnly'
  readonly returned: 'default'
  readonly uniqueness: 'none' | 'server'
  readonly subAttributes?: readonly Attribute[]
}

const attribute = (name: string, description: string, changes: Partial<Attribute> = {}): Attribute => ({
  name,
  type: 'string',
  multiValued: false,
  description,
  required: false,
  caseExact: false,
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
  ...changes,
})

const list = (
  name: string,
  description: string,
  subAttributes: readonly Attribute[],
  changes: Partial<Attribute> = {},
) => attribute(name, description, { type: 'complex', multiValued: true, subAttributes, ...changes })

const userAttributes = [
  attribute('userName', 'how the user is called at the provider', { required: true, uniqueness: 'server' }),
  attribute('externalId', "the provider's own id of the user", { caseExact: true }),
  attribute('displayName', 'a name to show'),
  attribute('active', 'false: may not sign in, and everything that is open ends', { type: 'boolean' }),
  attribute('name', 'the parts of the name', {
    type: 'complex',
    subAttributes: ['formatted', 'familyName', 'givenName'].map((name) => attribute(name, name)),
  }),
  list('emails', 'kept and never used as an identity', [
    attribute('value', 'address'),
    attribute('type', 'work, home'),
    attribute('primary', 'the main one', { type: 'boolean' }),
  ]),
  list('groups', 'groups that the user is in', [attribute('value', 'id'), attribute('display', 'name')], {
    mutability: 'readOnly',
  }),
]

const groupAttributes = [
  attribute('displayName', 'a name to show', { required: true, uniqueness: 'server' }),
  attribute('externalId', "the provider's own id of the group", { caseExact: true }),
  list('members', 'users of the same provider', [
    attribute('value', 'id of a user'),
    attribute('display', 'name', { mutability: 'readOnly' }),
  ]),
]

export const schemas = (baseUrl: string) =>
  [
    { id: userSchema, name: 'User', attributes: userAttributes },
    { id: groupSchema, name: 'Group', attributes: groupAttributes },
    {
      id: enterpriseSchema,
      name: 'EnterpriseUser',
      attributes: ['employeeNumber', 'department', 'organization'].map((name) => attribute(name, name)),
    },
  ].map((schema) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:Schema'],
    ...schema,
    description: schema.name,
    meta: { resourceType: 'Schema', location: `${baseUrl}/Schemas/${schema.id}` },
  }))

/** RFC 7644, 3.4.2. */
export const listOf = (resources: readonly object[], total = resources.length, startIndex = 1) => ({
  schemas: [listSchema],
  totalResults: total,
  startIndex,
  itemsPerPage: resources.length,
  Resources: resources,
})
