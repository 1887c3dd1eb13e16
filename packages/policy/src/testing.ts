// Builds principals, facts and compiled policies from short texts, for tests and examples. Pure; asks nobody.
import { assert } from '@sallyport/base/assert'
import type { Chain, Principal } from '@sallyport/base/identity'
import { type Effect, type StatementFacts, sqlOperations } from '@sallyport/sql/facts'
import { type CompiledPolicies, compilePolicies, type DecisionContext } from './decide.ts'
import type { Document, FloorDocument, LabelDocument, PolicyDocument, TargetDocument } from './document.ts'
import { parseDocuments } from './parse.ts'
import type { LiveGrant } from './rulebook.ts'

export const testIssuer = 'https://issuer.example'

/** `ann in engineering dba`, `job workload in etl`, `claimed ann in dba`, `ann of https://other.example`. */
export function principal(text: string, claims: Readonly<Record<string, unknown>> = {}): Principal {
  const parts = /^(claimed )?(\S+)( workload)?(?: of (\S+))?(?: in (.+))?$/.exec(text)
  assert(parts !== null, `not a principal: ${text}`)
  const [, claimed, subject = '', workload, issuer = testIssuer, groups] = parts
  return {
    kind: workload === undefined ? 'user' : 'workload',
    issuer,
    subject,
    groups: groups?.split(' ') ?? [],
    claims,
    display: subject,
    assurance: claimed === undefined ? 'verified' : 'claimed',
  }
}

/** The first is the initiator, the rest the actors. */
export function chain(first: string, ...rest: readonly string[]): Chain {
  return { initiator: principal(first), actors: rest.map((text) => principal(text)) }
}

/** `select public.orders`, `derived delete public.audit`, `baseline select pg_catalog.pg_class`,
 * `select public.orders_eu < public.orders` (a child and its parents). */
export function effect(text: string): Effect {
  const parts = /^(derived |baseline )?(\S+) ?([^<]*?)(?: < (.+))?$/.exec(text)
  assert(parts !== null, `not an effect: ${text}`)
  const [, mark, name, object = '', parents] = parts
  const operation = sqlOperations.find((known) => known === name)
  assert(operation !== undefined, `not an operation: ${text}`)
  return {
    operation,
    object,
    via: mark === 'derived ' ? 'derived' : 'direct',
    parents: parents?.split(' ') ?? [],
    baseline: mark === 'baseline ',
  }
}

export const facts = (effects: readonly string[], more: Partial<StatementFacts> = {}): StatementFacts => ({
  verb: 'select',
  effects: effects.map(effect),
  functions: [],
  filtered: true,
  output: null,
  control: [],
  flows: [],
  session: [],
  relations: [],
  unknowns: [],
  opaque: [],
  reads: [],
  text: 'select 1',
  fingerprint: '0123456789abcdef',
  ...more,
})

/** Noon in UTC of a Wednesday. */
export const testNowMs = Date.UTC(2026, 6, 1, 12)

export const context = (who: Chain, more: Partial<DecisionContext> = {}): DecisionContext => ({
  chain: who,
  session: {
    id: 'session-1',
    upstreamRole: 'app',
    database: 'shop',
    clientAddress: '192.0.2.7',
    applicationName: 'test',
    tls: true,
    authentication: 'jwt',
  },
  parameters: [],
  nowMs: testNowMs,
  ...more,
})

/** Target "shop", labelled env: prod. */
export const testTarget: TargetDocument = {
  apiVersion: 'sallyport.dev/v1',
  kind: 'Target',
  metadata: { name: 'shop', labels: { env: 'prod' } },
  spec: {
    protocol: 'postgres',
    agents: ['agent-1'],
    host: 'db.example',
    port: 5432,
    database: 'shop',
    tls: { mode: 'verify-full' },
    roles: [{ name: 'app', password: { env: 'APP_PASSWORD' } }],
    recording: 'spool',
    initiator: 'optional',
    preset: 'none',
    idleInTransaction: '5m',
    pool: {
      mode: 'none',
      share: 'principal',
      idle: 10,
      idleTimeout: '60s',
      warm: 0,
      sessionState: 'refuse',
      wait: '10s',
    },
  },
}

/** The documents of a text that must be sound. */
export function documentsOf(yaml: string): readonly Document[] {
  const { documents, problems } = parseDocuments(yaml)
  assert(problems.length === 0, problems.map(({ path, message }) => `${path}: ${message}`).join('\n'))
  return documents
}

/** Not a hash that anything may rely on: equal texts, equal digests. */
const plainDigest = (text: string): string => text

/** Compiles documents for the target among them, else for `testTarget`. */
export function compileDocuments(
  documents: readonly Document[],
  floor: FloorDocument | null = null,
  digest: (text: string) => string = plainDigest,
  grants: readonly LiveGrant[] = [],
): CompiledPolicies {
  const policies: PolicyDocument[] = []
  const labels: LabelDocument[] = []
  let target = testTarget
  for (const document of documents) {
    if (document.kind === 'Policy') policies.push(document)
    else if (document.kind === 'Label') labels.push(document)
    else if (document.kind === 'Target') target = document
  }
  return compilePolicies({
    target,
    policies: policies.map((document) => ({ document, version: 1 })),
    labels,
    floor,
    sha256: digest,
    grants,
  })
}
