// Every route of the API, who may call it, and what goes in and out: one table that the server registers, that the
// negative tests are generated from, and that the CLI's client follows.

/**
 * What a caller needs. `public`: nothing. `session`: signed in, any role. `scim`: the token of a provider's SCIM client.
 * Roles: one of them; admin is not implied.
 */
export type Access = 'public' | 'session' | 'scim' | readonly ('admin' | 'reviewer' | 'auditor' | 'member')[]

export interface RouteEntry {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly access: Access
}

export const routes = {
  health: { method: 'GET', path: '/healthz', access: 'public' },
  ready: { method: 'GET', path: '/readyz', access: 'public' },
  openapi: { method: 'GET', path: '/api/openapi.json', access: 'public' },
  jwks: { method: 'GET', path: '/.well-known/jwks.json', access: 'public' },
  authConfig: { method: 'GET', path: '/api/v1/auth/config', access: 'public' },
  login: { method: 'GET', path: '/auth/login', access: 'public' },
  callback: { method: 'GET', path: '/auth/callback', access: 'public' },
  // Of one provider where several stand side by side.
  providerCallback: { method: 'GET', path: '/auth/callback/:provider', access: 'public' },
  // The link of the first administrator, which the control plane prints at its start.
  setup: { method: 'GET', path: '/auth/setup', access: 'public' },
  samlMetadata: { method: 'GET', path: '/auth/saml/:provider/metadata', access: 'public' },
  samlAnswer: { method: 'POST', path: '/auth/saml/:provider/acs', access: 'public' },
  samlFinish: { method: 'GET', path: '/auth/saml/finish', access: 'public' },
  cliLogin: { method: 'POST', path: '/api/v1/auth/cli', access: 'public' },
  deviceStart: { method: 'POST', path: '/api/v1/auth/device', access: 'public' },
  // Who polls shows the device code, which is a secret of 256 bits.
  devicePoll: { method: 'POST', path: '/api/v1/auth/device/poll', access: 'public' },
  // From a browser's login alone: a CLI's login makes no further ones.
  deviceFind: { method: 'POST', path: '/api/v1/auth/device/find', access: 'session' },
  deviceDecide: { method: 'POST', path: '/api/v1/auth/device/:id/decide', access: 'session' },
  logout: { method: 'POST', path: '/api/v1/auth/logout', access: 'session' },
  me: { method: 'GET', path: '/api/v1/me', access: 'session' },
  myLogins: { method: 'GET', path: '/api/v1/me/logins', access: 'session' },
  myLoginEnd: { method: 'POST', path: '/api/v1/me/logins/:id/end', access: 'session' },
  myLoginsEnd: { method: 'POST', path: '/api/v1/me/end-sessions', access: 'session' },
  people: { method: 'GET', path: '/api/v1/people', access: ['admin', 'auditor'] },
  personEnd: { method: 'POST', path: '/api/v1/people/:id/end-sessions', access: ['admin'] },
  personDisable: { method: 'POST', path: '/api/v1/people/:id/disable', access: ['admin'] },
  personEnable: { method: 'POST', path: '/api/v1/people/:id/enable', access: ['admin'] },
  scimTokens: { method: 'GET', path: '/api/v1/scim-tokens', access: ['admin', 'auditor'] },
  scimTokenCreate: { method: 'POST', path: '/api/v1/scim-tokens', access: ['admin'] },
  scimTokenRevoke: { method: 'POST', path: '/api/v1/scim-tokens/:id/revoke', access: ['admin'] },
  provisionedGroups: { method: 'GET', path: '/api/v1/provisioned-groups', access: ['admin', 'auditor'] },
  scimConfig: { method: 'GET', path: '/scim/v2/ServiceProviderConfig', access: 'scim' },
  scimResourceTypes: { method: 'GET', path: '/scim/v2/ResourceTypes', access: 'scim' },
  scimResourceType: { method: 'GET', path: '/scim/v2/ResourceTypes/:id', access: 'scim' },
  scimSchemas: { method: 'GET', path: '/scim/v2/Schemas', access: 'scim' },
  scimSchema: { method: 'GET', path: '/scim/v2/Schemas/:id', access: 'scim' },
  scimUsers: { method: 'GET', path: '/scim/v2/Users', access: 'scim' },
  scimUserCreate: { method: 'POST', path: '/scim/v2/Users', access: 'scim' },
  scimUser: { method: 'GET', path: '/scim/v2/Users/:id', access: 'scim' },
  scimUserReplace: { method: 'PUT', path: '/scim/v2/Users/:id', access: 'scim' },
  scimUserPatch: { method: 'PATCH', path: '/scim/v2/Users/:id', access: 'scim' },
  scimUserDelete: { method: 'DELETE', path: '/scim/v2/Users/:id', access: 'scim' },
  scimGroups: { method: 'GET', path: '/scim/v2/Groups', access: 'scim' },
  scimGroupCreate: { method: 'POST', path: '/scim/v2/Groups', access: 'scim' },
  scimGroup: { method: 'GET', path: '/scim/v2/Groups/:id', access: 'scim' },
  scimGroupReplace: { method: 'PUT', path: '/scim/v2/Groups/:id', access: 'scim' },
  scimGroupPatch: { method: 'PATCH', path: '/scim/v2/Groups/:id', access: 'scim' },
  scimGroupDelete: { method: 'DELETE', path: '/scim/v2/Groups/:id', access: 'scim' },
  token: { method: 'POST', path: '/api/v1/tokens', access: 'session' },
  // What is asked for is proved by the two tokens that come with the request.
  tokenExchange: { method: 'POST', path: '/oauth2/token', access: 'public' },
  certificateIssue: { method: 'POST', path: '/api/v1/certificates', access: 'session' },
  ticketIssue: { method: 'POST', path: '/api/v1/tickets', access: 'session' },
  tickets: { method: 'GET', path: '/api/v1/tickets', access: ['admin', 'auditor'] },
  myTickets: { method: 'GET', path: '/api/v1/me/tickets', access: 'session' },
  // Its owner or an administrator: who may is decided in tickets/rules.ts; others get NOT_FOUND.
  ticketRevoke: { method: 'POST', path: '/api/v1/tickets/:id/revoke', access: 'session' },
  serviceAccounts: { method: 'GET', path: '/api/v1/service-accounts', access: ['admin', 'auditor'] },
  serviceAccountCreate: { method: 'POST', path: '/api/v1/service-accounts', access: ['admin'] },
  serviceAccountDisable: { method: 'POST', path: '/api/v1/service-accounts/:name/disable', access: ['admin'] },
  serviceAccountKeyCreate: { method: 'POST', path: '/api/v1/service-accounts/:name/keys', access: ['admin'] },
  serviceAccountKeyRevoke: {
    method: 'POST',
    path: '/api/v1/service-accounts/:name/keys/:id/revoke',
    access: ['admin'],
  },
  revocations: { method: 'GET', path: '/api/v1/revocations', access: ['admin', 'auditor'] },
  revoke: { method: 'POST', path: '/api/v1/revocations', access: ['admin'] },
  apply: { method: 'POST', path: '/api/v1/apply', access: ['admin'] },
  resources: { method: 'GET', path: '/api/v1/resources/:kind', access: ['admin', 'auditor'] },
  resource: { method: 'GET', path: '/api/v1/resources/:kind/:name', access: ['admin', 'auditor'] },
  resourceVersions: { method: 'GET', path: '/api/v1/resources/:kind/:name/versions', access: ['admin', 'auditor'] },
  resourceDelete: { method: 'DELETE', path: '/api/v1/resources/:kind/:name', access: ['admin'] },
  myTargets: { method: 'GET', path: '/api/v1/me/targets', access: 'session' },
  // Of a target that is open to the caller, what is open of it.
  mySchema: { method: 'GET', path: '/api/v1/me/targets/:name/schema', access: 'session' },
  explain: { method: 'POST', path: '/api/v1/policies/explain', access: ['admin', 'auditor'] },
  scanCreate: { method: 'POST', path: '/api/v1/targets/:name/scans', access: ['admin'] },
  scan: { method: 'GET', path: '/api/v1/scans/:id', access: ['admin'] },
  quarantine: { method: 'GET', path: '/api/v1/quarantine', access: ['admin', 'auditor'] },
  quarantinedTool: { method: 'GET', path: '/api/v1/quarantine/:target/:tool', access: ['admin', 'auditor'] },
  quarantineApprove: { method: 'POST', path: '/api/v1/quarantine/:target/:tool/approve', access: ['admin'] },
  policyTest: { method: 'POST', path: '/api/v1/policies/test', access: ['admin', 'auditor'] },
  policyTrial: { method: 'POST', path: '/api/v1/policies/trial', access: ['admin', 'auditor'] },
  agents: { method: 'GET', path: '/api/v1/agents', access: ['admin', 'auditor'] },
  joinToken: { method: 'POST', path: '/api/v1/agents/join-tokens', access: ['admin'] },
  agentRevoke: { method: 'POST', path: '/api/v1/agents/:id/revoke', access: ['admin'] },
  sessions: { method: 'GET', path: '/api/v1/sessions', access: ['admin', 'auditor'] },
  session: { method: 'GET', path: '/api/v1/sessions/:id', access: ['admin', 'auditor'] },
  sessionEntries: { method: 'GET', path: '/api/v1/sessions/:id/entries', access: ['admin', 'auditor'] },
  sessionExport: { method: 'GET', path: '/api/v1/sessions/:id/export', access: ['admin', 'auditor'] },
  export: { method: 'GET', path: '/api/v1/export', access: ['admin', 'auditor'] },
  auditLog: { method: 'GET', path: '/api/v1/audit', access: ['admin', 'auditor'] },
  sessionIndex: { method: 'GET', path: '/api/v1/sessions/:id/index', access: ['admin', 'auditor'] },
  trace: { method: 'GET', path: '/api/v1/traces/:id', access: ['admin', 'auditor'] },
  sessionKill: { method: 'POST', path: '/api/v1/sessions/:id/kill', access: ['admin'] },
  overview: { method: 'GET', path: '/api/v1/overview', access: 'session' },
  live: { method: 'GET', path: '/api/v1/live', access: 'session' },
  approvals: { method: 'GET', path: '/api/v1/approvals', access: ['admin', 'reviewer', 'auditor'] },
  // Its initiator may read it too: who may is decided in one place, approvals/rules.ts; others get NOT_FOUND.
  approval: { method: 'GET', path: '/api/v1/approvals/:id', access: 'session' },
  approvalVerdict: { method: 'POST', path: '/api/v1/approvals/:id/verdict', access: ['reviewer'] },
  approvalCancel: { method: 'POST', path: '/api/v1/approvals/:id/cancel', access: 'session' },
  myRequests: { method: 'GET', path: '/api/v1/me/requests', access: 'session' },
  grantable: { method: 'GET', path: '/api/v1/me/grantable', access: 'session' },
  // Which of them exist for whom is decided by approvals/rules.ts.
  grants: { method: 'GET', path: '/api/v1/grants', access: 'session' },
  grant: { method: 'GET', path: '/api/v1/grants/:id', access: 'session' },
  grantAsk: { method: 'POST', path: '/api/v1/grants', access: 'session' },
  grantVerdict: { method: 'POST', path: '/api/v1/grants/:id/verdict', access: ['reviewer'] },
  grantEnd: { method: 'POST', path: '/api/v1/grants/:id/end', access: 'session' },
  webhooks: { method: 'GET', path: '/api/v1/webhooks', access: ['admin', 'auditor'] },
  webhookCreate: { method: 'POST', path: '/api/v1/webhooks', access: ['admin'] },
  webhookDelete: { method: 'DELETE', path: '/api/v1/webhooks/:id', access: ['admin'] },
  webhookRotate: { method: 'POST', path: '/api/v1/webhooks/:id/rotate', access: ['admin'] },
  webhookEnable: { method: 'POST', path: '/api/v1/webhooks/:id/enable', access: ['admin'] },
  webhookTest: { method: 'POST', path: '/api/v1/webhooks/:id/test', access: ['admin'] },
  webhookDeliveries: { method: 'GET', path: '/api/v1/webhooks/:id/deliveries', access: ['admin', 'auditor'] },
  deliveryResend: { method: 'POST', path: '/api/v1/deliveries/:id/resend', access: ['admin'] },
} as const satisfies Record<string, RouteEntry>
export type RouteName = keyof typeof routes

/** What browsers get beside the API: the console's pages and files. Public, and not part of the API's description. */
export const pages = {
  console: { method: 'GET', path: '/*', access: 'public' },
} as const satisfies Record<string, RouteEntry & { readonly access: 'public' }>
export type PageName = keyof typeof pages
