// A stored document as its author would write it: fields in the order of the language, defaults left out. The store keeps
// JSON without order and with every default; applying the tidied document changes nothing.
import { type JsonSchema, jsonSchemaOfKind } from '@sallyport/policy/json-schema'
import { fitsConstants, isSchema, kindOf, variantsOf } from './schema.ts'
import { yamlOf } from './yaml.ts'

/** The document as YAML for people. A document of a kind that this console does not know is written as it is. */
export function documentYaml(document: unknown): string {
  const kind = typeof document === 'object' && document !== null && 'kind' in document ? kindOf(document.kind) : null
  return yamlOf(kind === null ? document : tidy(document, [jsonSchemaOfKind(kind)]))
}

/** `schemas`: all variants that could describe the value. */
function tidy(value: unknown, schemas: readonly JsonSchema[]): unknown {
  const variants = schemas.flatMap(variantsOf)
  if (Array.isArray(value)) {
    const items = variants.flatMap((schema) => (isSchema(schema.items) ? [schema.items] : []))
    return value.map((item) => tidy(item, items))
  }
  if (typeof value !== 'object' || value === null) return value
  const named = variants.filter((schema) => schema.properties !== undefined && fitsConstants(schema, value))
  const members = Object.entries(value).filter(([name, member]) => !isDefault(name, member, named))
  const order = orderOf(named)
  const sorted = members.toSorted(([left], [right]) => rankOf(order, left) - rankOf(order, right))
  return Object.fromEntries(sorted.map(([name, member]) => [name, tidy(member, childrenOf(named, name))]))
}

const childrenOf = (schemas: readonly JsonSchema[], name: string): JsonSchema[] =>
  schemas.map((schema) => schema.properties?.[name]).filter(isSchema)

/** Left out only where every variant that knows the field has this default. */
function isDefault(name: string, member: unknown, schemas: readonly JsonSchema[]): boolean {
  const children = childrenOf(schemas, name)
  return (
    children.length > 0 &&
    children.every((child) => 'default' in child && JSON.stringify(child.default) === JSON.stringify(member))
  )
}

/** As people write rules: who, what, on what, when. */
const firstFields = ['name', 'effect', 'callers', 'operations', 'objects', 'when', 'approval']

/** These first, then the order of the schema; what it does not know goes last, in the order of the document. */
function orderOf(schemas: readonly JsonSchema[]): readonly string[] {
  return [...firstFields, ...new Set(schemas.flatMap((schema) => Object.keys(schema.properties ?? {})))]
}
const rankOf = (order: readonly string[], name: string): number => {
  const at = order.indexOf(name)
  return at === -1 ? order.length : at
}
