// Whether a set of documents makes sense as a whole: what is named must exist, what is in use stays, the last
// administrator's door is not locked. Pure: current documents and changes in, problems and warnings out.
import type { Document, DocumentKind, PolicyDocument, TargetDocument } from '@sallyport/policy/document'
import type { DocumentProblem } from '@sallyport/policy/parse'

export interface Warning {
  readonly path: string
  readonly message: string
}

export interface Check {
  readonly problems: readonly DocumentProblem[]
  readonly warnings: readonly Warning[]
}

/** What the checks know beside the documents. */
export interface Surroundings {
  readonly agentNames: ReadonlySet<string>
  /** Issuer and name of the control plane itself; no document may claim either. */
  readonly builtIn: { readonly name: string; readonly issuer: string }
}

export const keyOf = (document: Document): string => `${document.kind}/${document.metadata.name}`

const names = (documents: readonly Document[], kind: DocumentKind): Set<string> =>
  new Set(documents.filter((document) => document.kind === kind).map((document) => document.metadata.name))

/** One place where a document names something else. */
interface Mention {
  readonly kind: 'Group' | 'Label' | 'Target'
  readonly name: string
  readonly path: string
}

function policyMentions(policy: PolicyDocument): Mention[] {
  const mentions: Mention[] = []
  const addAll = (kind: Mention['kind'], list: readonly string[] | undefined, path: string) => {
    for (const name of list ?? []) mentions.push({ kind, name, path })
  }
  addAll('Target', policy.spec.targets.names, 'spec.targets.names')
  for (const [index, rule] of policy.spec.rules.entries()) {
    addAll('Group', rule.callers?.groups, `spec.rules[${index}].callers.groups`)
    if (rule.effect === 'hold' || rule.effect === 'grant') {
      const reviewers = rule.approval.reviewers.map((reviewer) => reviewer.group)
      addAll('Group', reviewers, `spec.rules[${index}].approval.reviewers`)
    }
  }
  for (const [index, mask] of policy.spec.masks.entries()) {
    addAll('Group', mask.unless?.groups, `spec.masks[${index}].unless.groups`)
    if ('label' in mask && mask.label !== undefined) addAll('Label', [mask.label], `spec.masks[${index}].label`)
  }
  return mentions
}

/** Databases that arguments of tools are statements for. */
const sqlMentions = (document: TargetDocument): Mention[] =>
  sqlOf(document).map(({ target }, index) => ({ kind: 'Target', name: target, path: `spec.mcp.sql[${index}].target` }))

const sqlOf = ({ spec }: TargetDocument) => (spec.protocol === 'http' ? (spec.mcp?.sql ?? []) : [])

function mentionsOf(document: Document): Mention[] {
  switch (document.kind) {
    case 'Policy':
      return policyMentions(document)
    case 'Role':
      return document.spec.groups.map((name) => ({ kind: 'Group', name, path: 'spec.groups' }))
    case 'Target':
      return sqlMentions(document)
    case 'TrustedIssuer':
    case 'Group':
    case 'Label':
      return []
  }
}

const problem = (document: Document, path: string, message: string): DocumentProblem => ({
  code: 'DOCUMENT_INVALID',
  line: null,
  path: `${keyOf(document)} ${path}`,
  message,
})

/** A group or label that does not exist protects nothing: a slip of the keyboard must not loosen a policy. */
function checkMentions(changed: readonly Document[], all: readonly Document[]): Check {
  const known = { Group: names(all, 'Group'), Label: names(all, 'Label'), Target: names(all, 'Target') }
  const problems: DocumentProblem[] = []
  const warnings: Warning[] = []
  for (const document of changed)
    for (const { kind, name, path } of mentionsOf(document)) {
      // What arguments of tools are statements for is looked at by itself.
      if (known[kind].has(name) || document.kind === 'Target') continue
      const noun = kind.toLowerCase()
      if (kind === 'Target')
        warnings.push({ path: `${keyOf(document)} ${path}`, message: `there is no target "${name}" yet` })
      else
        problems.push(
          problem(document, path, `there is no ${noun} "${name}"; apply a ${kind} document of this name with it`),
        )
    }
  return { problems, warnings }
}

/**
 * Arguments of tools that are SQL are judged by a database: one that is not there, or is none, would deny every call. Looked at when
 * either side changes.
 */
function checkSql(changed: readonly Document[], all: readonly Document[]): Check {
  const targets = new Map(all.flatMap((one) => (one.kind === 'Target' ? [[one.metadata.name, one] as const] : [])))
  const isChanged = new Set(changed.map(keyOf))
  const problems: DocumentProblem[] = []
  const warnings: Warning[] = []
  for (const document of targets.values())
    for (const [index, { target: name, role }] of sqlOf(document).entries()) {
      if (!isChanged.has(keyOf(document)) && !isChanged.has(`Target/${name}`)) continue
      const path = `spec.mcp.sql[${index}]`
      const found = targets.get(name)
      if (found === undefined)
        problems.push(problem(document, `${path}.target`, `there is no target "${name}"; apply the database with it`))
      else if (found.spec.protocol !== 'postgres')
        problems.push(problem(document, `${path}.target`, `target "${name}" is no database; name a PostgreSQL target`))
      else if (role !== undefined && !found.spec.roles.some((one) => one.name === role))
        problems.push(problem(document, `${path}.role`, `target "${name}" has no role "${role}"`))
      else if (document.spec.agents.some((agent) => !found.spec.agents.includes(agent)))
        warnings.push({
          path: `${keyOf(document)} ${path}.target`,
          message: `not every agent of "${document.metadata.name}" serves "${name}"; the others deny such calls`,
        })
    }
  return { problems, warnings }
}

function checkAgents(changed: readonly Document[], agentNames: ReadonlySet<string>): Warning[] {
  const warnings: Warning[] = []
  for (const document of changed) {
    if (document.kind !== 'Target') continue
    for (const name of document.spec.agents)
      if (!agentNames.has(name))
        warnings.push({
          path: `${keyOf(document)} spec.agents`,
          message: `no agent "${name}" has joined yet; make a join token for it`,
        })
  }
  return warnings
}

function checkIssuers(
  changed: readonly Document[],
  all: readonly Document[],
  builtIn: Surroundings['builtIn'],
): DocumentProblem[] {
  const problems: DocumentProblem[] = []
  for (const document of changed) {
    if (document.kind !== 'TrustedIssuer') continue
    if (document.metadata.name === builtIn.name)
      problems.push(
        problem(document, 'metadata.name', `"${builtIn.name}" is the control plane itself; take another name`),
      )
    if (document.spec.issuer === builtIn.issuer)
      problems.push(problem(document, 'spec.issuer', 'this is the issuer of the control plane itself'))
    const twin = all.find(
      (other) =>
        other.kind === 'TrustedIssuer' &&
        other.spec.issuer === document.spec.issuer &&
        other.metadata.name !== document.metadata.name,
    )
    if (twin !== undefined)
      problems.push(
        problem(document, 'spec.issuer', `"${twin.metadata.name}" has the same issuer; keys belong to one document`),
      )
  }
  return problems
}

/** Groups that some Role document makes administrators. */
const adminGroups = (documents: readonly Document[]): string[] =>
  documents.flatMap((document) =>
    document.kind === 'Role' && document.spec.role === 'admin' ? document.spec.groups : [],
  )

export const hasAdmins = (documents: readonly Document[]): boolean => adminGroups(documents).length > 0

/** True when a change would leave nobody who could change anything back. */
export const locksOutAdmins = (before: readonly Document[], after: readonly Document[]): boolean =>
  hasAdmins(before) && !hasAdmins(after)

const problemsOfTwice = (changed: readonly Document[]): DocumentProblem[] => {
  const seen = new Set<string>()
  return changed.flatMap((document) => {
    const key = keyOf(document)
    if (!seen.has(key)) {
      seen.add(key)
      return []
    }
    return [problem(document, 'metadata.name', 'this document is in the text twice; leave one')]
  })
}

/** Documents as they would be after the change: those of the same kind and name replaced. */
export function mergeDocuments(current: readonly Document[], changed: readonly Document[]): Document[] {
  const byKey = new Map(current.map((document) => [keyOf(document), document]))
  for (const document of changed) byKey.set(keyOf(document), document)
  return [...byKey.values()]
}

/** Checks a change as a whole. Nothing may be written while there are problems; warnings are shown and do not stop it. */
export function checkChange(
  current: readonly Document[],
  changed: readonly Document[],
  surroundings: Surroundings,
): Check {
  const after = mergeDocuments(current, changed)
  const mentions = checkMentions(changed, after)
  const sql = checkSql(changed, after)
  const problems = [
    ...problemsOfTwice(changed),
    ...mentions.problems,
    ...sql.problems,
    ...checkIssuers(changed, after, surroundings.builtIn),
  ]
  const first = changed.find((document) => document.kind === 'Role')
  if (first !== undefined && locksOutAdmins(current, after))
    problems.push(problem(first, 'spec.role', 'after this change nobody would be an administrator'))
  return {
    problems,
    warnings: [...mentions.warnings, ...sql.warnings, ...checkAgents(changed, surroundings.agentNames)],
  }
}

/** Documents that name this one. Something in use is not deleted: its absence would loosen what names it. */
export function usersOf(document: Document, all: readonly Document[]): string[] {
  return all
    .filter((other) =>
      mentionsOf(other).some((mention) => mention.kind === document.kind && mention.name === document.metadata.name),
    )
    .map(keyOf)
}
