// Reads the scripts: what a client does, one step a line, and where policy speaks, which step answers what. The files in
// scripts/ are the corpus; nothing in them names a driver unless one of them answers otherwise.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../stack/root.ts'

export const driverNames = ['node-postgres', 'postgres.js', 'psycopg'] as const
export type DriverName = (typeof driverNames)[number]

/** The agent's routes; what they answer is held against `direct`. */
export const routeNames = ['all', 'masks', 'strict'] as const
export type RouteName = (typeof routeNames)[number]

/**
 * `query` is a text of the simple protocol, `bind` one with parameters, `binary` one whose result is asked for in binary,
 * `prepared` one under a name; `cursor` reads in batches, `other` runs a text on a second connection, `notified` waits
 * for so many notifications.
 */
export const verbs = [
  'query',
  'bind',
  'binary',
  'prepared',
  'cursor',
  'pipeline',
  'copy-in',
  'copy-out',
  'cancel',
  'other',
  'notified',
] as const
export type Verb = (typeof verbs)[number]

export type Parameter = null | string | number | boolean | { readonly hex: string }

export interface Statement {
  readonly text: string
  readonly values: readonly Parameter[]
}

export interface Step {
  readonly verb: Verb
  readonly text: string
  readonly values: readonly Parameter[]
  /** Of a prepared statement. */
  readonly name: string
  /** Rows of a batch, or notifications to wait for. */
  readonly count: number
  /** What COPY sends, in hexadecimal. */
  readonly input: string
  readonly statements: readonly Statement[]
}

export interface Expected {
  readonly routes: readonly RouteName[]
  /** Undefined: for all of them. */
  readonly driver: DriverName | undefined
  readonly step: number
  readonly outcome: string
}

/** A difference that should not be: it has a reason, and is an error once it has gone. */
export interface Gap {
  readonly routes: readonly RouteName[]
  readonly driver: DriverName | undefined
  readonly reason: string
}

export interface Script {
  readonly name: string
  readonly steps: readonly Step[]
  readonly expected: readonly Expected[]
  readonly gaps: readonly Gap[]
  /** Drivers that cannot take part, for a reason of their own. */
  readonly without: readonly DriverName[]
}

const folder = join(root, 'e2e', 'differential', 'scripts')

export function readScripts(): Script[] {
  return readdirSync(folder)
    .sort()
    .flatMap((file) => parseScripts(file.replace(/\.script$/, ''), readFileSync(join(folder, file), 'utf8')))
}

export function parseScripts(topic: string, text: string): Script[] {
  const scripts: { name: string; steps: Step[]; expected: Expected[]; gaps: Gap[]; without: DriverName[] }[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue
    const place = `${topic}.script:${index + 1}`
    if (line.startsWith('== ')) {
      scripts.push({ name: `${topic}: ${line.slice(3)}`, steps: [], expected: [], gaps: [], without: [] })
      continue
    }
    const script = scripts.at(-1)
    if (script === undefined) throw new Error(`${place}: a step before the first name`)
    const without = /^without (\S+): .+$/.exec(line)?.[1]
    if (is(driverNames, without)) {
      script.without.push(without)
      continue
    }
    const found = expectedOf(line) ?? gapOf(line)
    if (found === undefined) script.steps.push(stepOf(line, place))
    else if ('step' in found) script.expected.push(found)
    else script.gaps.push(found)
  }
  return scripts
}

const is = <T extends string>(names: readonly T[], word: string | undefined): word is T =>
  names.some((name) => name === word)

function expectedOf(line: string): Expected | undefined {
  const match = /^(agent|all|masks|strict) (\d+)(?: (\S+))?: (.*)$/.exec(line)
  if (match === null) return undefined
  const [, route, step, driver, outcome = ''] = match
  return { routes: routesOf(route), step: Number(step), driver: is(driverNames, driver) ? driver : undefined, outcome }
}

/** `agent` is all of its routes. */
const routesOf = (word: string | undefined): readonly RouteName[] =>
  word === 'agent' ? routeNames : routeNames.filter((name) => name === word)

function gapOf(line: string): Gap | undefined {
  const match = /^gap (agent|all|masks|strict)(?: (\S+))?: (.+)$/.exec(line)
  if (match === null) return undefined
  const [, route, driver, reason = ''] = match
  return {
    routes: routesOf(route),
    driver: is(driverNames, driver) ? driver : undefined,
    reason,
  }
}

const isFull = (verb: Verb): boolean => verb === 'prepared' || verb === 'cursor'

function stepOf(line: string, place: string): Step {
  const [verb, rest = ''] = cut(line, ' ')
  if (!is(verbs, verb)) throw new Error(`${place}: unknown verb "${verb}"`)
  const [head, tail = ''] = isFull(verb) ? cut(rest, ' ') : ['', rest]
  const body = verb === 'pipeline' ? '' : tail
  const [text, given] = cut(body, ' |> ')
  const statements = verb === 'pipeline' ? tail.split(' ;; ').map(statementOf) : []
  const isInput = verb === 'copy-in'
  return {
    verb,
    text: verb === 'notified' ? '' : text,
    values: given === undefined || isInput ? [] : JSON.parse(given).map(expand),
    name: verb === 'prepared' ? head : '',
    count: verb === 'cursor' ? Number(head) : verb === 'notified' ? Number(text) : 0,
    input: isInput && given !== undefined ? inputOf(JSON.parse(given)) : '',
    statements,
  }
}

function cut(text: string, at: string): [string, string | undefined] {
  const place = text.indexOf(at)
  return place < 0 ? [text, undefined] : [text.slice(0, place), text.slice(place + at.length)]
}

function statementOf(text: string): Statement {
  const [statement, given] = cut(text, ' |> ')
  return { text: statement, values: given === undefined ? [] : JSON.parse(given).map(expand) }
}

/** Large values are written as what they repeat. */
function expand(value: any): Parameter {
  if (value === null || typeof value !== 'object' || value.times === undefined) return value
  return value.hex === undefined ? value.text.repeat(value.times) : { hex: value.hex.repeat(value.times) }
}

/** A text, bytes in hexadecimal, or numbered lines in which `%` is the number. */
function inputOf(value: any): string {
  if (typeof value === 'string') return Buffer.from(value).toString('hex')
  if (value.hex !== undefined) return value.hex
  const lines = Array.from({ length: value.repeat }, (_, index) => value.line.replace('%', String(value.from + index)))
  return Buffer.from(lines.join('')).toString('hex')
}
