// From YAML text to documents. Every problem is collected with its line and path; nothing is applied when there is one.
import { limits } from '@sallyport/base/limits'
import type { z } from 'zod'
import { checkDocument, checkFloor } from './check.ts'
import { type Document, type DocumentKind, documentKinds, FloorDocument } from './document.ts'
import { schemaOfKind } from './json-schema.ts'
import { pathText, problemsOf, unknownName } from './problems.ts'
import { readYaml, type YamlDocument } from './yaml.ts'

export interface DocumentProblem {
  readonly code: 'YAML_INVALID' | 'DOCUMENT_INVALID' | 'CEL_INVALID' | 'FLOOR_INVALID'
  /** 1-based line in the text, when known. */
  readonly line: number | null
  /** `Policy/orders spec.rules[2].when`. */
  readonly path: string
  /** Says what to do. */
  readonly message: string
}

export interface ParsedDocuments {
  readonly documents: readonly Document[]
  readonly problems: readonly DocumentProblem[]
}

/** Parses a multi-document YAML text; CEL conditions are type-checked. */
export function parseDocuments(text: string): ParsedDocuments {
  const yaml = readYaml(text)
  const problems: DocumentProblem[] = yaml.problems.map(yamlProblem)
  if (yaml.documents.length > limits.documentsPerApplyMax) {
    return { documents: [], problems: [tooMany(yaml.documents.length)] }
  }
  const documents: Document[] = []
  const seen = new Set<string>()
  for (const source of yaml.documents) {
    const read = readDocument(source)
    problems.push(...read.problems)
    if (read.document === null) continue
    const key = `${read.document.kind}/${read.document.metadata.name}`
    if (seen.has(key)) {
      const message = `"${key}" is given twice in this text; remove one`
      problems.push({ code: 'DOCUMENT_INVALID', line: source.lineOf([]), path: key, message })
    } else documents.push(read.document)
    seen.add(key)
  }
  if (documents.length === 0 && problems.length === 0) {
    problems.push({ code: 'DOCUMENT_INVALID', line: null, path: '', message: 'the text holds no document' })
  }
  return { documents, problems }
}

/** Parses `floor.yaml`. */
export function parseFloor(text: string): { floor: FloorDocument | null; problems: readonly DocumentProblem[] } {
  const yaml = readYaml(text)
  if (yaml.problems.length > 0) return { floor: null, problems: yaml.problems.map(yamlProblem) }
  const [source, ...more] = yaml.documents
  if (source === undefined || more.length > 0) {
    return { floor: null, problems: [floorProblem(null, '', 'the file must hold one document of kind "Floor"')] }
  }
  const kind = fieldOf(source.value, 'kind')
  if (kind !== 'Floor') {
    return {
      floor: null,
      problems: [floorProblem(source.lineOf(['kind']), '', 'the document must be of kind "Floor"')],
    }
  }
  const at = (path: readonly PropertyKey[], message: string): DocumentProblem =>
    floorProblem(source.lineOf(path), pathText(path), message)
  const parsed = FloorDocument.safeParse(source.value)
  if (!parsed.success) {
    const problems = problemsOf('Floor', parsed.error, source.value)
    return { floor: null, problems: problems.map(({ path, message }) => at(path, message)) }
  }
  const problems = checkFloor(parsed.data).map(({ code, path, message }) =>
    code === 'CEL_INVALID' ? { ...at(path, message), code } : at(path, message),
  )
  return { floor: problems.length === 0 ? parsed.data : null, problems }
}

const yamlProblem = ({ line, message }: { line: number | null; message: string }): DocumentProblem => ({
  code: 'YAML_INVALID',
  line,
  path: '',
  message,
})

const tooMany = (count: number): DocumentProblem =>
  yamlProblem({ line: null, message: `${count} documents; at most ${limits.documentsPerApplyMax} are allowed` })

const floorProblem = (line: number | null, path: string, message: string): DocumentProblem => ({
  code: 'FLOOR_INVALID',
  line,
  path: path === '' ? 'Floor' : `Floor ${path}`,
  message,
})

function readDocument(source: YamlDocument): { document: Document | null; problems: DocumentProblem[] } {
  const kind = kindOf(source)
  if ('problem' in kind) return { document: null, problems: [kind.problem] }
  const title = titleOf(kind.kind, source.value)
  const at = (code: DocumentProblem['code'], path: readonly PropertyKey[], message: string): DocumentProblem => ({
    code,
    line: source.lineOf(path),
    path: path.length === 0 ? title : `${title} ${pathText(path)}`,
    message,
  })
  const schema: z.ZodType<Document> = schemaOfKind[kind.kind]
  const parsed = schema.safeParse(source.value)
  if (!parsed.success) {
    const problems = problemsOf(kind.kind, parsed.error, source.value)
    return { document: null, problems: problems.map(({ path, message }) => at('DOCUMENT_INVALID', path, message)) }
  }
  const problems = checkDocument(parsed.data).map(({ code, path, message }) => at(code, path, message))
  return { document: problems.length === 0 ? parsed.data : null, problems }
}

function kindOf(source: YamlDocument): { kind: DocumentKind } | { problem: DocumentProblem } {
  const given = fieldOf(source.value, 'kind')
  const kind = documentKinds.find((known) => known === given)
  if (kind !== undefined) return { kind }
  const problem = (path: string, message: string): { problem: DocumentProblem } => ({
    problem: { code: 'DOCUMENT_INVALID', line: source.lineOf(['kind']), path, message },
  })
  if (typeof source.value !== 'object' || source.value === null || Array.isArray(source.value)) {
    return problem('', 'a document is a mapping that starts with apiVersion and kind')
  }
  if (given === 'Floor') return problem('kind', 'a floor is not applied; it is the file "floor.yaml" of an agent')
  return typeof given === 'string'
    ? problem('kind', unknownName('kind', given, documentKinds))
    : problem('kind', `"kind" is missing; one of ${documentKinds.map((known) => `"${known}"`).join(', ')}`)
}

/** `Policy/orders`, or the kind alone while there is no name. */
function titleOf(kind: DocumentKind, value: unknown): string {
  const name = fieldOf(fieldOf(value, 'metadata'), 'name')
  return typeof name === 'string' ? `${kind}/${name}` : kind
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined
}
