// What a script's steps answered, in a form that can be compared: without what differs between any two runs (numbers of
// new objects, process ids, the name of the database) and with long answers as their digest.
import { createHash } from 'node:crypto'
import type { DriverName, Expected, RouteName, Script } from './script.ts'

export interface Outcome {
  readonly rows?: readonly (readonly (string | null)[])[]
  readonly error?: { readonly code: string; readonly hint: string }
}

export interface StepTrace {
  readonly outcomes: readonly Outcome[]
  /** Everything that the driver shows: messages, fields, notices, notifications, settings, state. */
  readonly seen: unknown
}

export type Trace = readonly StepTrace[]

const digestCharsMin = 4_000

/** Objects of the fixture begin here (PostgreSQL, FirstNormalObjectId); they get numbers in the order of appearance. */
const normalOidMin = 16_384

export function comparable(step: StepTrace, oids: Map<number, number>): string {
  const known = (oid: number): number => {
    if (oid < normalOidMin) return oid
    const number = oids.get(oid) ?? normalOidMin + oids.size
    oids.set(oid, number)
    return number
  }
  const text = JSON.stringify(step.seen, (key, value) => {
    if (oidKeys.has(key) && typeof value === 'number') return known(value)
    if (key === 'processId' || key === 'pid') return 0
    return value
  })
  const plain = text
    .replaceAll(/diff_(direct|all|masks|strict)\b/g, 'diff')
    .replaceAll(/\b(process|transaction|PID|virtual transaction) \d+/gi, '$1 N')
  return plain
}

const oidKeys = new Set(['tableID', 'dataTypeID', 'table', 'type'])

/** For the message of a test: long answers as their beginning and digest. */
export const shown = (text: string): string =>
  text.length < digestCharsMin
    ? text
    : `${text.slice(0, 600)} … ${text.length} characters, ${createHash('sha256').update(text).digest('hex')}`

/** `POLICY_DENIED`, `error 22012` or `rows 1,ann; 2,bob`, one for each statement of the step. */
export const outcomeOf = (step: StepTrace): string =>
  step.outcomes
    .map((outcome) => (outcome.error === undefined ? rowsOf(outcome) : errorOf(outcome.error)))
    .join(' | ')
    .replaceAll(/[^\x20-\x7e]/g, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)

const errorOf = ({ code, hint }: { code: string; hint: string }): string =>
  /([A-Z][A-Z_]+), see https:/.exec(hint)?.[1] ?? `error ${code}`

const rowsOf = ({ rows = [] }: Outcome): string =>
  rows.length === 0 ? 'done' : `rows ${rows.map((row) => row.map((value) => value ?? 'NULL').join(',')).join('; ')}`

/** What is said of one driver or one route goes before what is said of all. */
const precedence = ({ driver, routes }: Expected): number => (driver === undefined ? 1_000 : 0) + routes.length

/** Where this route answers otherwise than a direct connection and the script does not say so; empty: nowhere. */
export function differences(
  script: Script,
  driver: DriverName,
  route: RouteName,
  direct: Trace,
  traced: Trace,
): string[] {
  const found: string[] = []
  const directOids = new Map<number, number>()
  const tracedOids = new Map<number, number>()
  for (const [index, step] of script.steps.entries()) {
    const before = direct[index]
    const after = traced[index]
    if (before === undefined || after === undefined) throw new Error(`${script.name}: step ${index} has no trace`)
    const left = comparable(before, directOids)
    const right = comparable(after, tracedOids)
    const expected = script.expected
      .filter((one) => one.routes.includes(route) && one.step === index)
      .filter((one) => one.driver === undefined || one.driver === driver)
      .sort((one, two) => precedence(one) - precedence(two))[0]
    const outcome = outcomeOf(after)
    if (expected === undefined ? left !== right : outcome !== expected.outcome)
      found.push(
        [
          `${route} ${index}: ${shown(outcome)}`,
          `  ${step.verb} ${shown(step.text)}`,
          `  ${expected === undefined ? 'direct' : 'expected'} ${shown(expected?.outcome ?? outcomeOf(before))}`,
          ...(expected === undefined ? [`  direct saw ${shown(left)}`, `  agent saw  ${shown(right)}`] : []),
        ].join('\n'),
      )
    else if (expected !== undefined && left === right)
      found.push(`${route} ${index}: the expectation says nothing: the answer is that of a direct connection`)
  }
  return found
}
