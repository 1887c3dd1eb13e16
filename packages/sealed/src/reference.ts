// What stands in a Target document for a sealed credential, made for several agents at once: by the command line and by the
// console, from the same few words. Nothing here keeps or prints the credential.
import { SallyportError } from '@sallyport/base/errors'
import type { Secret } from '@sallyport/base/secret'
import { parseRecipient, seal } from './sealed.ts'

export interface SealedReference {
  readonly version: number
  /** By the id of the agent. */
  readonly agents: Readonly<Record<string, string>>
}

interface Wanted {
  readonly target: string
  readonly address: string
  readonly version: number
  /** Lines of "sealing-key". */
  readonly to: readonly string[]
}

/** Throws REQUEST_INVALID. */
export async function sealFor({ to, version, ...wanted }: Wanted, secret: Secret): Promise<SealedReference> {
  const address = sealedAddress(wanted.address)
  const agents: Record<string, string> = {}
  for (const recipient of to.map(parseRecipient))
    agents[recipient.agentId] = await seal(recipient, { target: wanted.target, address, version }, secret)
  return { version, agents }
}

/** As agents have it from the document: `host:port`, or an origin. Throws REQUEST_INVALID. */
export function sealedAddress(text: string): string {
  if (/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$/.test(text)) return text
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.origin
  throw new SallyportError('REQUEST_INVALID', `"${text}" is no address`, {
    hint: 'host:port of a database, or the URL of an API or its token endpoint',
  })
}

/** Lines for the document, in the place of the credential. */
export const sealedYaml = ({ version, agents }: SealedReference): string =>
  [
    'sealed:',
    `  version: ${version}`,
    '  agents:',
    ...Object.entries(agents).map(([id, text]) => `    ${id}: ${text}`),
  ].join('\n')
