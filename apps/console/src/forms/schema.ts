// Walks the JSON Schema of the documents: what may stand at a path, over all variants.
import { type DocumentKind, documentKinds } from '@sallyport/policy/document'
import { type JsonSchema, jsonSchemaOfKind } from '@sallyport/policy/json-schema'

export const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null

/** The kind as a kind that exists, or null. */
export const kindOf = (name: unknown): DocumentKind | null => documentKinds.find((kind) => kind === name) ?? null

/** A schema and the variants in it. */
export function variantsOf(schema: unknown): JsonSchema[] {
  if (!isSchema(schema)) return []
  return [schema, ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap(variantsOf)]
}

const childOf = (schema: JsonSchema, step: PropertyKey): unknown =>
  typeof step === 'number' ? schema.items : (schema.properties?.[String(step)] ?? schema.additionalProperties)

/** Every schema that may describe what stands at the path. */
export function schemasAt(kind: DocumentKind, path: readonly PropertyKey[]): readonly JsonSchema[] {
  let here = variantsOf(jsonSchemaOfKind(kind))
  for (const step of path) here = here.flatMap((schema) => variantsOf(childOf(schema, step)))
  return here
}

/** Values that the schemas list: enumerations, constants, true and false. */
export function valuesOf(schemas: readonly JsonSchema[]): readonly string[] {
  const values = schemas.flatMap((schema): unknown[] => {
    if (schema.enum !== undefined) return schema.enum
    if ('const' in schema) return [schema.const]
    return schema.type === 'boolean' ? [true, false] : []
  })
  return [...new Set(values.map(String))]
}

/** Does the value agree with every constant of the variant? Tells the variants of a rule apart. */
export const fitsConstants = (schema: JsonSchema, value: object): boolean =>
  Object.entries(schema.properties ?? {}).every(
    ([name, child]) =>
      !isSchema(child) || !('const' in child) || !(name in value) || Reflect.get(value, name) === child.const,
  )
