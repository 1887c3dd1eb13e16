// What the storm plays in: one table whose rows name their owner, one that transactions fill, three targets on the same
// database (without a pool, with one, and at an agent that is never killed), and the policies over them.
import pg from 'pg'
import type { Places } from '../stack/documents.ts'
import { agentName, type Stack } from '../stack/stack.ts'

export const steadyAgent = 'steady-agent'
/** In the order of the storm: the first two are served by the agent that is killed. */
export const targets = ['chaos-plain', 'chaos-pooled', 'chaos-steady'] as const
export type TargetName = (typeof targets)[number]

/** Idle connections that a pooled target keeps. */
export const pooledIdleMax = 4
/** Owners of rows, `c0` and so on, with so many rows each. */
export const ownersMax = 40
export const rowsPerOwner = 200

export const secretOf = (owner: string, id: number): string => `secret-${owner}-${id}`

const schema = `
CREATE TABLE chaos_rows (owner text, id integer, secret text NOT NULL, pad text NOT NULL, PRIMARY KEY (owner, id));
INSERT INTO chaos_rows SELECT 'c' || o, i, 'secret-c' || o || '-' || i, repeat('x', 500)
  FROM generate_series(0, ${ownersMax - 1}) AS o, generate_series(1, ${rowsPerOwner}) AS i;
CREATE TABLE chaos_halves (mark text, half integer, PRIMARY KEY (mark, half));
GRANT SELECT, INSERT, DELETE ON chaos_rows, chaos_halves TO app_rw;
ANALYZE chaos_rows;
`

const target = (name: TargetName, places: Places): string => `apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: ${name}, labels: { chaos: "yes" } }
spec:
  protocol: postgres
  agents: [${name === 'chaos-steady' ? steadyAgent : agentName}]
  host: localhost
  port: ${places.TARGET_PORT}
  database: shop
  tls:
    mode: verify-full
    ca: |
      ${places.TARGET_CA.trim().replaceAll('\n', '\n      ')}
  roles:
    - name: app_rw
      password: { file: "${places.CREDENTIAL_FILE}" }
  pool: ${name === 'chaos-plain' ? '{ mode: none }' : `{ mode: session, idle: ${pooledIdleMax} }`}
`

const policies = `apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: chaos }
spec:
  targets: { labels: { chaos: "yes" } }
  rules:
    - { name: reads, effect: allow, callers: { any: true }, operations: [select], objects: ["public.chaos_*"] }
    - { name: halves, effect: allow, callers: { any: true }, operations: [insert], objects: ["public.chaos_halves"] }
    - { name: waits, effect: allow, callers: { any: true }, operations: [call], objects: ["pg_catalog.pg_sleep()"] }
    - { name: nothing-goes, effect: deny, operations: [delete] }
  masks:
    - columns: ["public.chaos_rows.secret"]
      method: redact
      unless: { groups: [pii-readers] }
`

/** Fills the database, and applies the documents as an administrator does. The steady agent has joined before. */
export async function prepareChaos(stack: Stack): Promise<void> {
  const owner = new pg.Client({ connectionString: stack.target.url('shop') })
  await owner.connect()
  try {
    await owner.query(schema)
  } finally {
    await owner.end()
  }
  const yaml = [...targets.map((name) => target(name, stack.places)), policies].join('---\n')
  const applied = await (await stack.as('adam')).post('/api/v1/apply', { yaml })
  if (applied.status !== 200) throw new Error(applied.text)
}
