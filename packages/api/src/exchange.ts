// POST /oauth2/token: token exchange (RFC 8693). A person's token and a function's become one that names both, for one target.
import { z } from 'zod'
import { Problem } from './problem.ts'

export const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const jwtTokenType = 'urn:ietf:params:oauth:token-type:jwt' as const

/** All tokens that are taken are JWTs, whatever their issuers call them (RFC 8693, 3). */
const TokenType = z.enum([
  jwtTokenType,
  'urn:ietf:params:oauth:token-type:access_token',
  'urn:ietf:params:oauth:token-type:id_token',
])

/** A request to AWS STS that the caller has signed, in place of a token; Google's STS calls it the same. */
export const awsTokenType = 'urn:ietf:params:aws:token-type:aws4_request' as const

/** A workload of AWS asks for a token of its own for a target. */
export const AwsTokenRequest = z.object({
  grant_type: z.literal(exchangeGrant),
  subject_token: z.string().min(1).max(16_384),
  subject_token_type: z.literal(awsTokenType),
  audience: z.string().min(1).max(63),
})
export type AwsTokenRequest = z.infer<typeof AwsTokenRequest>

/** RFC 6749, 4.4. */
export const clientCredentialsGrant = 'client_credentials'

/** A service account asks with its key for a token for a target. */
export const ServiceTokenRequest = z.object({
  grant_type: z.literal(clientCredentialsGrant),
  /** Name of the account. */
  client_id: z.string().min(1).max(63),
  /** Its key. */
  client_secret: z.string().min(1).max(256),
  audience: z.string().min(1).max(63),
})
export type ServiceTokenRequest = z.infer<typeof ServiceTokenRequest>

/** The form of a request; parameters that are not listed are ignored (RFC 6749, 3.2). */
export const ExchangeRequest = z.object({
  grant_type: z.string(),
  /** Of the person for whom something is done; or a token of an earlier exchange. */
  subject_token: z.string().min(1),
  subject_token_type: TokenType,
  /** Of the function that does it. */
  actor_token: z.string().min(1),
  actor_token_type: TokenType,
  /** Name of a target. */
  audience: z.string().min(1).max(63),
  requested_token_type: z.enum([jwtTokenType, 'urn:ietf:params:oauth:token-type:access_token']).optional(),
  /** `true`: the token is good for one login or one statement. */
  single_use: z.enum(['true', 'false']).default('false'),
})
export type ExchangeRequest = z.infer<typeof ExchangeRequest>

export const ExchangeResponse = z.object({
  access_token: z.string(),
  issued_token_type: z.literal(jwtTokenType),
  /** It is no bearer token of HTTP alone (RFC 8693, 2.2.1). */
  token_type: z.literal('N_A'),
  expires_in: z.number().int(),
})
export type ExchangeResponse = z.infer<typeof ExchangeResponse>

/** RFC 6749, 5.2, and a problem document like any other in the same answer. */
export const ExchangeRefusal = Problem.extend({
  error: z.enum(['invalid_request', 'invalid_target', 'unsupported_grant_type']),
  error_description: z.string(),
  error_uri: z.string(),
})
export type ExchangeRefusal = z.infer<typeof ExchangeRefusal>
