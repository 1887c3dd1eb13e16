// Generates a client from the OpenAPI description of the test's API with openapi-typescript, compiles the program that uses it, and runs
// that: nothing in it knows of the gateway.
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import openapiTS, { astToString } from 'openapi-typescript'
import { root } from '../stack/root.ts'

const run = promisify(execFile)

export interface GeneratedClient {
  /** What the program says of the API behind this address. */
  ask(baseUrl: string, token: string, authority?: string): Promise<Record<string, unknown>>
}

/** In a folder of its own below `directory`. */
export async function generateClient(directory: string): Promise<GeneratedClient> {
  const folder = join(directory, 'generated')
  const here = join(root, 'e2e', 'http')
  mkdirSync(folder, { recursive: true })
  const types = astToString(await openapiTS(pathToFileURL(join(here, 'crm.openapi.yaml'))))
  writeFileSync(join(folder, 'crm.openapi.ts'), types)
  cpSync(join(here, 'crm-client.ts'), join(folder, 'crm-client.ts'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  symlinkSync(join(root, 'e2e', 'node_modules'), join(folder, 'node_modules'))
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const options = '--strict --module nodenext --target es2022 --skipLibCheck --types node'
  const typeRoots = ['--typeRoots', join(root, 'node_modules', '@types')]
  await run(process.execPath, [compiler, ...options.split(' '), ...typeRoots, join(folder, 'crm-client.ts')])
  return {
    async ask(baseUrl, token, authority) {
      const env = {
        PATH: process.env.PATH ?? '',
        ...(authority === undefined ? {} : { NODE_EXTRA_CA_CERTS: authority }),
      }
      const { stdout } = await run(process.execPath, [join(folder, 'crm-client.js'), baseUrl, token], { env })
      return JSON.parse(stdout)
    },
  }
}
