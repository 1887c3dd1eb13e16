// CEL conditions (`when`): type-checked when saved, compiled once, evaluated for one principal at a time. Only this
// module knows the CEL library (docs/adr/0004-cel-library.md). No clock and no I/O; every cost is bounded.
// INVARIANT: whatever does not end in true or false is an error, and the caller of `evaluate` denies.

import { type ASTNode, Environment } from '@marcbachmann/cel-js'
import { Duration } from '@marcbachmann/cel-js/evaluator'
import type { Chain, Principal } from '@sallyport/base/identity'
import { limits } from '@sallyport/base/limits'
import type { StatementFacts } from '@sallyport/sql/facts'
import { conditionSyntaxProblem } from './condition-syntax.ts'
import type { DecisionContext } from './decide.ts'
import type { BodyFacts, HttpRequestFacts } from './http.ts'
import { matchesPart } from './match-part.ts'
import { McpFact, mcpFields } from './mcp-fact.ts'
import { strengthOf } from './strength.ts'
import { Instant, timeFields } from './time.ts'

/** Entries of a list that a condition may read; past it, reading the list is an error. */
export const conditionListMax = 1_000

export interface ConditionProblem {
  readonly message: string
  /** 0-based characters of the expression. */
  readonly start: number
  readonly end: number
}

/** A condition that type-checks. */
export interface Condition {
  evaluate(facts: ConditionFacts): ConditionResult
}
export type ConditionResult = 'true' | 'false' | 'error'

/** Compiles a condition, or says what is wrong with it and where. */
export function compileCondition(source: string): { condition: Condition } | { problem: ConditionProblem } {
  if (source.length > limits.celCharsMax) {
    return {
      problem: {
        message: `the condition has ${source.length} characters; at most ${limits.celCharsMax} are allowed`,
        start: limits.celCharsMax,
        end: source.length,
      },
    }
  }
  try {
    const parsed = environment.parse(source)
    const syntaxProblem = conditionSyntaxProblem(parsed.ast)
    if (syntaxProblem !== null) return { problem: syntaxProblem }
    const checked = parsed.check()
    if (!checked.valid) return { problem: problemOf(checked.error, source) }
    if (checked.type !== 'bool') return { problem: notBool(checked.type ?? 'unknown', parsed.ast) }
    return {
      condition: {
        evaluate: (facts) => {
          try {
            const value: unknown = parsed(facts.variables)
            return value === true ? 'true' : value === false ? 'false' : 'error'
          } catch {
            // The text of the error may quote a value of the statement, so nothing of it is passed on.
            return 'error'
          }
        },
      },
    }
  } catch (thrown) {
    return { problem: problemOf(thrown, source) }
  }
}

const notBool = (type: string, ast: ASTNode): ConditionProblem => ({
  message:
    type === 'dyn'
      ? 'the condition may be anything; compare it, for example caller.claims.level == "senior"'
      : `the condition is of type "${type}"; it must be true or false`,
  start: ast.start,
  end: ast.end,
})

function problemOf(thrown: unknown, source: string): ConditionProblem {
  const summary = fieldOf(thrown, 'summary') ?? fieldOf(thrown, 'message')
  const range = fieldOf(thrown, 'range')
  const start = fieldOf(range, 'start')
  const end = fieldOf(range, 'end')
  return {
    message: typeof summary === 'string' ? lowerFirst(summary) : 'the condition cannot be read',
    start: typeof start === 'number' ? start : 0,
    end: typeof end === 'number' ? end : source.length,
  }
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && key in value ? Reflect.get(value, key) : undefined
}

/** What one evaluation reads. Made once a statement and principal; nothing in it is computed before it is read. */
export interface ConditionFacts {
  readonly variables: Record<string, unknown>
}

export function conditionFacts(
  caller: Principal,
  facts: StatementFacts,
  context: DecisionContext,
  target: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
): ConditionFacts {
  const { chain, session } = context
  return {
    variables: {
      caller: new PrincipalFact(caller),
      initiator: new PrincipalFact(chain.initiator),
      actors: actorsOf(chain),
      target: new TargetFact(target.name, target.labels),
      session: new SessionFact(session),
      statement: new StatementFact(facts, context.parameters),
      http: new HttpFact(context.http ?? null),
      mcp: new McpFact(context.mcp ?? null),
      now: new Instant(context.nowMs),
    },
  }
}

const actorsOf = (chain: Chain): PrincipalFact[] => chain.actors.map((actor) => new PrincipalFact(actor))

// The CEL library tells types apart by their constructor, so what conditions read are classes.

/** A principal. Of a claimed one only `verified` can be read: a claim never satisfies a condition, it is an error. */
class PrincipalFact {
  readonly verified: boolean
  readonly #principal: Principal
  constructor(principal: Principal) {
    this.verified = principal.assurance === 'verified'
    this.#principal = principal
  }
  get #proven(): Principal {
    if (!this.verified) throw new Error('a claimed identity was read')
    return this.#principal
  }
  get kind(): string {
    return this.#proven.kind
  }
  get issuer(): string {
    return this.#proven.issuer
  }
  get subject(): string {
    return this.#proven.subject
  }
  get groups(): readonly string[] {
    return bounded(this.#proven.groups)
  }
  get claims(): Readonly<Record<string, unknown>> {
    return this.#proven.claims
  }
}

class TargetFact {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  constructor(name: string, labels: Readonly<Record<string, string>>) {
    this.name = name
    this.labels = labels
  }
}

class SessionFact {
  readonly id: string
  readonly upstreamRole: string
  readonly database: string
  readonly clientAddress: string
  readonly applicationName: string
  readonly tls: boolean
  readonly authentication: string
  readonly strength: bigint
  constructor(session: DecisionContext['session']) {
    this.id = session.id
    this.upstreamRole = session.upstreamRole
    this.database = session.database
    this.clientAddress = session.clientAddress
    this.applicationName = session.applicationName
    this.tls = session.tls
    this.authentication = session.authentication
    this.strength = BigInt(strengthOf(session.authentication))
  }
}

class StatementFact {
  readonly #facts: StatementFacts
  readonly #parameters: readonly (string | null)[]
  constructor(facts: StatementFacts, parameters: readonly (string | null)[]) {
    this.#facts = facts
    this.#parameters = parameters
  }
  get verb(): string {
    return this.#facts.verb
  }
  get filtered(): boolean {
    return this.#facts.filtered
  }
  get text(): string {
    return this.#facts.text
  }
  get fingerprint(): string {
    return this.#facts.fingerprint
  }
  get effects(): readonly EffectFact[] {
    return bounded(this.#facts.effects).map((effect) => new EffectFact(effect.operation, effect.object, effect.via))
  }
  get functions(): readonly string[] {
    return bounded(this.#facts.functions).map((use) => use.name)
  }
  get parameters(): readonly (string | null)[] {
    return bounded(this.#parameters)
  }
}

/** An HTTP request. Of a statement nothing can be read: a condition on it is an error there, and denies. */
class HttpFact {
  readonly #request: HttpRequestFacts | null
  constructor(request: HttpRequestFacts | null) {
    this.#request = request
  }
  get #known(): HttpRequestFacts {
    if (this.#request === null) throw new Error('a statement was read as an HTTP request')
    return this.#request
  }
  get method(): string {
    return this.#known.method
  }
  get path(): string {
    return this.#known.path
  }
  get query(): ReadonlyMap<string, readonly string[]> {
    return this.#known.query
  }
  get headers(): ReadonlyMap<string, readonly string[]> {
    return this.#known.headers
  }
  /** -1 when it is not known. */
  get contentLength(): bigint {
    return BigInt(this.#known.contentLength ?? -1)
  }
  /** In lower case, without parameters; empty where none is named. */
  get contentType(): string {
    const [type = ''] = this.#known.headers.get('content-type') ?? []
    return (type.split(';')[0] ?? '').trim().toLowerCase()
  }
  /** JSON. Of a body that is something else nothing can be read: a condition on it is an error, and denies. */
  get body(): unknown {
    const body = this.#read
    if (body.kind !== 'json') throw new Error('a body that is no JSON was read as JSON')
    return body.value
  }
  get form(): ReadonlyMap<string, readonly string[]> {
    const body = this.#read
    if (body.kind !== 'form') throw new Error('a body that is no form was read as a form')
    return body.values
  }
  get #read(): Exclude<BodyFacts, { kind: 'unread' }> {
    const body = this.#known.body ?? { kind: 'other' }
    if (body.kind !== 'unread') return body
    body.onAsked()
    throw new Error('the body is not read yet')
  }
}

class EffectFact {
  readonly operation: string
  readonly object: string
  readonly via: string
  constructor(operation: string, object: string, via: string) {
    this.operation = operation
    this.object = object
    this.via = via
  }
}

/** A caller chooses how long these lists are, so a long one is an error rather than a slow condition. */
function bounded<T>(list: readonly T[]): readonly T[] {
  if (list.length > conditionListMax) throw new Error('a list is too long for a condition')
  return list
}

const sync = { async: false } as const

/** Bounds of one expression, beside limits.celCharsMax. */
const structure = { maxAstNodes: 1_000, maxDepth: 60, maxListElements: 500, maxMapEntries: 100, maxCallArguments: 8 }

const httpFields = {
  method: 'string',
  path: 'string',
  query: 'map<string, list<string>>',
  headers: 'map<string, list<string>>',
  contentLength: 'int',
  contentType: 'string',
  body: 'dyn',
  form: 'map<string, list<string>>',
}

const environment = buildEnvironment()

function buildEnvironment(): Environment {
  const cel = new Environment({ unlistedVariablesAreDyn: false, limits: structure })
    .registerType('Principal', {
      ctor: PrincipalFact,
      fields: {
        verified: 'bool',
        kind: 'string',
        issuer: 'string',
        subject: 'string',
        groups: 'list<string>',
        claims: 'map<string, dyn>',
      },
    })
    .registerType('Target', { ctor: TargetFact, fields: { name: 'string', labels: 'map<string, string>' } })
    .registerType('Session', {
      ctor: SessionFact,
      fields: {
        id: 'string',
        upstreamRole: 'string',
        database: 'string',
        clientAddress: 'string',
        applicationName: 'string',
        tls: 'bool',
        authentication: 'string',
        strength: 'int',
      },
    })
    .registerType('Effect', { ctor: EffectFact, fields: { operation: 'string', object: 'string', via: 'string' } })
    .registerType('Statement', {
      ctor: StatementFact,
      fields: {
        verb: 'string',
        effects: 'list<Effect>',
        functions: 'list<string>',
        filtered: 'bool',
        text: 'string',
        fingerprint: 'string',
        parameters: 'list<dyn>',
      },
    })
    .registerType('Http', { ctor: HttpFact, fields: httpFields })
    .registerType('Mcp', { ctor: McpFact, fields: mcpFields })
    .registerFunction('string.like(string): bool', (text: string, pattern: string) => matchesPart(pattern, text), sync)
  registerTime(cel)
  return cel
    .registerVariable('caller', 'Principal')
    .registerVariable('initiator', 'Principal')
    .registerVariable('actors', 'list<Principal>')
    .registerVariable('target', 'Target')
    .registerVariable('session', 'Session')
    .registerVariable('statement', 'Statement')
    .registerVariable('http', 'Http')
    .registerVariable('mcp', 'Mcp')
    .registerVariable('now', 'Time')
}

/** `now` has a type of its own (see time.ts) that compares with, and adds to, CEL's timestamps and durations. */
function registerTime(cel: Environment): void {
  const timestamp = 'google.protobuf.Timestamp'
  cel.registerType('Time', { ctor: Instant, fields: {} })
  for (const field of timeFields) {
    cel.registerFunction(`Time.${field}(): int`, (time: Instant) => time.field(field, null), sync)
    cel.registerFunction(`Time.${field}(string): int`, (time: Instant, zone: string) => time.field(field, zone), sync)
  }
  const duration = 'google.protobuf.Duration'
  const spanOf = (span: Duration): number => span.valueOf()
  cel
    .registerOperator(
      `Time + ${duration}: Time`,
      (time: Instant, span: Duration) => new Instant(time.ms + spanOf(span)),
    )
    .registerOperator(
      `Time - ${duration}: Time`,
      (time: Instant, span: Duration) => new Instant(time.ms - spanOf(span)),
    )
    .registerOperator(`Time - ${timestamp}: ${duration}`, (time: Instant, other: Date) =>
      Duration.fromMilliseconds(time.ms - other.getTime()),
    )
  const msOf = (time: Instant | Date): number => (time instanceof Instant ? time.ms : time.getTime())
  for (const [left, right] of [
    ['Time', timestamp],
    [timestamp, 'Time'],
  ]) {
    cel.registerOperator(`${left} < ${right}`, (a: Instant | Date, b: Instant | Date) => msOf(a) < msOf(b))
    cel.registerOperator(`${left} <= ${right}`, (a: Instant | Date, b: Instant | Date) => msOf(a) <= msOf(b))
    cel.registerOperator(`${left} > ${right}`, (a: Instant | Date, b: Instant | Date) => msOf(a) > msOf(b))
    cel.registerOperator(`${left} >= ${right}`, (a: Instant | Date, b: Instant | Date) => msOf(a) >= msOf(b))
  }
}
