// Every route of the API, who may call it, and what goes in and out: one table that the server registers, that the
// negative tests are generated from, and that the CLI's client follows.

/** What a caller needs. `public`: nothing. `session`: signed in, any role. Roles: one of them; admin is not implied. */
export type Access = 'public' | 'session' | readonly ('admin' | 'reviewer' | 'auditor' | 'member')[]

export interface RouteEntry {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
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
  cliLogin: { method: 'POST', path: '/api/v1/auth/cli', access: 'public' },
  logout: { method: 'POST', path: '/api/v1/auth/logout', access: 'session' },
  me: { method: 'GET', path: '/api/v1/me', access: 'session' },
  token: { method: 'POST', path: '/api/v1/tokens', access: 'session' },
  apply: { method: 'POST', path: '/api/v1/apply', access: ['admin'] },
  resources: { method: 'GET', path: '/api/v1/resources/:kind', access: ['admin', 'auditor'] },
  resource: { method: 'GET', path: '/api/v1/resources/:kind/:name', access: ['admin', 'auditor'] },
  resourceVersions: { method: 'GET', path: '/api/v1/resources/:kind/:name/versions', access: ['admin', 'auditor'] },
  resourceDelete: { method: 'DELETE', path: '/api/v1/resources/:kind/:name', access: ['admin'] },
  myTargets: { method: 'GET', path: '/api/v1/me/targets', access: 'session' },
  explain: { method: 'POST', path: '/api/v1/policies/explain', access: ['admin', 'auditor'] },
  agents: { method: 'GET', path: '/api/v1/agents', access: ['admin', 'auditor'] },
  joinToken: { method: 'POST', path: '/api/v1/agents/join-tokens', access: ['admin'] },
  agentRevoke: { method: 'POST', path: '/api/v1/agents/:id/revoke', access: ['admin'] },
  sessions: { method: 'GET', path: '/api/v1/sessions', access: ['admin', 'auditor'] },
  session: { method: 'GET', path: '/api/v1/sessions/:id', access: ['admin', 'auditor'] },
  sessionEntries: { method: 'GET', path: '/api/v1/sessions/:id/entries', access: ['admin', 'auditor'] },
  sessionExport: { method: 'GET', path: '/api/v1/sessions/:id/export', access: ['admin', 'auditor'] },
  export: { method: 'GET', path: '/api/v1/export', access: ['admin', 'auditor'] },
  auditLog: { method: 'GET', path: '/api/v1/audit', access: ['admin', 'auditor'] },
} as const satisfies Record<string, RouteEntry>
export type RouteName = keyof typeof routes
