// An argument of a tool that is SQL, judged as if its caller sent it to the database: by the catalog of that target, its policies,
// and the chain of the call. The tool runs it on a connection that nobody here sees and answers in a form of its own, so what
// would have to be hidden by column, counted by row, held, or leaves something behind in a connection is denied (THREATS R-4.19).
import { asSallyportError, SallyportError } from '@sallyport/base/errors'
import type { Chain } from '@sallyport/base/identity'
import { actorWithoutRight } from '@sallyport/identity/may-act'
import type { EntrySql } from '@sallyport/ledger/entry'
import type { Detection } from '@sallyport/mask/detect/detection'
import {
  admits,
  anyTime,
  type CompiledPolicies,
  type DecisionContext,
  limitsFor,
  protectedColumns,
} from '@sallyport/policy/decide'
import { analysisOf, isPostgresTarget, type PostgresTargetDocument } from '@sallyport/policy/document'
import { judge as judgePolicies } from '@sallyport/policy/judge'
import type { McpServer } from '@sallyport/policy/mcp-target'
import type { Catalog } from '@sallyport/sql/catalog'
import type { SqlParser, StatementFacts } from '@sallyport/sql/facts'
import type { RequestBudgets } from '../limits/budgets.ts'
import { charge } from '../limits/charge.ts'
import type { CurrentSnapshot, Snapshots } from '../link/current.ts'
import { createAnalyser, factsCache, type SessionNames } from './analysis.ts'
import type { CatalogPlace } from './catalog-source.ts'
import type { Judged } from './gate.ts'
import { noParameters } from './recorded.ts'
import { catalogStale, policyRefusal } from './refusals.ts'
import { sizeRefusal } from './size.ts'
import { writeBackRefusal } from './write-back.ts'

export type SqlDeclaration = McpServer['sql'][number]

export interface SqlFound {
  /** Null: the argument may go on. */
  readonly refusal: SallyportError | null
  /** How it stands in the entry of the call. */
  readonly entry: EntrySql
  /** What detectors have to look for in the tool's answer. */
  readonly detection: Detection | null
}

export interface SqlArguments {
  /** `isCharged`: the limits have counted it before. Never rejects. */
  judge(declared: SqlDeclaration, text: string, by: DecisionContext, isCharged: boolean): Promise<SqlFound>
}

export interface SqlArgumentDeps {
  readonly snapshots: Pick<Snapshots, 'current'>
  readonly parser: SqlParser
  readonly budgets: RequestBudgets
  readonly catalogs: { now(place: CatalogPlace): Promise<Catalog> }
}

export function sqlArguments(deps: SqlArgumentDeps): SqlArguments {
  const facts = factsCache()
  return {
    async judge(declared, text, by, isCharged) {
      const { target, role = '' } = declared
      const unknown: EntrySql = { target, upstreamRole: role, verb: '', fingerprint: '', effects: [], rule: null }
      try {
        const place = placeOf(deps.snapshots.current(), declared, by.chain)
        const tooLarge = sizeRefusal(text)
        if (tooLarge !== null) throw tooLarge
        const catalog = await deps.catalogs.now(place).catch((thrown: unknown) => {
          throw catalogStale(thrown)
        })
        const { metadata, spec } = place.target.document
        const scope = `${metadata.name}\u0000${place.upstreamRole}`
        const analyser = createAnalyser(deps.parser, analysisOf(spec), facts, scope)
        const only = onlyStatement(analyser.analyse(text, catalog, namesBy(declared)))
        return found(deps, { declared, place, facts: only, catalog, by, isCharged })
      } catch (thrown) {
        return { refusal: inWords(declared, asSallyportError(thrown)), entry: unknown, detection: null }
      }
    },
  }
}

/** Throws where no policy of the database lets the chain in at all, or nobody serves it here. */
function placeOf({ targets }: CurrentSnapshot, { target: name, role }: SqlDeclaration, chain: Chain): CatalogPlace {
  const target = targets.get(name)
  if (target === undefined || !isPostgresTarget(target.document))
    throw new SallyportError('STATEMENT_UNKNOWN', 'no PostgreSQL target of this name is served by this agent', {
      hint: 'the owner of the tool names under "mcp.sql" a target of the same agents',
    })
  const { document } = target
  const upstreamRole = roleOf(document, role)
  if (actorWithoutRight(document, chain) !== undefined)
    throw new SallyportError('ACTOR_FORBIDDEN', 'nothing lets an actor of the call act for its initiator there', {
      hint: 'the owner of the target lists under "mayAct" which actors may act for which groups',
    })
  const admission = admits(target.policies, chain, anyTime)
  if (!admission.ok) throw new SallyportError('POLICY_UNCOVERED', admission.message, { hint: admission.hint })
  return { target: { ...target, document }, upstreamRole }
}

function roleOf({ spec: { roles } }: PostgresTargetDocument, wanted: string | undefined): string {
  const role = wanted === undefined ? roles[0] : roles.find(({ name }) => name === wanted)
  if (role !== undefined) return role.name
  throw new SallyportError('UPSTREAM_ROLE_FORBIDDEN', 'the role that "mcp.sql" names is none of the target', {
    hint: 'the owner of the tool names a role of the target',
  })
}

/** Names mean what they mean at the start of a connection with this search path. */
const namesBy = ({ searchPath }: SqlDeclaration): SessionNames => ({
  searchPath,
  prepared: () => undefined,
  preparedNames: [],
  cursors: () => new Map(),
  catalog: 'shared',
  objectsVersion: 0,
  pathTouched: false,
  isFull: false,
})

function onlyStatement(analysis: ReturnType<ReturnType<typeof createAnalyser>['analyse']>): StatementFacts {
  // What the parser says quotes the text, which would stand in the record.
  if (analysis.kind === 'syntax') throw new SallyportError('STATEMENT_SYNTAX', 'the text is no valid SQL')
  const [only] = analysis.statements
  if (only !== undefined && analysis.statements.length === 1) return only
  throw new SallyportError('STATEMENT_UNKNOWN', 'the text has to be one statement', {
    hint: 'send one statement in each call',
  })
}

interface Finding {
  readonly declared: SqlDeclaration
  readonly place: CatalogPlace
  readonly facts: StatementFacts
  readonly catalog: Catalog
  readonly by: DecisionContext
  readonly isCharged: boolean
}

function found({ budgets }: SqlArgumentDeps, finding: Finding): SqlFound {
  const { declared, place, facts, catalog, by, isCharged } = finding
  const { policies } = place.target
  const session = { ...by.session, upstreamRole: place.upstreamRole, database: place.target.document.spec.database }
  const judged: Judged = {
    facts,
    ...judgePolicies(policies, facts, { chain: by.chain, session, parameters: [], nowMs: by.nowMs }, catalog),
  }
  const { policy, version, rule } = judged.decision
  const entry: EntrySql = {
    target: declared.target,
    upstreamRole: place.upstreamRole,
    verb: facts.verb,
    fingerprint: facts.fingerprint,
    effects: facts.effects.slice(0, effectsMax).map(({ operation, object, via }) => ({ operation, object, via })),
    rule: rule === '' ? null : { policy, version, rule },
  }
  const denied = refusalOf(judged, policies, by.chain, catalog)
  const who = { policies, chain: by.chain, catalog }
  const limit = isCharged ? null : charge([facts], who, budgets, denied !== null).refusal
  const refusal = denied ?? limit?.error ?? null
  const detection = judged.plan.kind === 'mask' ? (judged.plan.detect ?? null) : null
  return { refusal: refusal === null ? null : inWords(declared, refusal), entry, detection }
}

/** Of one statement in the entry of a call, which holds its own effects as well. */
const effectsMax = 64

function refusalOf(judged: Judged, policies: CompiledPolicies, chain: Chain, catalog: Catalog): SallyportError | null {
  return (
    policyRefusal(judged, false) ??
    traceRefusal(judged.facts) ??
    holdRefusal(judged) ??
    maskRefusal(judged) ??
    writeBackRefusal(judged.facts, () => protectedColumns(policies, chain, catalog), noParameters) ??
    countRefusal(judged.facts, policies, chain, catalog)
  )
}

/** On a connection of the tool's it would change what the next statement means, which is judged without knowing. */
function traceRefusal({ session, effects }: StatementFacts): SallyportError | null {
  const isCalled = effects.some(({ operation, object }) => operation === 'call' && !object.startsWith('pg_catalog.'))
  const isHeard = effects.some(({ operation }) => operation === 'listen' || operation === 'set')
  if (session.length === 0 && !isCalled && !isHeard) return null
  return new SallyportError('STATEMENT_UNKNOWN', 'the statement may leave something behind in its connection', {
    hint: 'tools take single statements that read or write rows: no transactions, settings, definitions, COPY or calls of functions of the target',
  })
}

function holdRefusal({ decision }: Judged): SallyportError | null {
  if (decision.kind !== 'hold') return null
  return new SallyportError('POLICY_DENIED', `${decision.message}; in an argument of a tool nobody can approve it`, {
    hint: `rule "${decision.policy}/${decision.rule}" holds this; send the statement to the database itself`,
  })
}

/** Also where nothing of the result is hidden, but its errors may quote what is. */
function maskRefusal({ plan, sensitive }: Judged): SallyportError | null {
  const isHidden = plan.kind === 'mask' && (plan.relaxed === true || plan.columns.some((mask) => mask !== null))
  if (!isHidden && !sensitive) return null
  const rules = plan.kind === 'mask' ? plan.rules.map((rule) => `"${rule}"`).join(', ') : ''
  return new SallyportError(
    'MASK_UNPROVABLE',
    'the result would have to be masked, and a tool answers in a form that nobody can mask by column',
    {
      hint: `${rules === '' ? '' : `${rules} hides columns; `}leave protected columns out, or ask the database itself`,
    },
  )
}

function countRefusal(
  facts: StatementFacts,
  policies: CompiledPolicies,
  chain: Chain,
  catalog: Catalog,
): SallyportError | null {
  if (facts.output === null) return null
  const counting = limitsFor(policies, facts, chain, catalog).find(
    ({ limit }) => !limit.shadow && (limit.rows !== null || limit.bytes !== null),
  )
  if (counting === undefined) return null
  const { policy, name, text } = counting.limit
  return new SallyportError(
    'LIMIT_REACHED',
    `"${policy}/${name}" counts rows (${text}), and those of a tool are not seen`,
    {
      hint: 'ask the database itself',
    },
  )
}

/** Which of the arguments it is about; a model reads it. */
const inWords = ({ argument, target }: SqlDeclaration, error: SallyportError): SallyportError =>
  new SallyportError(error.code, `the SQL in "${argument}" is refused for "${target}": ${error.message}`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  })
