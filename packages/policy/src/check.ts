// What a schema cannot say about a document: rules that name nobody, patterns that match nothing, conditions that do not
// type-check, promises that this version does not keep. Refused when saved, so that no policy is weaker than it reads.
import { parseJsonPath } from '@sallyport/mask/json/path'
import type { MaskRule } from '@sallyport/mask/rule'
import { checkIssuer } from './check-issuer.ts'
import { type CheckProblem, type Path, problem } from './check-problem.ts'
import { checkTarget } from './check-target.ts'
import { checkWeights } from './check-weights.ts'
import { compileCondition } from './conditions.ts'
import type { Document, FloorDocument, LabelDocument, PolicyDocument, Rule } from './document.ts'
import type { LimitRule, OutwardRule } from './document-limits.ts'
import { durationMs } from './duration.ts'
import { limitName } from './limits.ts'
import { type CallerSelector, patternProblem } from './match.ts'
import { isMcpPattern } from './mcp-objects.ts'
import { isRoute } from './route.ts'
import { floorPolicyName } from './rulebook.ts'
import { isTimeZone } from './time.ts'

export function checkDocument(document: Document): CheckProblem[] {
  switch (document.kind) {
    case 'Policy':
      return checkPolicy(document)
    case 'Target':
      return checkTarget(document)
    case 'TrustedIssuer':
      return checkIssuer(document)
    case 'Label':
      return checkLabel(document)
    case 'Group':
    case 'Role':
      return []
  }
}

function checkPolicy({ metadata, spec }: PolicyDocument): CheckProblem[] {
  const reserved =
    metadata.name === floorPolicyName
      ? [
          problem(
            ['metadata', 'name'],
            `"${floorPolicyName}" is reserved for the floor of an agent; choose another name`,
          ),
        ]
      : []
  return [
    ...reserved,
    ...checkSelector(spec.targets),
    ...spec.rules.flatMap((rule, index) => checkRule(rule, ['spec', 'rules', index])),
    ...spec.masks.flatMap((mask, index) => checkMask(mask, ['spec', 'masks', index])),
    ...spec.limits.flatMap((limit, index) => checkLimit(limit, ['spec', 'limits', index])),
    ...(spec.outward ?? []).flatMap((rule, index) => [
      ...unlessProblems(rule.unless, ['spec', 'outward', index]),
      ...routesProblems(rule.routes ?? [], ['spec', 'outward', index, 'routes']),
      ...('path' in rule ? pathProblems(rule.path, ['spec', 'outward', index, 'path']) : []),
    ]),
    ...repeatedNames(spec.rules, spec.masks, spec.limits, spec.outward),
  ]
}

/** The floor holds against the control plane, so it must not lean on what a snapshot brings: groups and labels. */
export function checkFloor({ spec }: FloorDocument): CheckProblem[] {
  const leaning = 'a snapshot could change it, and the floor holds against snapshots'
  return [
    ...spec.rules.flatMap((rule, index) => [
      ...checkRule(rule, ['spec', 'rules', index]),
      ...(rule.callers?.groups === undefined
        ? []
        : [
            problem(
              ['spec', 'rules', index, 'callers', 'groups'],
              `groups cannot be used here: ${leaning}; name principals`,
            ),
          ]),
    ]),
    ...spec.masks.flatMap((mask, index) => [
      ...checkMask(mask, ['spec', 'masks', index]),
      ...('label' in mask && mask.label !== undefined
        ? [problem(['spec', 'masks', index, 'label'], `a label cannot be used here: ${leaning}; name the columns`)]
        : []),
      ...(mask.unless?.groups === undefined
        ? []
        : [
            problem(
              ['spec', 'masks', index, 'unless', 'groups'],
              `groups cannot be used here: ${leaning}; name subjects`,
            ),
          ]),
    ]),
    ...repeatedNames(spec.rules, spec.masks),
    ...reviewerProblems(spec),
  ]
}

/** Without keys of its own the control plane says who has approved, and what the floor holds would be its to let go. */
function reviewerProblems({ rules, reviewers }: FloorDocument['spec']): CheckProblem[] {
  const path = ['spec', 'reviewers']
  if (reviewers === undefined)
    return rules.flatMap((rule, index) =>
      rule.effect === 'hold'
        ? [problem(['spec', 'rules', index], 'a floor that holds needs "reviewers": keys that sign approvals')]
        : [],
    )
  const { keys, count } = reviewers
  const repeated = (of: (key: (typeof keys)[number]) => string, what: string) =>
    keys.flatMap((key, index) =>
      keys.findIndex((other) => of(other) === of(key)) < index
        ? [problem([...path, 'keys', index], `${what} stands twice; name each key once`)]
        : [],
    )
  return [
    ...repeated(({ name }) => name, 'this name'),
    ...repeated(({ key }) => key, 'this key'),
    ...(count > keys.length ? [problem([...path, 'count'], 'more signatures are wanted than there are keys')] : []),
  ]
}

function checkSelector(targets: PolicyDocument['spec']['targets']): CheckProblem[] {
  const path = ['spec', 'targets']
  const keys = Object.keys(targets)
  if (keys.length === 0) return [problem(path, 'the policy selects no target; give names, labels, or any: true')]
  if (targets.any === true && keys.length > 1) {
    return [problem(path, '"any: true" stands alone; remove it or the other keys')]
  }
  if (targets.labels !== undefined && Object.keys(targets.labels).length === 0) {
    return [problem([...path, 'labels'], 'no label is given, so no target is selected; add one, or write any: true')]
  }
  return []
}

function checkRule(rule: Rule | FloorDocument['spec']['rules'][number], path: Path): CheckProblem[] {
  return [
    ...(rule.callers === undefined ? [] : checkCallers(rule.callers, rule.effect, [...path, 'callers'])),
    ...patternsProblems(rule.objects ?? [], 'object', (index) => [...path, 'objects', index]),
    ...(rule.when === undefined ? [] : checkCondition(rule.when, [...path, 'when'])),
    ...(rule.during ?? []).flatMap((window, index) => checkWindow(window, [...path, 'during', index])),
    ...(rule.effect === 'hold' || rule.effect === 'grant' ? checkApproval(rule.approval, [...path, 'approval']) : []),
    ...(rule.effect === 'grant' && durationMs(rule.longest) > grantMsMax
      ? [problem([...path, 'longest'], 'a grant lasts for 7 days at most')]
      : []),
  ]
}

function checkWindow({ from, to, zone }: NonNullable<Rule['during']>[number], path: Path): CheckProblem[] {
  return [
    ...(isTimeZone(zone)
      ? []
      : [
          problem(
            [...path, 'zone'],
            `"${zone}" is not a time zone; write it as in the IANA list, for example "Europe/Berlin"`,
          ),
        ]),
    ...(from === to
      ? [problem([...path, 'to'], '"to" is the same as "from"; for a whole day write 00:00 to 24:00')]
      : []),
  ]
}

/** What a limit bounds, and over what time, must be clear: a limit that bounds nothing reads as one that does. */
function checkLimit(limit: LimitRule, path: Path): CheckProblem[] {
  const { per, requests, rows, bytes, concurrent, cost, every } = limit
  const timed = [requests, rows, bytes, cost].filter((amount) => amount !== undefined).length
  return [
    ...(timed === 0 && concurrent === undefined
      ? [problem(path, 'the limit bounds nothing; give requests, rows, bytes, cost or concurrent')]
      : []),
    ...(per === 'statement' && concurrent !== undefined
      ? [problem([...path, 'concurrent'], 'a statement is one request; limit per initiator, actor or target')]
      : []),
    ...(timed === 0 && concurrent !== undefined && every !== undefined
      ? [problem([...path, 'every'], '"concurrent" counts at every moment; remove "every"')]
      : []),
    ...(per === 'statement' && every !== undefined
      ? [problem([...path, 'every'], 'a limit per statement has no time; remove "every", or limit per initiator')]
      : []),
    ...(per === 'statement' && requests !== undefined
      ? [problem([...path, 'requests'], 'a statement is one request; give rows or bytes, or limit per initiator')]
      : []),
    ...(per !== 'statement' && timed > 0 && every === undefined
      ? [problem(path, `a limit per ${per} needs a time, for example every: 1h`)]
      : []),
    ...(every !== undefined && durationMs(every) > limitWindowMsMax
      ? [problem([...path, 'every'], 'the time is longer than 31 days; choose a shorter one')]
      : []),
    ...checkWeights(limit, path),
    ...(limit.weights ?? []).flatMap((weight, at) =>
      patternsProblems(weight.objects ?? [], 'object', (index) => [...path, 'weights', at, 'objects', index]),
    ),
    ...(limit.callers === undefined ? [] : checkCallers(limit.callers, 'deny', [...path, 'callers'])),
    ...patternsProblems(limit.objects ?? [], 'object', (index) => [...path, 'objects', index]),
  ]
}

/** What is counted lives in the memory of an agent; longer than this it says nothing. */
const limitWindowMsMax = 31 * 86_400_000

function checkCallers(callers: CallerSelector, effect: Rule['effect'], path: Path): CheckProblem[] {
  const keys = Object.keys(callers)
  if (keys.length === 0) {
    const everyone = effect === 'deny' ? 'remove "callers" for everyone' : 'any: true for everyone'
    return [problem(path, `the rule names nobody; give groups, principals or kinds, or ${everyone}`)]
  }
  if (callers.any === true && keys.length > 1) {
    return [problem(path, '"any: true" stands alone; remove it or the other keys')]
  }
  return []
}

/** Whoever needs it for longer needs a rule. */
const grantMsMax = 7 * 86_400_000

function checkApproval(approval: Extract<Rule, { effect: 'hold' | 'grant' }>['approval'], path: Path): CheckProblem[] {
  const groups = approval.reviewers.map(({ group }) => group)
  const repeated = groups.findIndex((group, index) => groups.indexOf(group) !== index)
  return [
    ...(repeated === -1
      ? []
      : [
          problem(
            [...path, 'reviewers', repeated],
            `group "${groups[repeated]}" is named twice; raise its count instead`,
          ),
        ]),
    ...('wait' in approval && durationMs(approval.wait) > durationMs(approval.expires)
      ? [problem([...path, 'wait'], `"wait" is longer than "expires"; a caller cannot wait for what has expired`)]
      : []),
  ]
}

function checkCondition(source: string, path: Path): CheckProblem[] {
  const compiled = compileCondition(source)
  if ('condition' in compiled) return []
  const { message, start } = compiled.problem
  return [{ code: 'CEL_INVALID', path, message: `${placeText(source, start)}: ${message}` }]
}

/** `column 9`, or `line 2, column 9` of a condition that has several lines. */
function placeText(source: string, start: number): string {
  const before = source.slice(0, start).split('\n')
  const column = (before.at(-1)?.length ?? 0) + 1
  return source.includes('\n') ? `line ${before.length}, column ${column}` : `column ${column}`
}

function checkLabel({ spec }: LabelDocument): CheckProblem[] {
  const fields = spec.fields ?? []
  if (spec.columns.length + fields.length === 0)
    return [problem(['spec'], 'the label names nothing; give columns of databases or fields of HTTP APIs')]
  return [
    ...spec.columns.flatMap(({ pattern }, index) =>
      patternsProblems([pattern], 'column', () => ['spec', 'columns', index, 'pattern']),
    ),
    ...fields.flatMap((field, index) => [
      ...routesProblems(field.routes, ['spec', 'fields', index, 'routes']),
      ...pathProblems(field.path, ['spec', 'fields', index, 'path']),
    ]),
  ]
}

/** A mask reads answers of HTTP APIs alone by routes, so anything else there would hide nothing. */
const routesProblems = (routes: readonly string[], path: Path): CheckProblem[] =>
  routes.flatMap((pattern, index) => {
    const at = [...path, index]
    if (pattern === '**') return []
    if (!isRoute(pattern) && !isMcpPattern(pattern) && !/^route:./.test(pattern))
      return [
        problem(
          at,
          `"${pattern}" is no route; write a path, "/v1/customers/**", a name, "route:getCustomer", or a tool, "server/tool"`,
        ),
      ]
    const message = patternProblem(pattern, 'object')
    return message === null ? [] : [problem(at, message)]
  })

const pathProblems = (paths: string | readonly string[], at: Path): CheckProblem[] =>
  [paths].flat().flatMap((text) => {
    const parsed = parseJsonPath(text)
    return 'problem' in parsed ? [problem(at, parsed.problem)] : []
  })

const unlessProblems = (unless: MaskRule['unless'], path: Path): CheckProblem[] =>
  unless !== undefined && Object.keys(unless).length === 0
    ? [problem([...path, 'unless'], '"unless" names nobody; give groups or subjects, or remove it')]
    : (unless?.subjects ?? []).flatMap((subject, index) =>
        subjectProblems(subject, [...path, 'unless', 'subjects', index]),
      )

function checkMask(mask: MaskRule, path: Path): CheckProblem[] {
  const unless = unlessProblems(mask.unless, path)
  const routes = routesProblems(mask.routes ?? [], [...path, 'routes'])
  if ('detect' in mask) return [...unless, ...routes]
  const given = [mask.columns, mask.label, mask.routes].filter((source) => source !== undefined).length
  const selected =
    given === 1
      ? []
      : [
          problem(
            path,
            given === 0
              ? 'the mask hides nothing; give columns, routes or a label'
              : 'give columns, routes or a label, not several',
          ),
        ]
  return [
    ...unless,
    ...selected,
    ...routes,
    ...pathProblems(mask.path ?? [], [...path, 'path']),
    ...(mask.routes !== undefined && mask.path === undefined
      ? [problem(path, 'a mask of routes needs a path, for example path: $.contact.email')]
      : []),
    ...(mask.routes !== undefined && mask.predicates !== 'none'
      ? [problem([...path, 'predicates'], '"predicates" are about columns; an HTTP API answers whatever it is asked')]
      : []),
    ...(mask.routes !== undefined && mask.order !== 'hidden'
      ? [
          problem(
            [...path, 'order'],
            '"order" is about rows of databases; an HTTP API answers in whatever order it does',
          ),
        ]
      : []),
    ...(mask.lookups !== undefined && mask.predicates === 'any'
      ? [
          problem(
            [...path, 'lookups'],
            '"lookups" bounds guesses, and with "predicates: any" nobody has to guess; remove one of them',
          ),
        ]
      : []),
    ...patternsProblems(mask.columns ?? [], 'column', (index) => [...path, 'columns', index]),
  ]
}

/** A subject is unique only within its issuer, so both are named. */
function subjectProblems(subject: string, path: Path): CheckProblem[] {
  const [issuer = '', ...rest] = subject.split(' ')
  if (/^[a-z][a-z0-9+.-]*:/i.test(issuer) && rest.join(' ') !== '') return []
  return [
    problem(path, `"${subject}" names no issuer; write "ISSUER SUBJECT", for example "https://issuer.example ann"`),
  ]
}

function patternsProblems(
  patterns: readonly string[],
  kind: 'object' | 'column',
  pathOf: (index: number) => Path,
): CheckProblem[] {
  return patterns.flatMap((pattern, index) => {
    const message = patternProblem(pattern, kind)
    return message === null ? [] : [problem(pathOf(index), message)]
  })
}

/** Rules, masks and limits share one space of names: entries and messages name both as `policy/name`. */
function repeatedNames(
  rules: readonly { readonly name: string }[],
  masks: readonly MaskRule[],
  limits: readonly LimitRule[] = [],
  outward: readonly OutwardRule[] = [],
): CheckProblem[] {
  const named = [
    ...rules.map(({ name }, index) => ({ name, path: ['spec', 'rules', index, 'name'] })),
    ...masks.map(({ name }, index) => ({ name: name ?? `mask-${index + 1}`, path: ['spec', 'masks', index, 'name'] })),
    ...limits.map((limit, index) => ({ name: limitName(limit, index), path: ['spec', 'limits', index, 'name'] })),
    ...outward.map(({ name }, index) => ({ name, path: ['spec', 'outward', index, 'name'] })),
  ]
  const seen = new Set<string>()
  return named.flatMap(({ name, path }) => {
    if (seen.has(name)) return [problem(path, `the name "${name}" is used twice in this policy; choose another`)]
    seen.add(name)
    return []
  })
}
