// What an agent has to understand of a document beyond what the release before this one did. An agent that does not say it can is not
// given a target whose documents need it: it serves the rest as before (version skew of one release).

/** What this release's agents say that they can. A name is never used for something else. */
export const agentCapabilities = [
  'credential-aws',
  'credential-vault-dynamic',
  'grants',
  'login-certificate',
  'login-ticket',
  'login-ticket-fast',
  'mcp-sql',
  'session-strength',
  'websocket',
] as const
export type AgentCapability = (typeof agentCapabilities)[number]

/** Ways of logging in that no document asks for: who gives out something to log in with asks for them. */
export type LoginCapability = Extract<AgentCapability, `login-${string}`>

/** Of a document, whatever else it says. Texts are looked for rather once too often: at worst a target waits for an upgrade. */
export function capabilitiesNeeded(document: {
  readonly kind: string
  readonly spec: unknown
}): readonly AgentCapability[] {
  const text = JSON.stringify(document.spec)
  const needed: Readonly<Record<Exclude<AgentCapability, LoginCapability>, boolean>> = {
    'credential-aws': document.kind === 'Target' && /"(awsSecret|rdsIam)":/.test(text),
    'credential-vault-dynamic': document.kind === 'Target' && text.includes('"dynamic":true'),
    // Those of before refuse a rule with an effect that they do not know.
    grants: document.kind === 'Policy' && text.includes('"effect":"grant"'),
    // Those of before know no search path of a declaration, and deny all of it.
    'mcp-sql': document.kind === 'Target' && text.includes('"searchPath":'),
    'session-strength': document.kind === 'Policy' && /\bsession\b.*\bstrength\b/.test(text),
    // Those of before refuse a document with a member that they do not know, and all that came with it.
    websocket: document.kind === 'Target' && text.includes('"webSocket":'),
  }
  return documentCapabilities.filter((name) => needed[name])
}

const isOfDocuments = (name: AgentCapability): name is Exclude<AgentCapability, LoginCapability> =>
  !name.startsWith('login-')
const documentCapabilities = agentCapabilities.filter(isOfDocuments)
