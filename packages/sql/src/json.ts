// SQL/JSON expressions: constructors, predicates and query functions. All of their arguments flow into the result; paths are
// texts, and DEFAULT expressions of ON EMPTY and ON ERROR count as arguments.
import type { JsonAggConstructor, JsonBehavior, JsonFuncExpr, JsonOutput, JsonValueExpr, Node } from '@pgsql/types'
import { windowInfluence } from './calls.ts'
import { condition, ordering, walk, walkAll } from './expressions.ts'
import { isDocument, jsonpathSteps, partOf } from './json-path.ts'
import type { Scope } from './scope.ts'
import { queryColumns } from './select.ts'
import { type Handlers, payload } from './tree.ts'
import { typeNameOf } from './types.ts'
import { derived, influenced, plain, type Value } from './values.ts'

const boolean = 'pg_catalog.bool'

/** JSON_VALUE, JSON_QUERY and JSON_EXISTS of a constant path read that part alone. */
function jsonPart(document: Value, found: JsonFuncExpr, scope: Scope): Value {
  const item = found.context_item
  const bare = item?.raw_expr === undefined ? null : walk(item.raw_expr, scope)
  if (bare === null || !isDocument(bare) || item?.formatted_expr !== undefined || found.passing !== undefined)
    return document
  const steps = jsonpathSteps(found.pathspec)
  return steps === null ? document : partOf(bare, steps, bare.type, scope.env.draft)
}

/** The value behind FORMAT JSON. */
export function jsonValue(found: JsonValueExpr | undefined, scope: Scope): Value {
  return found === undefined ? plain() : derived([walk(found.raw_expr, scope), walk(found.formatted_expr, scope)])
}

export function jsonBehavior(found: JsonBehavior | undefined, scope: Scope): Value {
  return walk(found?.expr, scope)
}

function output(found: JsonOutput | undefined, scope: Scope): string | null {
  return found?.typeName === undefined ? null : typeNameOf(found.typeName, scope.env)
}

/** Arguments after PASSING. */
export const passing = (list: readonly Node[] | undefined, scope: Scope): Value[] =>
  (list ?? []).map((node) => {
    const argument = payload(node, 'JsonArgument')
    return argument === undefined ? walk(node, scope) : jsonValue(argument.val, scope)
  })

export const jsonNodes: Handlers<[scope: Scope], Value> = {
  JsonValueExpr: jsonValue,
  JsonIsPredicate: (found, scope) => derived([walk(found.expr, scope)], boolean),
  JsonBehavior: jsonBehavior,
  JsonKeyValue: (found, scope) => derived([walk(found.key, scope), jsonValue(found.value, scope)]),
  JsonArgument: (found, scope) => jsonValue(found.val, scope),
  JsonFuncExpr: (found, scope) =>
    derived(
      [
        jsonPart(jsonValue(found.context_item, scope), found, scope),
        walk(found.pathspec, scope),
        ...passing(found.passing, scope),
        jsonBehavior(found.on_empty, scope),
        jsonBehavior(found.on_error, scope),
      ],
      output(found.output, scope),
    ),
  JsonParseExpr: (found, scope) => derived([jsonValue(found.expr, scope)], output(found.output, scope)),
  JsonScalarExpr: (found, scope) => derived([walk(found.expr, scope)], output(found.output, scope)),
  JsonSerializeExpr: (found, scope) => derived([jsonValue(found.expr, scope)], output(found.output, scope)),
  JsonObjectConstructor: (found, scope) => derived(walkAll(found.exprs, scope), output(found.output, scope)),
  JsonArrayConstructor: (found, scope) => derived(walkAll(found.exprs, scope), output(found.output, scope)),
  JsonArrayQueryConstructor: (found, scope) => {
    scope.env.draft.packs.add('JSON_ARRAY (SELECT …)')
    return derived(
      found.query === undefined ? [] : queryColumns(found.query, { ...scope, nested: true }).map(({ value }) => value),
      output(found.output, scope),
    )
  },
  JsonObjectAgg: (found, scope) => {
    const pair = [walk(found.arg?.key, scope), jsonValue(found.arg?.value, scope)]
    return aggregated(pair, found.constructor, scope)
  },
  JsonArrayAgg: (found, scope) => aggregated([jsonValue(found.arg, scope)], found.constructor, scope),
}

/** FILTER, ORDER BY and OVER of a JSON aggregate. */
function aggregated(values: readonly Value[], shared: JsonAggConstructor | undefined, scope: Scope): Value {
  scope.env.draft.packs.add('a JSON aggregate')
  // Every object inherits a property of this name: an absent one reads as a function.
  const found: JsonAggConstructor = typeof shared === 'object' ? shared : {}
  const by = [
    ...(found.agg_filter === undefined ? [] : [condition(found.agg_filter, scope, 'FILTER')]),
    ...ordering(found.agg_order, scope, 'ORDER BY'),
    ...windowInfluence(found.over, scope),
  ]
  return influenced(derived(values, output(found.output, scope)), by)
}
