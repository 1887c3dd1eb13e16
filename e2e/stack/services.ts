// The shop's HTTP API and MCP server beside a stack that runs, each a target of its agent: what an administrator adds once the
// database is there. Their credentials are in private files for the agent, and nowhere else.
import assert from 'node:assert'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readDocuments } from './documents.ts'
import { type ShopApi, startShopApi } from './shop-api.ts'
import { type ShopTools, startShopTools } from './shop-tools.ts'
import type { Stack } from './stack.ts'

export interface ShopServices {
  readonly api: ShopApi
  readonly tools: ShopTools
  /** What the agent shows them: what must be nowhere else. */
  readonly credentials: readonly string[]
  stop(): Promise<void>
}

export async function startShopServices(stack: Stack): Promise<ShopServices> {
  const database = stack.target.url('shop')
  const [apiKey, toolsKey] = [keep(stack, 'shop-api-token'), keep(stack, 'shop-tools-token')]
  const [api, tools] = await Promise.all([
    startShopApi(database, apiKey.credential),
    startShopTools(database, toolsKey.credential),
  ])
  const stop = async () => void (await Promise.all([api.stop(), tools.stop()]))
  try {
    const yaml = readDocuments('services.yaml', {
      API_PORT: String(api.port),
      API_CREDENTIAL_FILE: apiKey.file,
      TOOLS_PORT: String(tools.port),
      TOOLS_CREDENTIAL_FILE: toolsKey.file,
    })
    const applied = await (await stack.as('adam')).post('/api/v1/apply', { yaml })
    assert.equal(applied.status, 200, applied.text)
  } catch (thrown) {
    await stop()
    throw thrown
  }
  return { api, tools, credentials: [apiKey.credential, toolsKey.credential], stop }
}

function keep(stack: Stack, name: string): { readonly file: string; readonly credential: string } {
  const file = join(stack.dir, 'secrets', name)
  const credential = randomBytes(24).toString('base64url')
  writeFileSync(file, credential, { mode: 0o600 })
  return { file, credential }
}
