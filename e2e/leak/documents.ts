// The suite's policies as documents, and a target for each of them and each of its two databases. The two of a pair have
// names of the same length that differ in one letter: nothing else in an answer tells them apart but what is in them.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { agentName, root } from '../stack/stack.ts'

export const policies = [
  ...['mask-strict', 'mask-lookup', 'read-only', 'no-session-change', 'no-admin', 'deny-table', 'approval'],
  'row-limit',
] as const
export const roles = ['app_rw', 'app_owner', 'gw_admin'] as const

/** `a-mask-strict` is the database `demo_a` under that policy. */
export const targetName = (policy: string, database: string): string => `${database.replace('demo_', '')}-${policy}`

/** The roles have no passwords; a target document names where one is all the same. */
export const rolePassword = { ROLE_PASSWORD: 'none is asked for' } as const

const target = (policy: string, database: string, port: number): string => `---
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: ${targetName(policy, database)}, labels: { policy: ${policy} } }
spec:
  protocol: postgres
  agents: [${agentName}]
  host: 127.0.0.1
  port: ${port}
  database: ${database}
  tls: { mode: disable }
  roles:
${roles.map((role) => `    - { name: ${role}, password: { env: ROLE_PASSWORD } }`).join('\n')}
`

export function documents(databases: readonly string[], port: number): string {
  const text = readFileSync(join(root, 'e2e', 'leak', 'policies.yaml'), 'utf8')
  const targets = databases.flatMap((database) => policies.map((policy) => target(policy, database, port)))
  return text + targets.join('')
}
