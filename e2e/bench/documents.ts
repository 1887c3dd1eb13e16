// The documents of the bench: the same database as targets on which everything is allowed, without masks and with them, each
// reached without TLS and, for the cases that measure it, with TLS.
import type { Places } from '../stack/documents.ts'
import { agentName } from '../stack/stack.ts'

/** TLS to the target, its name verified; or none. */
const encrypted = (places: Places): string => `
    mode: verify-full
    ca: |
      ${places.TARGET_CA.trim().replaceAll('\n', '\n      ')}`

const target = (
  name: string,
  places: Places,
  tls: string,
  pool = '{ mode: session, idle: 40 }',
): string => `apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: ${name}, labels: { bench: "yes" } }
spec:
  protocol: postgres
  agents: [${agentName}]
  host: localhost
  port: ${places.TARGET_PORT}
  database: bench
  tls:${tls}
  roles:
    - name: app_rw
      password: { file: "${places.CREDENTIAL_FILE}" }
  pool: ${pool}
`

/** As many connections as pgbouncer has in transaction mode. */
export const sharedConnections = 20
const sharedPool = `{ mode: transaction, connections: ${sharedConnections} }`

/** Masked are the column that pgbench's SELECT returns and one of three of the big table. */
const policies = `apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: bench-all }
spec:
  targets: { labels: { bench: "yes" } }
  rules:
    - { name: everything, effect: allow, callers: { any: true } }
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: bench-masks }
spec:
  targets: { names: [bench-masked, bench-masked-tls] }
  masks:
    - { columns: ["public.pgbench_accounts.abalance"], method: redact }
    - { columns: ["public.big.name"], method: { partial: { keepLast: 4 } } }
`

export const documents = (places: Places): string =>
  [
    ...['bench', 'bench-masked'].flatMap((name) => [
      target(name, places, ' { mode: disable }'),
      target(`${name}-tls`, places, encrypted(places)),
    ]),
    target('bench-shared', places, ' { mode: disable }', sharedPool),
    policies,
  ].join('---\n')
