// What may be written where the cursor stands: fields and values of the JSON Schema, and names that exist. Pure: text,
// position and names in, suggestions out.
import { type Entry, openDashes, type Scan, type Step, scanYaml } from './scan.ts'
import { kindOf, schemasAt, valuesOf } from './schema.ts'

/** Names that documents may refer to. */
export interface KnownNames {
  readonly groups: readonly string[]
  readonly targets: readonly string[]
  readonly labels: readonly string[]
  readonly agents: readonly string[]
}

export interface Suggestion {
  readonly label: string
  /** Put in place of the word before the cursor. */
  readonly insert: string
  /** A few words beside the label. */
  readonly about: string
}

export interface Completion {
  readonly from: number
  readonly to: number
  readonly options: readonly Suggestion[]
}

/** Where the cursor is: in a document of a kind, at a path, after the begin of a word. */
interface Spot {
  readonly path: readonly Step[]
  readonly from: number
  readonly word: string
  /** A key may be written, a value, or (after a dash) either. */
  readonly place: 'key' | 'value' | 'either'
  /** Inside brackets, where a key takes no line of its own. */
  readonly isFlow: boolean
  readonly indent: number
}

const suggestionsMax = 50

export function completionsAt(text: string, position: number, names: KnownNames): Completion | null {
  const scan = scanYaml(text)
  const lineStart = text.lastIndexOf('\n', position - 1) + 1
  const lineIndex = text.slice(0, lineStart).split('\n').length - 1
  const spot = spotOf(text.slice(lineStart, position), lineStart, scan, lineIndex)
  if (spot === null) return null
  const document = scan.places[lineIndex]?.document ?? 0
  const kind = kindOf(scan.entries.find((entry) => entry.document === document && entry.path.join() === 'kind')?.value)
  const options = kind === null ? startOptions(spot) : optionsAt(kind, spot, scan.entries, document, names)
  const wanted = spot.word.replace(/^["']/, '').toLowerCase()
  const fitting = options.filter(({ label }) => label.toLowerCase().includes(wanted) && label !== spot.word)
  const ranked = fitting.toSorted((left, right) => rank(left, wanted) - rank(right, wanted))
  return ranked.length === 0 ? null : { from: spot.from, to: position, options: ranked.slice(0, suggestionsMax) }
}

const rank = ({ label }: Suggestion, wanted: string): number => (label.toLowerCase().startsWith(wanted) ? 0 : 1)

function spotOf(before: string, offset: number, scan: Scan, lineIndex: number): Spot | null {
  if (/(?:^|\s)#/.test(before)) return null
  const levels = lineIndex === 0 ? [] : (scan.places[lineIndex - 1]?.levels ?? [])
  const { levels: dashed, column, isItem } = openDashes(before, levels)
  const open = isItem ? dashed : levels.filter((level) => level.indent < column)
  const path = open.map((level) => level.step)
  const rest = before.slice(column)
  const key = /^([\w-]+):\s+/.exec(rest)
  const head = key === null ? path : [...path, key[1] ?? '']
  const value = key === null ? rest : rest.slice(key[0].length)
  const from = offset + column + (key === null ? 0 : key[0].length)
  if (/^[[{]/.test(value)) return flowSpot(value, from, head)
  if (/\s/.test(value) || (key === null && /:$/.test(value))) return null
  const place = key !== null ? 'value' : isItem ? 'either' : 'key'
  return { path: head, from, word: value, place, isFlow: false, indent: column }
}

/** Follows brackets from their first to the cursor; strings are passed over. */
function flowSpot(value: string, offset: number, head: readonly Step[]): Spot | null {
  const open: { readonly isList: boolean; step: Step | null }[] = []
  let start = 0
  let quote = ''
  for (let at = 0; at < value.length; at++) {
    const character = value[at] ?? ''
    if (quote !== '') {
      if (character === quote) quote = ''
      continue
    }
    const top = open.at(-1)
    if (character === '"' || character === "'") quote = character
    else if (character === '[') open.push({ isList: true, step: 0 })
    else if (character === '{') open.push({ isList: false, step: null })
    else if (character === ']' || character === '}') open.pop()
    else if (character === ',' && top !== undefined) top.step = typeof top.step === 'number' ? top.step + 1 : null
    else if (character === ':' && top?.isList === false && top.step === null) top.step = value.slice(start, at).trim()
    else continue
    if (quote === '') start = at + 1
  }
  const top = open.at(-1)
  if (top === undefined) return null
  while (value[start] === ' ') start += 1
  const path = [...head, ...open.flatMap(({ step }) => (step === null ? [] : [step]))]
  const place = top.isList ? 'either' : top.step === null ? 'key' : 'value'
  return { path, from: offset + start, word: value.slice(start), place, isFlow: true, indent: 0 }
}

/** Before the kind is known: how a document begins. */
function startOptions(spot: Spot): Suggestion[] {
  const [only] = spot.path
  if (spot.place === 'value' && only === 'kind')
    return ['Policy', 'Target', 'Group', 'Role', 'Label', 'TrustedIssuer'].map((name) => plain(name))
  if (spot.place === 'value' && only === 'apiVersion') return [plain('sallyport.dev/v1')]
  if (spot.place !== 'key' || spot.path.length > 0) return []
  return ['apiVersion', 'kind', 'metadata', 'spec'].map((name) => ({ label: name, insert: `${name}: `, about: '' }))
}

const plain = (label: string, about = ''): Suggestion => ({ label, insert: label, about })

type Kind = NonNullable<ReturnType<typeof kindOf>>

function optionsAt(kind: Kind, spot: Spot, entries: readonly Entry[], document: number, names: KnownNames) {
  const schemas = schemasAt(kind, spot.path)
  const values = [
    ...valuesOf(schemas).map((value) => plain(value === 'null' ? '"null"' : value, aboutValue[value] ?? '')),
    ...namesAt(kind, spot.path, names),
  ]
  const keys = keysAt(kind, spot, schemas, entries, document)
  if (spot.place === 'key') return keys
  return spot.place === 'value' ? values : [...values, ...keys]
}

function keysAt(
  kind: Kind,
  spot: Spot,
  schemas: ReturnType<typeof schemasAt>,
  entries: readonly Entry[],
  document: number,
): Suggestion[] {
  const depth = spot.path.length
  const taken = new Set(
    entries
      .filter((entry) => entry.document === document && entry.path.length === depth + 1)
      .filter((entry) => spot.path.every((step, index) => entry.path[index] === step))
      .map((entry) => entry.path[depth]),
  )
  return [...new Set(schemas.flatMap((schema) => Object.keys(schema.properties ?? {})))]
    .filter((name) => !taken.has(name))
    .map((name) => ({ label: name, insert: keyInsert(kind, spot, name), about: aboutKey[name] ?? '' }))
}

/** Lists and mappings go on in the next line, two columns further in. */
function keyInsert(kind: Kind, spot: Spot, name: string): string {
  if (spot.isFlow) return `${name}: `
  const children = schemasAt(kind, [...spot.path, name])
  const indent = ' '.repeat(spot.indent + 2)
  const items = children.find((child) => child.type === 'array')
  if (items !== undefined) {
    const isShort = schemasAt(kind, [...spot.path, name, 0]).every((item) => item.type !== 'object')
    return isShort ? `${name}: [` : `${name}:\n${indent}- `
  }
  const isMap = children.length > 0 && children.every((child) => child.type === 'object')
  return isMap ? `${name}:\n${indent}` : `${name}: `
}

function namesAt(kind: Kind, path: readonly Step[], names: KnownNames): Suggestion[] {
  const shape = path.map((step) => (typeof step === 'number' ? '*' : step)).join('.')
  if (/(?:callers|unless)\.groups\.\*$|reviewers\.\*\.group$/.test(shape))
    return names.groups.map((name) => plain(name, 'group'))
  if (kind === 'Role' && shape === 'spec.groups.*') return names.groups.map((name) => plain(name, 'group'))
  if (shape === 'spec.targets.names.*') return names.targets.map((name) => plain(name, 'target'))
  if (shape === 'spec.masks.*.label') return names.labels.map((name) => plain(name, 'label'))
  if (kind === 'Target' && shape === 'spec.agents.*') return names.agents.map((name) => plain(name, 'agent'))
  return []
}

const aboutKey: Readonly<Record<string, string>> = {
  targets: 'which targets the policy applies to',
  rules: 'what is allowed, held or denied',
  masks: 'what is hidden in results',
  limits: 'how much, over time or for each statement',
  name: 'shows in decisions and records',
  effect: 'allow, hold or deny',
  callers: 'who the rule is about',
  operations: 'absent: all of them',
  objects: 'patterns: public.orders, public.*',
  when: 'a condition in CEL',
  approval: 'who decides, and how long',
  message: 'what the caller reads',
  mode: 'enforce, or shadow: only recorded',
  groups: 'one of these groups',
  kinds: 'user or workload',
  principals: 'exact identities',
  any: 'true: everybody, said on purpose',
  reviewers: 'groups whose people decide',
  count: 'how many of the group',
  expires: 'the request ends then',
  wait: 'how long the caller waits',
  reason: 'does an approval need one',
  columns: 'schema.relation.column',
  label: 'a set of columns by meaning',
  method: 'what shows instead',
  unless: 'who sees the value',
  predicates: 'may it be filtered by',
  order: 'may rows come in its order',
  description: 'what it is for',
  labels: 'key: value',
  names: 'targets by name',
}
const aboutValue: Readonly<Record<string, string>> = {
  allow: 'lets it through',
  hold: 'a person decides first',
  deny: 'wins over everything',
  enforce: 'the rule decides',
  shadow: 'recorded, not enforced',
  null: 'shows NULL',
  redact: 'shows [redacted]',
  hash: 'the same value, the same hash',
  year: 'dates: the year alone',
  email: 'shows ***@ and the domain',
  none: 'strictest',
  equality: 'column = constant alone',
  user: 'people',
  workload: 'functions, jobs, tools',
}
