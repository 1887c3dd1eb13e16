// What a target is to one chain, before anybody asks for anything: relations or routes that some rule opens to it, what may be done
// with each, and what is hidden. It decides nothing: every statement and request is judged when it comes.
import { type Chain, verifiedPrincipals } from '@sallyport/base/identity'
import { jsonPathText } from '@sallyport/mask/json/path'
import { columnMaskText, methodText } from '@sallyport/mask/strictest'
import type { Catalog, CatalogRelation } from '@sallyport/sql/catalog'
import { ancestors, indexOf, relationName } from '@sallyport/sql/catalog-index'
import type { Effect } from '@sallyport/sql/facts'
import { answerMaskingFor, type CompiledPolicies, maskingFor, rulebookOf } from './decide.ts'
import type { HttpTargetDocument } from './document.ts'
import { candidatesOf } from './examine.ts'
import { factsOfEffects } from './facts-of-effects.ts'
import { type RequestRoute, requestFacts } from './http.ts'
import { isSystemObject, matchesCaller } from './match.ts'
import type { Rulebook } from './rulebook.ts'

/** An operation that rules open. `maybe`: a rule about it has a condition or hours, so that it depends. */
export interface OutlinedOperation {
  readonly operation: string
  readonly effect: 'allow' | 'hold'
  readonly maybe: boolean
}

export interface OutlinedRelation {
  readonly schema: string
  readonly name: string
  readonly kind: CatalogRelation['kind']
  readonly operations: readonly OutlinedOperation[]
  readonly columns: readonly {
    readonly name: string
    readonly type: string
    readonly notNull: boolean
    /** How it is hidden, in words: `redact`, `$.contact.email email`; null: it is shown. */
    readonly mask: string | null
  }[]
}

export interface OutlinedRoute {
  readonly name: string
  readonly path: string
  /** `http.GET` … */
  readonly operations: readonly OutlinedOperation[]
  /** What is hidden in its answers: `$.email email`. */
  readonly masks: readonly string[]
}

const relationOperations = ['select', 'insert', 'update', 'delete', 'truncate'] as const

/** Relations that some rule opens to every verified principal of the chain, in order of their names. */
export function outlineRelations(
  policies: CompiledPolicies,
  chain: Chain,
  catalog: Catalog,
): readonly OutlinedRelation[] {
  const book = rulebookOf(policies)
  const hidden = new Map(maskingFor(policies, chain, catalog).columns.map((one) => [columnPlace(one), one]))
  const index = indexOf(catalog)
  return catalog.relations.flatMap((relation) => {
    const object = relationName(relation)
    if (isSystemObject(object) || relation.kind === 'composite' || relation.kind === 'sequence') return []
    const parents = ancestors(index, relation).map(relationName)
    const operations = relationOperations.flatMap((operation) =>
      opened(book, chain, { operation, object, via: 'direct', parents, baseline: false }),
    )
    if (operations.length === 0) return []
    const columns = relation.columns.map(({ number, name, type, notNull }) => {
      const mask = hidden.get(columnPlace({ relationOid: relation.oid, number }))
      const how =
        mask === undefined ? null : columnMaskText(mask.parts === undefined ? mask.method : { json: mask.parts })
      return { name, type, notNull, mask: how }
    })
    return [{ schema: relation.schema, name: relation.name, kind: relation.kind, operations, columns }]
  })
}

/** Routes of the target's list that some rule opens; none where it has no list. */
export function outlineRoutes(
  policies: CompiledPolicies,
  chain: Chain,
  target: HttpTargetDocument,
): readonly OutlinedRoute[] {
  const book = rulebookOf(policies)
  return (target.spec.routes?.list ?? []).flatMap(({ name, methods, path }) => {
    const route: RequestRoute = { kind: 'named', name }
    const operations = methods.flatMap((method) => {
      const request = { method, path, query: new Map(), headers: new Map(), contentLength: null }
      return requestFacts(request, '', route).effects.flatMap((effect) => opened(book, chain, effect))
    })
    if (operations.length === 0) return []
    const masking = answerMaskingFor(policies, chain, path, route)
    const parts = (masking?.parts ?? []).map((part) => `${jsonPathText(part.path)} ${methodText(part.method)}`)
    const detected = masking?.detection === null || masking === null ? [] : ['what detectors find']
    return [{ name, path, operations, masks: [...parts, ...detected] }]
  })
}

const columnPlace = ({ relationOid, number }: { readonly relationOid: number; readonly number: number }): string =>
  `${relationOid}.${number}`

/** Nothing where no rule covers it for everybody in the chain, or one denies it whatever is asked. */
function opened(book: Rulebook, chain: Chain, effect: Effect): readonly OutlinedOperation[] {
  const principals = verifiedPrincipals(chain)
  const facts = factsOfEffects('http', [effect])
  const found = candidatesOf(book, facts).filter(({ rule }) => !rule.shadow && rule.effect !== 'grant')
  const about = principals.map((principal) =>
    found.flatMap(({ rule }) => (rule.callers === null || matchesCaller(rule.callers, principal) ? [rule] : [])),
  )
  const all = about.flat()
  const isAlways = (rule: (typeof all)[number]): boolean => rule.condition === null && rule.during === null
  const isCovered = about.length > 0 && about.every((rules) => rules.some((rule) => rule.effect !== 'deny'))
  if (!isCovered || all.some((rule) => rule.effect === 'deny' && isAlways(rule))) return []
  return [
    {
      operation: effect.operation,
      effect: all.some((rule) => rule.effect === 'hold') ? 'hold' : 'allow',
      maybe: !all.every(isAlways),
    },
  ]
}
