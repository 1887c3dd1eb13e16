// What would happen to a statement of a caller: the same analysis and decision as in the data path, over the catalog that
// an agent sent, optionally with draft documents in place of the stored ones. Runs nothing and stores nothing.
import { type ExplainRequest, ExplainResult } from '@sallyport/api/resources'
import { SallyportError } from '@sallyport/base/errors'
import type { Chain } from '@sallyport/base/identity'
import { limits } from '@sallyport/base/limits'
import { explainStatements } from '@sallyport/policy/explain'
import type { z } from 'zod'
import type { Actor } from '../http/actor.ts'
import { chainOf, compileFor } from '../targets/open.ts'
import { readCatalog } from './catalog.ts'
import { databaseOf, documentsFor, factsOf, type JudgingDeps, targetOf } from './judging.ts'

type Asked = z.infer<typeof ExplainRequest>

export async function explainStatement(deps: JudgingDeps, actor: Actor, asked: Asked): Promise<ExplainResult> {
  if (Buffer.byteLength(asked.sql) > limits.statementBytesMax)
    throw new SallyportError('STATEMENT_TOO_LONG', `the statement is longer than ${limits.statementBytesMax} bytes`)
  const documents = await documentsFor(deps, asked.yaml)
  const target = databaseOf(targetOf(documents, asked.target))
  const role = target.spec.roles[0]?.name ?? ''
  const catalog = await readCatalog(deps.db, target.metadata.name, role)
  const explanation = explainStatements({
    policies: compileFor(target, documents),
    catalog,
    chain: callerOf(actor, asked),
    context: {
      session: {
        id: '0'.repeat(32),
        upstreamRole: role,
        database: target.spec.database,
        clientAddress: '127.0.0.1',
        applicationName: 'explain',
        tls: true,
        authentication: asked.authentication ?? 'jwt-password',
      },
      parameters: [],
      nowMs: deps.clock.nowMs(),
    },
    statements: factsOf(deps, asked.sql, catalog, target),
  })
  return ExplainResult.parse(explanation)
}

/** The caller to explain for: the person who asks, or somebody with these groups. */
function callerOf(actor: Actor, asked: Asked): Chain {
  if (asked.groups === undefined && asked.kind === undefined) return chainOf(actor)
  const chain = chainOf({ ...actor, subject: 'explain', display: 'explain', groups: asked.groups ?? [] })
  return { ...chain, initiator: { ...chain.initiator, kind: asked.kind ?? 'user' } }
}
