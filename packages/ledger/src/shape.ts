// Exactly the shapes of entry.ts, told from any value: a missing, extra or wrong field is named, never ignored.
// INVARIANT: a new kind or field in entry.ts does not compile until it has its check here.
import { limits } from '@sallyport/base/limits'
import type { Parsed } from './bytes.ts'
import { parseCanonical } from './canonical.ts'
import type {
  Entry,
  EntryBody,
  EntryChain,
  EntryPrincipal,
  EntryRule,
  EntryShadow,
  EntrySql,
  EntryTrace,
  Head,
} from './entry.ts'

/** What is wrong with the value: empty when nothing is, else the field's path or a few words. */
type Check = (value: unknown) => string
/** Also of a field that may be absent; see `optional`. */
type Fields<T> = { readonly [K in keyof Required<T>]: Check }
type BodyOf<K extends EntryBody['kind']> = Extract<EntryBody, { readonly kind: K }>

const text: Check = (value) => (typeof value === 'string' ? '' : 'is not a string')
const flag: Check = (value) => (typeof value === 'boolean' ? '' : 'is not a boolean')
const count: Check = (value) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? '' : 'is not a whole number from 0'
const positive: Check = (value) => (value === 0 ? 'is 0' : count(value))
const matching =
  (pattern: RegExp, what: string): Check =>
  (value) =>
    typeof value === 'string' && pattern.test(value) ? '' : `is not ${what}`
const id = matching(/^[0-9a-f]{32}$/, '32 hex digits')
const hash = matching(/^[0-9a-f]{64}$/, '64 hex digits')
const oneOf =
  (...permitted: readonly unknown[]): Check =>
  (value) =>
    permitted.includes(value) ? '' : 'has an unknown value'
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null ? '' : check(value)
const listOf =
  (check: Check): Check =>
  (value) => {
    if (!Array.isArray(value)) return 'is not a list'
    for (const item of value) {
      const wrong = check(item)
      if (wrong !== '') return `holds an item that ${wrong}`
    }
    return ''
  }

/** Fields that records before them do not have. */
const optional: ReadonlySet<string> = new Set(['shadow', 'relaxed', 'chain', 'sql', 'trace', 'settings'])

/** Not empty: an entry with nothing to say has one form. */
const some =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length === 0 ? 'is empty' : listOf(check)(value)

function fields(checks: Readonly<Record<string, Check>>): Check {
  const each = Object.entries(checks)
  return (value) => {
    if (!isObject(value)) return 'is not an object'
    let known = 0
    for (const [name, check] of each) {
      if (!Object.hasOwn(value, name)) {
        if (optional.has(name)) continue
        return hasUnknown(value, checks) ? 'has an unknown field' : `lacks field "${name}"`
      }
      known++
      const wrong = check(value[name])
      if (wrong !== '')
        return hasUnknown(value, checks) ? 'has an unknown field' : `has a field "${name}" that ${wrong}`
    }
    return Object.keys(value).length === known ? '' : 'has an unknown field'
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const hasUnknown = (value: object, checks: object): boolean =>
  Object.keys(value).some((name) => !Object.hasOwn(checks, name))

const principal = fields({
  kind: oneOf('user', 'workload'),
  issuer: text,
  subject: text,
  display: text,
  groups: listOf(text),
  assurance: oneOf('verified', 'claimed'),
} satisfies Fields<EntryPrincipal>)

const chain = fields({ initiator: principal, actors: listOf(principal), tokenId: text } satisfies Fields<EntryChain>)

const rule = fields({ policy: text, version: count, rule: text } satisfies Fields<EntryRule>)
const shadow = some(
  fields({
    policy: text,
    version: count,
    rule: text,
    effect: oneOf('allow', 'deny', 'hold', 'limit'),
  } satisfies Fields<EntryShadow>),
)
const effect = fields({ operation: text, object: text, via: oneOf('direct', 'derived') })
const sql = some(
  fields({
    target: text,
    upstreamRole: text,
    verb: text,
    fingerprint: text,
    effects: listOf(effect),
    rule: orNull(rule),
  } satisfies Fields<EntrySql>),
)
const span = matching(/^([0-9a-f]{16})?$/, '16 hex digits or empty')
const trace = fields({ trace: id, parent: span, span } satisfies Fields<EntryTrace>)
const protocol = oneOf('simple', 'extended', 'http', 'mcp')

const shared = { v: oneOf(1), session: id, seq: count, atMs: count, monoUs: count }

/** What intents and denials have in common. */
const statement = {
  statement: count,
  protocol,
  text,
  textTruncated: flag,
  fingerprint: text,
  verb: text,
  effects: listOf(effect),
  parameters: listOf(orNull(text)),
}

const bodies = {
  'session-opened': {
    kind: oneOf('session-opened'),
    agent: id,
    agentName: text,
    target: text,
    protocol: oneOf('postgres', 'http'),
    upstreamRole: text,
    database: text,
    initiator: principal,
    actors: listOf(principal),
    clientAddress: text,
    applicationName: text,
    tls: flag,
    authentication: text,
    tokenIds: listOf(text),
    snapshotVersion: count,
    settings: some(text),
  },
  intent: {
    kind: oneOf('intent'),
    ...statement,
    decision: oneOf('allow', 'approved'),
    rule,
    masks: listOf(text),
    maskedColumns: count,
    relaxed: oneOf(true),
    shadow,
    chain,
    sql,
    trace,
  },
  denied: {
    kind: oneOf('denied'),
    ...statement,
    code: text,
    message: text,
    rule: orNull(rule),
    shadow,
    chain,
    sql,
    trace,
  },
  held: {
    kind: oneOf('held'),
    ...statement,
    rule,
    request: id,
    statementDigest: hash,
    evidenceDigest: hash,
    expiresAtMs: count,
    waits: flag,
    shadow,
    chain,
    sql,
    trace,
  },
  'hold-ended': {
    kind: oneOf('hold-ended'),
    statement: count,
    request: id,
    result: oneOf('approved', 'denied', 'expired', 'pending', 'cancelled', 'lost'),
    by: listOf(text),
    reason: text,
    approvalDigest: matching(/^([0-9a-f]{64})?$/, '64 hex digits or empty'),
  },
  outcome: {
    kind: oneOf('outcome'),
    statement: count,
    result: oneOf('done', 'failed', 'cancelled', 'unknown'),
    tag: text,
    sqlstate: text,
    rows: count,
    bytes: count,
    maskedValues: count,
    durationUs: count,
    shadow,
  },
  'session-closed': { kind: oneOf('session-closed'), reason: text, statements: count },
} satisfies { readonly [K in EntryBody['kind']]: Fields<BodyOf<K>> }

const checkOfKind: ReadonlyMap<unknown, Check> = new Map(
  Object.entries(bodies).map(([kind, body]) => [kind, fields({ ...shared, ...body })]),
)

const head = fields({
  v: oneOf(1),
  session: id,
  seq: count,
  hash,
  agent: id,
  key: hash,
  counter: positive,
  previous: hash,
  atMs: count,
  closed: flag,
} satisfies Fields<Head>)

/** A head is a few hundred bytes. */
export const headBytesMax = 4_096

function entryProblem(value: unknown): string {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return 'has no kind'
  const check = checkOfKind.get(value.kind)
  return check === undefined ? 'has an unknown kind' : check(value)
}

const isEntry = (value: unknown): value is Entry => entryProblem(value) === ''
const isHead = (value: unknown): value is Head => head(value) === ''

/** The entry that these exact bytes are. Total: anything else is refused with what is wrong. */
export function parseEntry(bytes: Uint8Array): Parsed<Entry> {
  const parsed = parseCanonical(bytes, limits.entryBytesMax)
  if (!parsed.ok) return parsed
  const { value } = parsed
  return isEntry(value) ? { ok: true, value } : { ok: false, reason: `the entry ${entryProblem(value)}` }
}

/** The head that these exact bytes are. */
export function parseHead(bytes: Uint8Array): Parsed<Head> {
  const parsed = parseCanonical(bytes, headBytesMax)
  if (!parsed.ok) return parsed
  const { value } = parsed
  return isHead(value) ? { ok: true, value } : { ok: false, reason: `the head ${head(value)}` }
}
