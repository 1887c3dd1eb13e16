// DDL that brings code: functions, triggers, rules, policies, casts, and DO. A function is followed when it is called; what
// runs by itself from then on, or changes what expressions mean, cannot be followed and is an unknown.
import type { CreateFunctionStmt, CreateTrigStmt, Node } from '@pgsql/types'
import { candidates } from './calls.ts'
import { functionName } from './catalog-index.ts'
import { changed, understood } from './ddl.ts'
import { addControlOf, addDirect } from './draft.ts'
import { condition, walk } from './expressions.ts'
import { noteHidingFunction } from './hiding.ts'
import { createdName, effectOnObject, effectOnRelation } from './objects.ts'
import { done, type Outcome } from './outcome.ts'
import { relationEntry } from './relations.ts'
import { type Environment, emptyScope, inside, type Scope, unknown } from './scope.ts'
import { refusePinned, settingEffect, settingValue } from './settings.ts'
import { type Handlers, payload, texts } from './tree.ts'

/** A scope with the columns of the relation that a clause belongs to. */
export function scopeOfRelation(resolved: ReturnType<typeof effectOnRelation>, env: Environment): Scope {
  const scope: Scope = { ...emptyScope(env), nested: true }
  if (resolved?.kind !== 'catalog') return scope
  return inside(scope, [relationEntry(env, resolved.relation, resolved.relation.name)])
}

export const ddlOfCode: Handlers<[env: Environment], Outcome> = {
  CreateFunctionStmt: createFunction,
  AlterFunctionStmt: (found, env) => {
    if (found.func !== undefined) effectOnObject(env, 'alter', found.objtype, { ObjectWithArgs: found.func })
    functionOptions(found.actions, env)
    understood(env, found)
    return changed('alter', env)
  },
  DoStmt: (found, env) => {
    understood(env, found)
    addDirect(env.draft, 'admin', 'code:do')
    unknown(env, 'DO: what its code does')
    return done('do')
  },
  CreateTrigStmt: createTrigger,
  RuleStmt: (found, env) => {
    effectOnRelation(env, 'alter', found.relation)
    understood(env, found)
    unknown(env, 'CREATE RULE: what its actions do')
    return changed('create', env)
  },
  CreatePolicyStmt: (found, env) => {
    const scope = scopeOfRelation(effectOnRelation(env, 'alter', found.table), env)
    for (const expression of [found.qual, found.with_check]) condition(expression, scope, 'POLICY')
    return changed('create', env)
  },
  AlterPolicyStmt: (found, env) => {
    const scope = scopeOfRelation(effectOnRelation(env, 'alter', found.table), env)
    for (const expression of [found.qual, found.with_check]) condition(expression, scope, 'POLICY')
    return changed('alter', env)
  },
  CreateCastStmt: (found, env) => opaque('create', 'cast:', 'CREATE CAST', found, env),
  CreateTransformStmt: (found, env) => opaque('create', 'transform:', 'CREATE TRANSFORM', found, env),
  CreateOpClassStmt: (found, env) =>
    opaque('create', `operator_class:${texts(found.opclassname).join('.')}`, 'CREATE OPERATOR CLASS', found, env),
  CreateOpFamilyStmt: (found, env) =>
    opaque('create', `operator_family:${texts(found.opfamilyname).join('.')}`, 'CREATE OPERATOR FAMILY', found, env),
  AlterOpFamilyStmt: (found, env) =>
    opaque('alter', `operator_family:${texts(found.opfamilyname).join('.')}`, 'ALTER OPERATOR FAMILY', found, env),
  AlterOperatorStmt: (found, env) =>
    opaque('alter', `operator:${texts(found.opername?.objname).join('.')}`, 'ALTER OPERATOR', found, env),
}

/** Changes what expressions elsewhere mean. */
function opaque(verb: 'create' | 'alter', object: string, what: string, found: unknown, env: Environment): Outcome {
  understood(env, found)
  addDirect(env.draft, verb, object)
  unknown(env, `${what}: it changes what expressions do`)
  return changed(verb, env)
}

function createFunction(found: CreateFunctionStmt, env: Environment): Outcome {
  const name = createdName(texts(found.funcname), env)
  addDirect(env.draft, 'create', `${name}()`)
  const isThere = env.index.functions
    .get(texts(found.funcname).at(-1) ?? '')
    ?.some((one) => functionName(one) === `${name}()`)
  if (found.replace === true && isThere === true) addDirect(env.draft, 'alter', `${name}()`)
  const scope = emptyScope(env)
  for (const node of found.parameters ?? []) walk(payload(node, 'FunctionParameter')?.defexpr, scope)
  functionOptions(found.options, env)
  // A trigger's function runs without being called by name: the statement that fires it shows only its name.
  const returns = texts(found.returnType?.names).at(-1) ?? ''
  noteHidingFunction(found, env)
  if (returns === 'trigger' || returns === 'event_trigger') unknown(env, 'a trigger function: what its code does')
  understood(env, found)
  return changed('create', env)
}

/** SET in a function changes the setting for whoever calls it. */
function functionOptions(list: readonly Node[] | undefined, env: Environment): void {
  for (const node of list ?? []) {
    const set = payload(payload(node, 'DefElem')?.arg, 'VariableSetStmt')
    if (set === undefined) continue
    settingEffect(env, 'set', set.name?.toLowerCase() ?? 'all', false)
    // A body under another search_path is the owner's affair; one that is read in another way is ours.
    if (set.name?.toLowerCase() !== 'search_path') refusePinned(env, set.name ?? '', settingValue(set.args) ?? '')
  }
}

function createTrigger(found: CreateTrigStmt, env: Environment): Outcome {
  const resolved = effectOnRelation(env, 'alter', found.relation)
  const scope = scopeOfRelation(resolved, env)
  const names = texts(found.funcname)
  const called = candidates(names, [], false, env)
  unknown(env, `the trigger function "${called.user[0]?.name ?? names.join('.')}()": what it does`)
  if (found.whenClause !== undefined) {
    understood(env, found.whenClause)
    for (const entry of scope.entries)
      for (const { value } of entry.columns) addControlOf(env.draft, value, 'trigger WHEN')
  }
  if (found.constrrel !== undefined) env.draft.seen.add(found.constrrel)
  understood(env, found.args)
  return changed('create', env)
}
