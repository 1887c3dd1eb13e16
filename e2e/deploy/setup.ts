// Demo of deploy/compose.yaml: what an administrator does once after the first start, by the same API. Signs in at the
// demo's identity provider, applies the documents of the shop and, while no agent has joined, makes a join token for it.
import assert from 'node:assert'
import { readFileSync } from 'node:fs'
import { AgentPage } from '@sallyport/api/resources'
import { readDocuments } from '../stack/documents.ts'
import { withHold } from '../stack/holds.ts'
import type { PersonApi } from '../stack/people-api.ts'
import { signedIn } from './person.ts'
import { fail, replaceFile, variable } from './place.ts'

async function main(): Promise<void> {
  const agentName = variable('AGENT_NAME')
  const adam = await signedIn('adam')
  const applied = await adam.post('/api/v1/apply', { yaml: shopDocuments() })
  assert.equal(applied.status, 200, applied.text)
  if (await hasJoined(adam, agentName)) process.stdout.write(`the agent "${agentName}" has joined before\n`)
  else {
    const made = await adam.post('/api/v1/agents/join-tokens', { agentName })
    assert.equal(made.status, 201, made.text)
    replaceFile(variable('JOIN_TOKEN_FILE'), 0o600, String(made.body.token))
    process.stdout.write(`a join token for "${agentName}" lies in the agent's volume\n`)
  }
}

/** The documents of `npm run demo`, with the addresses of these containers. The function there does not want to wait. */
function shopDocuments(): string {
  const text = readDocuments('shop.yaml', {
    IDP_ISSUER: variable('IDP_ISSUER'),
    AUDIENCE: '',
    TARGET_PORT: variable('SHOP_PORT'),
    TARGET_CA: readFileSync(variable('SHOP_CA_FILE'), 'utf8'),
    CREDENTIAL_FILE: variable('CREDENTIAL_FILE'),
  })
  const parts = text.split('host: localhost')
  assert.equal(parts.length, 2, 'e2e/demo/shop.yaml names its host once')
  return withHold(parts.join(`host: ${variable('SHOP_HOST')}`), { wait: '1s' })
}

async function hasJoined(adam: PersonApi, agentName: string): Promise<boolean> {
  const listed = await adam.get('/api/v1/agents')
  assert.equal(listed.status, 200, listed.text)
  return AgentPage.parse(listed.body).items.some(({ name, state }) => name === agentName && state !== 'revoked')
}

main().catch(fail('setup'))
