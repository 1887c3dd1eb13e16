// What would happen to a statement of a caller: the same analysis and decision as in the data path, over the catalog that
// an agent sent, optionally with draft documents in place of the stored ones. Runs nothing and stores nothing.
import { type ExplainRequest, ExplainResult } from '@sallyport/api/resources'
import { SallyportError } from '@sallyport/base/errors'
import type { Chain } from '@sallyport/base/identity'
import { limits } from '@sallyport/base/limits'
import type { TargetDocument } from '@sallyport/policy/document'
import { explainStatements } from '@sallyport/policy/explain'
import { analyse } from '@sallyport/sql/analyse'
import type { Catalog } from '@sallyport/sql/catalog'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import type { Actor } from '../http/actor.ts'
import { DocumentsRefused } from '../http/errors.ts'
import { chainOf, compileFor, type Versioned } from '../targets/open.ts'
import { readAgentNames } from '../targets/store.ts'
import { builtInOf, readText } from './apply.ts'
import { readCatalog } from './catalog.ts'
import { checkChange, keyOf } from './rules.ts'
import { readDocuments } from './store.ts'

type Asked = z.infer<typeof ExplainRequest>
type ExplainDeps = Pick<Deps, 'db' | 'clock' | 'config' | 'parser'>

export async function explainStatement(deps: ExplainDeps, actor: Actor, asked: Asked): Promise<ExplainResult> {
  if (Buffer.byteLength(asked.sql) > limits.statementBytesMax)
    throw new SallyportError('STATEMENT_TOO_LONG', `the statement is longer than ${limits.statementBytesMax} bytes`)
  const documents = await documentsFor(deps, asked.yaml)
  const target = targetOf(documents, asked.target)
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
        authentication: 'jwt',
      },
      parameters: [],
      nowMs: deps.clock.nowMs(),
    },
    statements: factsOf(deps, asked.sql, catalog, target),
  })
  return ExplainResult.parse(explanation)
}

/** Stored documents with the drafts in place of those of the same name; drafts are checked as apply would. */
async function documentsFor(deps: ExplainDeps, yaml: string | undefined): Promise<Versioned[]> {
  const stored = await readDocuments(deps.db)
  if (yaml === undefined) return stored
  const drafts = readText(yaml)
  const { problems } = checkChange(
    stored.map(({ document }) => document),
    drafts,
    { agentNames: await readAgentNames(deps.db), builtIn: builtInOf(deps.config) },
  )
  if (problems.length > 0) throw new DocumentsRefused(problems)
  const byKey = new Map<string, Versioned>(stored.map((one) => [keyOf(one.document), one]))
  for (const document of drafts) {
    const version = (byKey.get(keyOf(document))?.version ?? 0) + 1
    byKey.set(keyOf(document), { document, version })
  }
  return [...byKey.values()]
}

function targetOf(documents: readonly Versioned[], name: string): TargetDocument {
  for (const { document } of documents)
    if (document.kind === 'Target' && document.metadata.name === name) return document
  throw new SallyportError('TARGET_UNKNOWN', 'there is no target of this name', {
    hint: 'GET /api/v1/resources/targets lists them',
  })
}

/** The caller to explain for: the person who asks, or somebody with these groups. */
function callerOf(actor: Actor, asked: Asked): Chain {
  if (asked.groups === undefined && asked.kind === undefined) return chainOf(actor)
  const chain = chainOf({ ...actor, subject: 'explain', display: 'explain', groups: asked.groups ?? [] })
  return { ...chain, initiator: { ...chain.initiator, kind: asked.kind ?? 'user' } }
}

function factsOf(deps: ExplainDeps, sql: string, catalog: Catalog, target: TargetDocument): readonly StatementFacts[] {
  const context = {
    searchPath: ['public'],
    prepared: new Map<string, StatementFacts>(),
    cursors: new Map<string, StatementFacts>(),
    preset: target.spec.preset,
  }
  const analysis = analyse(sql, catalog, context, deps.parser)
  switch (analysis.kind) {
    case 'facts':
      return analysis.statements
    case 'syntax': {
      const where = analysis.position === null ? '' : ` at character ${analysis.position}`
      throw new SallyportError('STATEMENT_SYNTAX', `the statement cannot be read${where}: ${analysis.message}`)
    }
  }
}
