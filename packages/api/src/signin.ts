// Sign-in: who am I, device login of the CLI, tokens for targets.
import { z } from 'zod'

export const AuthConfig = z.object({
  installation: z.string(),
  /** The console confirms logins of CLIs, with any provider; control planes of before do not. */
  deviceLogin: z.boolean().default(false),
  providers: z.array(
    z.object({
      kind: z.enum(['oidc', 'saml']).default('oidc'),
      name: z.string(),
      display: z.string(),
      issuer: z.string(),
      /** Empty where a CLI has no way in at the provider itself: SAML. */
      cliClientId: z.string(),
      scopes: z.string(),
    }),
  ),
})
export type AuthConfig = z.infer<typeof AuthConfig>

export const RoleNameSchema = z.enum(['admin', 'reviewer', 'auditor', 'member'])

export const Me = z.object({
  issuer: z.string(),
  subject: z.string(),
  display: z.string(),
  groups: z.array(z.string()),
  roles: z.array(RoleNameSchema),
  expiresAt: z.iso.datetime(),
  /** What shows this login; absent before it was told. */
  login: z.enum(['browser', 'cli']).optional(),
  /** For cookie sessions only: send it back as the header x-sallyport-csrf with every change. */
  csrfToken: z.string().nullable(),
})
export type Me = z.infer<typeof Me>

/** POST /api/v1/auth/logout. A browser goes on to `endSession`, where the provider ends its own session. */
export const LogoutResponse = z.object({ endSession: z.string().nullable() })

/** GET /api/v1/me/logins: where one is signed in. */
export const MyLogin = z.object({
  id: z.string(),
  kind: z.enum(['browser', 'cli']),
  provider: z.string(),
  /** As the login said them: to recognise it by, and nothing else. */
  address: z.string(),
  client: z.string(),
  createdAt: z.iso.datetime(),
  lastUsedAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  isCurrent: z.boolean(),
})
export type MyLogin = z.infer<typeof MyLogin>
export const MyLogins = z.object({ items: z.array(MyLogin) })
export type MyLogins = z.infer<typeof MyLogins>

/** POST /api/v1/auth/cli: an ID token from the device flow for a session of ours. */
export const CliLoginRequest = z.strictObject({ provider: z.string().min(1), idToken: z.string().min(1).max(16_384) })
export const CliLoginResponse = z.object({ accessToken: z.string(), expiresAt: z.iso.datetime(), me: Me })
export type CliLoginResponse = z.infer<typeof CliLoginResponse>

/** POST /api/v1/tokens: a short-lived token for one target, and how to connect with it. */
export const TokenRequest = z.strictObject({
  target: z.string().min(1).max(63),
  role: z.string().min(1).max(63).optional(),
})
export const TokenResponse = z.object({
  token: z.string(),
  expiresAt: z.iso.datetime(),
  connection: z.object({
    host: z.string(),
    port: z.number().int(),
    database: z.string(),
    /** A permitted upstream role, or `sallyport` for the default. */
    user: z.string(),
    /** PEM of the authority that signed the agent's certificate, for sslrootcert. */
    ca: z.string(),
    /** Of an HTTP target, without a slash at the end; null for databases. */
    url: z.string().nullable(),
    /** What is behind it is a server of MCP. */
    mcp: z.boolean().default(false),
  }),
})
export type TokenResponse = z.infer<typeof TokenResponse>
