// JSON Schema of the documents, for editors (completion, inline errors) and for naming the fields that exist.
// The YAML parser stays the judge: the schema knows no CEL and no rule across fields.
import { z } from 'zod'
import {
  Document,
  type DocumentKind,
  FloorDocument,
  GroupDocument,
  LabelDocument,
  PolicyDocument,
  RoleDocument,
  TargetDocument,
  TrustedIssuerDocument,
} from './document.ts'

export type JsonSchema = z.core.JSONSchema.JSONSchema

/** The schema of each kind, and of an agent's floor. */
export const schemaOfKind = {
  Target: TargetDocument,
  Policy: PolicyDocument,
  TrustedIssuer: TrustedIssuerDocument,
  Group: GroupDocument,
  Role: RoleDocument,
  Label: LabelDocument,
  Floor: FloorDocument,
} as const satisfies Record<DocumentKind | 'Floor', z.ZodType>

/** Fields with a default may be left out of a file, so the schema is that of the input. */
const options = { io: 'input', target: 'draft-2020-12' } as const

const made = new Map<string, JsonSchema>()

export function jsonSchemaOfKind(kind: DocumentKind | 'Floor'): JsonSchema {
  const known = made.get(kind)
  if (known !== undefined) return known
  const schema = z.toJSONSchema(schemaOfKind[kind], options)
  made.set(kind, schema)
  return schema
}

/** One schema for a file of any documents, for `yaml.schemas` of an editor. */
export function documentsJsonSchema(): JsonSchema {
  return { ...z.toJSONSchema(Document, options), title: 'Sallyport document' }
}

/** Fields that may stand at a path of a document of this kind, over all variants; empty where nothing is named. */
export const fieldsAt = (kind: DocumentKind | 'Floor', path: readonly PropertyKey[]): string[] => [
  ...new Set(schemasAt(kind, path).flatMap((schema) => Object.keys(schema.properties ?? {}))),
]

/** Texts that a list of values allows at a path; empty where any text may stand. */
export const textsAt = (kind: DocumentKind | 'Floor', path: readonly PropertyKey[]): string[] =>
  schemasAt(kind, path).flatMap((schema) => (schema.enum ?? []).filter((value) => typeof value === 'string'))

function schemasAt(kind: DocumentKind | 'Floor', path: readonly PropertyKey[]): JsonSchema[] {
  let here: JsonSchema[] = variantsOf(jsonSchemaOfKind(kind))
  for (const step of path) here = here.flatMap((schema) => variantsOf(childOf(schema, step)))
  return here
}

function childOf(schema: JsonSchema, step: PropertyKey): unknown {
  if (typeof step === 'number') return Array.isArray(schema.items) ? undefined : schema.items
  const named = schema.properties?.[String(step)]
  return named ?? schema.additionalProperties
}

function variantsOf(schema: unknown): JsonSchema[] {
  if (!isSchema(schema)) return []
  return [schema, ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap(variantsOf)]
}

const isSchema = (value: unknown): value is JsonSchema => typeof value === 'object' && value !== null
