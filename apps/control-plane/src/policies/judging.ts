// What explain, test and trial share: documents with drafts in place, one target compiled once, its catalog read once, and
// the same `judge` as in the data path. Runs nothing and stores nothing.
import { SallyportError } from '@sallyport/base/errors'
import type { CompiledPolicies } from '@sallyport/policy/decide'
import {
  analysisOf,
  isPostgresTarget,
  type PostgresTargetDocument,
  type TargetDocument,
} from '@sallyport/policy/document'
import { analyse } from '@sallyport/sql/analyse'
import type { Catalog } from '@sallyport/sql/catalog'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { Deps } from '../deps.ts'
import { DocumentsRefused } from '../http/errors.ts'
import { compileFor, type Versioned } from '../targets/open.ts'
import { readAgentNames } from '../targets/store.ts'
import { builtInOf, readText } from './apply.ts'
import { readCatalog } from './catalog.ts'
import { checkChange, keyOf } from './rules.ts'
import { readDocuments } from './store.ts'

export type JudgingDeps = Pick<Deps, 'db' | 'clock' | 'config' | 'parser'>

/** Stored documents with the drafts in place of those of the same name; drafts are checked as apply would. */
export async function documentsFor(deps: JudgingDeps, yaml: string | undefined): Promise<Versioned[]> {
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

export function targetOf(documents: readonly Versioned[], name: string): TargetDocument {
  for (const { document } of documents)
    if (document.kind === 'Target' && document.metadata.name === name) return document
  throw new SallyportError('TARGET_UNKNOWN', 'there is no target of this name', {
    hint: 'GET /api/v1/resources/targets lists them',
  })
}

/** The same, where statements are what it takes. */
export function databaseOf(target: TargetDocument): PostgresTargetDocument {
  if (isPostgresTarget(target)) return target
  throw new SallyportError('REQUEST_INVALID', `"${target.metadata.name}" is no database; it takes no statements`)
}

/** A target ready to judge by. */
export interface Court {
  readonly target: TargetDocument
  readonly policies: CompiledPolicies
}

/** Compiles each target once. */
export function courts(documents: readonly Versioned[]): (name: string) => Court {
  const known = new Map<string, Court>()
  return (name) => {
    const found = known.get(name)
    if (found !== undefined) return found
    const target = targetOf(documents, name)
    const court = { target, policies: compileFor(target, documents) }
    known.set(name, court)
    return court
  }
}

/** Reads each catalog once. Throws CATALOG_STALE. */
export function catalogs({ db }: Pick<Deps, 'db'>): (target: string, role: string) => Promise<Catalog> {
  const known = new Map<string, Promise<Catalog>>()
  return (target, role) => {
    const key = `${target} ${role}`
    const found = known.get(key) ?? readCatalog(db, target, role)
    known.set(key, found)
    return found
  }
}

/** Facts of a text; the search_path is the one that sessions begin with. Throws STATEMENT_SYNTAX. */
export function factsOf(
  { parser }: Pick<Deps, 'parser'>,
  sql: string,
  catalog: Catalog,
  target: PostgresTargetDocument,
): readonly StatementFacts[] {
  const context = {
    searchPath: ['public'],
    prepared: new Map<string, StatementFacts>(),
    cursors: new Map<string, StatementFacts>(),
    ...analysisOf(target.spec),
  }
  const analysis = analyse(sql, catalog, context, parser)
  switch (analysis.kind) {
    case 'facts':
      return analysis.statements
    case 'syntax': {
      const where = analysis.position === null ? '' : ` at character ${analysis.position}`
      throw new SallyportError('STATEMENT_SYNTAX', `the statement cannot be read${where}: ${analysis.message}`)
    }
  }
}
