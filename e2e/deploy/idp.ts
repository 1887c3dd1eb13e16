// Demo of deploy/compose.yaml: the identity provider of the demo as a process of its own. It knows four people with one
// password that its login page shows: never let it listen on anything but a demo's own network.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startIdp } from '../stack/idp.ts'
import { fail, variable } from './place.ts'

async function main(): Promise<void> {
  const read = (name: string): string => readFileSync(join(variable('IDP_DIR'), name), 'utf8').trim()
  const idp = await startIdp({
    host: variable('IDP_HOST'),
    port: Number(variable('IDP_PORT')),
    audience: variable('AUDIENCE'),
    redirectUris: [`${variable('CONTROL_URL')}/auth/callback`],
    secrets: { console: read('console-secret'), workload: read('workload-secret') },
  })
  process.stdout.write(`DEMO identity provider at ${idp.issuer}\n`)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void idp.stop())
}

main().catch(fail('demo identity provider'))
