// Statements about the session itself: transactions, settings, prepared statements, cursors, channels, locks, DISCARD.
import type { DeclareCursorStmt, ExecuteStmt, FetchStmt, Node, PrepareStmt, TransactionStmt } from '@pgsql/types'
import { truncateCascade } from './cascade.ts'
import { descendants } from './catalog-index.ts'
import { writeEffects } from './closure.ts'
import { addComputed, addDirect, newDraft } from './draft.ts'
import { walkAll } from './expressions.ts'
import type { SessionEffect, StatementFacts } from './facts.ts'
import { boundGuesses } from './guesses.ts'
import { orderByIndexes } from './index-order.ts'
import { tokens } from './lexer.ts'
import { effectOnRelation } from './objects.ts'
import { mergeOrder } from './order-facts.ts'
import { adopt, done, factsOf, type Outcome, shown } from './outcome.ts'
import { type Environment, emptyScope, unknown, unknownName } from './scope.ts'
import { isQuery, queryColumns } from './select.ts'
import { changeSetting, setStatement, settingEffect, showStatement } from './settings.ts'
import { fingerprintOf } from './text.ts'
import { constantText, type Handlers, payload, tagOf } from './tree.ts'
import { typeNameOf } from './types.ts'

export const sessionStatements: Handlers<[env: Environment], Outcome> = {
  TransactionStmt: transaction,
  VariableSetStmt: (found, env) => {
    setStatement(found, env)
    return done(found.kind === 'VAR_RESET' || found.kind === 'VAR_RESET_ALL' ? 'reset' : 'set')
  },
  VariableShowStmt: (found, env) => {
    const name = showStatement(found, env)
    const columns = name === 'all' ? ['name', 'setting', 'description'] : [name]
    return { verb: 'show', output: columns.map((column) => ({ name: column, kind: 'derived', sources: [] })) }
  },
  ConstraintsSetStmt: (found, env) => {
    for (const node of found.constraints ?? []) for (const inner of Object.values(node)) env.draft.seen.add(inner)
    return done('set')
  },
  PrepareStmt: prepare,
  ExecuteStmt: execute,
  DeallocateStmt: (found, env) => {
    env.draft.session.push({ kind: 'deallocate', name: found.isall === true ? null : (found.name ?? null) })
    return done('deallocate')
  },
  DeclareCursorStmt: declare,
  FetchStmt: fetch,
  ClosePortalStmt: (found, env) => {
    env.draft.session.push({ kind: 'close', name: found.portalname ?? null })
    return done('close')
  },
  ListenStmt: (found, env) => {
    addDirect(env.draft, 'listen', `channel:${found.conditionname ?? ''}`)
    return done('listen')
  },
  UnlistenStmt: () => done('unlisten'),
  NotifyStmt: (found, env) => {
    addDirect(env.draft, 'notify', `channel:${found.conditionname ?? ''}`)
    return done('notify')
  },
  DiscardStmt: (found, env) => {
    const what = discards[found.target ?? 'DISCARD_ALL']
    if (what === 'all') settingEffect(env, 'set', 'all', false)
    if (what === 'temp') addDirect(env.draft, 'drop', 'pg_temp.*')
    env.draft.session.push({ kind: 'discard', what })
    return done('discard')
  },
  LockStmt: (found, env) => {
    for (const node of found.relations ?? []) lockTable(node, found.mode, env)
    return done('lock')
  },
  TruncateStmt: (found, env) => {
    const emptied = (found.relations ?? []).flatMap((node) => {
      const range = payload(node, 'RangeVar')
      const resolved = effectOnRelation(env, 'truncate', range)
      if (resolved?.kind !== 'catalog') return []
      writeEffects(env, 'truncate', resolved.relation, range?.inh === true)
      return [resolved.relation, ...(range?.inh === true ? descendants(env.index, resolved.relation) : [])]
    })
    if (found.behavior === 'DROP_CASCADE') truncateCascade(emptied, env)
    return done('truncate')
  },
}

const discards = {
  DISCARD_ALL: 'all',
  DISCARD_PLANS: 'plans',
  DISCARD_SEQUENCES: 'sequences',
  DISCARD_TEMP: 'temp',
} as const

/** ACCESS SHARE, the mode of pg_dump, is lockdefs.h's number 1. */
const accessShare = 1

function lockTable(node: Node, mode: number | undefined, env: Environment): void {
  const resolved = effectOnRelation(env, 'lock', payload(node, 'RangeVar'))
  if (mode !== accessShare || env.context.preset !== 'tooling' || resolved?.kind !== 'catalog') return
  for (const [key, effect] of env.draft.effects)
    if (effect.operation === 'lock') env.draft.effects.set(key, { ...effect, baseline: true })
}

type TransactionVerb = Extract<SessionEffect, { kind: 'transaction' }>['verb']

const transactionVerbs: Readonly<Record<string, TransactionVerb>> = {
  TRANS_STMT_BEGIN: 'begin',
  TRANS_STMT_START: 'begin',
  TRANS_STMT_COMMIT: 'commit',
  TRANS_STMT_ROLLBACK: 'rollback',
  TRANS_STMT_SAVEPOINT: 'savepoint',
  TRANS_STMT_RELEASE: 'release',
  TRANS_STMT_ROLLBACK_TO: 'rollback-to',
}

function transaction(found: TransactionStmt, env: Environment): Outcome {
  const verb = transactionVerbs[found.kind ?? '']
  if (verb === undefined) {
    // PREPARE TRANSACTION, COMMIT PREPARED, ROLLBACK PREPARED: a transaction that outlives its session.
    addDirect(env.draft, 'admin', 'transaction:prepared')
    unknown(env, 'a two-phase transaction')
    return done('transaction')
  }
  for (const node of found.options ?? []) {
    const mode = payload(node, 'DefElem')
    // BEGIN READ WRITE asks for what the session's default may have taken away.
    if (mode?.defname === 'transaction_read_only' && constantText(mode.arg) === '0')
      changeSetting(env, 'transaction_read_only', 'off', true)
  }
  env.draft.session.push({ kind: 'transaction', verb })
  return done(verb === 'rollback-to' ? 'rollback' : verb)
}

/** Facts of a query that is kept for later. A cursor computes rows that nobody has to fetch: MOVE skips them, WITH HOLD keeps them. */
function kept(query: Node | undefined, env: Environment, text: string, as: PrepareStmt | 'cursor'): StatementFacts {
  const draft = newDraft()
  const inner = { ...env, draft }
  const verb = query === undefined ? '' : tagOf(query).replace(/Stmt$/, '').toLowerCase()
  if (query === undefined || !isQuery(query)) unknown(inner, `${verb} as a prepared statement or cursor`)
  const columns = query === undefined ? [] : queryColumns(query, emptyScope(inner))
  if (as === 'cursor') addComputed(draft, columns, 'a cursor')
  for (const seen of draft.seen) env.draft.seen.add(seen)
  mergeOrder(env.draft.order, draft.order)
  const rows = verb === 'select' || columns.length > 0
  const output = rows ? shown(columns) : null
  // PREPARE says types of parameters.
  const root = as === 'cursor' ? query : { PrepareStmt: as }
  boundGuesses(draft, root, inner)
  orderByIndexes(draft, root, inner)
  return factsOf(draft, { verb, output }, text, fingerprintOf(env.parser, text))
}

/** PREPARE does nothing yet: EXECUTE is judged as the body. What cannot be understood is refused here already. */
function prepare(found: PrepareStmt, env: Environment): Outcome {
  for (const node of found.argtypes ?? []) typeNameOf(payload(node, 'TypeName'), env)
  const bodyText = bodyOf(env.text)
  const body = kept(found.query, env, bodyText, found)
  for (const why of body.unknowns)
    if (body.missing === undefined) unknown(env, why)
    else unknownName(env, body.missing, why)
  for (const oid of body.relations) env.draft.relations.add(oid)
  env.draft.session.push({ kind: 'prepare', name: found.name ?? '', body, bodyText })
  return done('prepare')
}

/** The text after AS of `PREPARE name (types) AS …`. */
function bodyOf(text: string): string {
  let depth = 0
  for (const { kind, start, end } of tokens(text)) {
    const written = text.slice(start, end)
    if (written === '(') depth += 1
    else if (written === ')') depth -= 1
    else if (kind === 'name' && depth === 0 && written.toLowerCase() === 'as') return text.slice(end).trim()
  }
  return ''
}

function execute(found: ExecuteStmt, env: Environment): Outcome {
  const name = found.name ?? ''
  // The body's lineage knows nothing of what its parameters are computed from.
  if (walkAll(found.params, emptyScope(env)).some(({ sources, nulls }) => sources.size > 0 || nulls.size > 0))
    unknown(env, 'a column behind a parameter of EXECUTE')
  const body = env.context.prepared.get(name)
  env.draft.session.push({ kind: 'execute', name })
  env.draft.elsewhere.add('EXECUTE')
  if (body === undefined) {
    unknownName(env, 'prepared statement', `the prepared statement "${name}"`)
    return done('execute')
  }
  adopt(env.draft, body)
  env.draft.session.push(...body.session)
  return { verb: 'execute', output: body.output }
}

/** CURSOR_OPT_HOLD (PostgreSQL source, parsenodes.h): the same in all versions. */
const cursorHolds = 0x20

function declare(found: DeclareCursorStmt, env: Environment): Outcome {
  const draft = newDraft()
  const body = kept(found.query, { ...env, draft }, env.text, 'cursor')
  for (const seen of draft.seen) env.draft.seen.add(seen)
  mergeOrder(env.draft.order, draft.order)
  adopt(env.draft, body)
  const holds = ((found.options ?? 0) & cursorHolds) === 0 ? {} : { holds: true as const }
  env.draft.session.push(...body.session, { kind: 'declare', name: found.portalname ?? '', body, ...holds })
  return done('declare')
}

/** FETCH gives rows of what was declared; MOVE only skips them, and runs it all the same. */
function fetch(found: FetchStmt, env: Environment): Outcome {
  const name = found.portalname ?? ''
  const body = env.context.cursors.get(name)
  env.draft.session.push({ kind: 'fetch', name })
  env.draft.elsewhere.add('FETCH')
  if (body === undefined) {
    unknownName(env, 'cursor', `the cursor "${name}"`)
    return done('fetch')
  }
  adopt(env.draft, body)
  // Its rows are computed now, and what they set is set now.
  env.draft.session.push(...body.session.filter(({ kind }) => kind === 'set'))
  return found.ismove === true ? done('move') : { verb: 'fetch', output: body.output }
}
