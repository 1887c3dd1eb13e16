// Every link of the console is a function here; the route map and the tests use the same ones.
export const paths = {
  overview: () => '/',
  approvals: () => '/approvals',
  approval: (id: string) => `/approvals/${encodeURIComponent(id)}`,
  sessions: () => '/sessions',
  session: (id: string, event?: number) =>
    `/sessions/${encodeURIComponent(id)}${event === undefined ? '' : `?e=${event}`}`,
  trace: (id: string) => `/traces/${encodeURIComponent(id)}`,
  targets: () => '/targets',
  scan: (target: string) => `/targets/${encodeURIComponent(target)}/scan`,
  quarantine: () => '/quarantine',
  agents: () => '/agents',
  policies: () => '/policies',
  policy: (name: string) => `/policies/${encodeURIComponent(name)}`,
  newPolicy: () => '/policies/new',
  people: () => '/people',
  audit: () => '/audit',
  integrations: () => '/integrations',
  me: () => '/me',
  device: () => '/device',
  signIn: (returnTo: string) => `/sign-in?return=${encodeURIComponent(returnTo)}`,
} as const
