// Where the fields of YAML documents stand in their text. Reads lines and indentation and never fails: an editor needs an
// answer while the text is half written. The judge of the text is the control plane.

export type Step = string | number

export interface Entry {
  /** Which document of the text, from 0. */
  readonly document: number
  readonly path: readonly Step[]
  /** Offsets of the entry in its line, without indentation and dashes. */
  readonly from: number
  readonly to: number
  /** 1-based. */
  readonly line: number
  /** What stands behind the colon. */
  readonly value: string
}

interface Level {
  readonly indent: number
  readonly step: Step
}

export interface Place {
  readonly document: number
  readonly levels: readonly Level[]
}

const keyed = /^("(?:[^"\\]|\\.)*"|'[^']*'|[^\s#'"[\]{},&*!|>%@`-][^#]*?|-[^\s#][^#]*?):(?=\s|$)/
const blockScalar = /(?:^|\s)[|>][0-9+-]{0,2}\s*(?:#.*)?$/

export interface Scan {
  readonly entries: readonly Entry[]
  /** The place at the begin of each line, index 0 for line 1. */
  readonly places: readonly Place[]
}

export function scanYaml(text: string): Scan {
  const entries: Entry[] = []
  const places: Place[] = []
  let levels: readonly Level[] = []
  let document = 0
  let seen = false
  let scalarIndent: number | null = null
  let offset = 0
  for (const [index, raw] of text.split('\n').entries()) {
    const indent = raw.length - raw.trimStart().length
    const isBlank = raw.trim() === ''
    if (scalarIndent !== null && !isBlank && indent <= scalarIndent) scalarIndent = null
    if (/^(?:---|\.\.\.)(?:\s|$)/.test(raw)) {
      if (seen) document += 1
      levels = []
    } else if (scalarIndent === null && !isBlank && !raw.trimStart().startsWith('#')) {
      seen = true
      const read = readLine(raw, levels)
      levels = read.levels
      for (const { path, from, to, value } of read.entries)
        entries.push({ document, path, from: offset + from, to: offset + to, line: index + 1, value })
      if (blockScalar.test(read.entries.at(-1)?.value ?? '')) scalarIndent = levels.at(-1)?.indent ?? 0
    }
    places.push({ document, levels })
    offset += raw.length + 1
  }
  return { entries, places }
}

interface Line {
  readonly levels: readonly Level[]
  readonly entries: readonly Omit<Entry, 'document' | 'line'>[]
}
const stepsTo = (levels: readonly Level[]): Step[] => levels.map((level) => level.step)

/** The levels after the dashes and the key of a line, and what stands there: an item, a key, or both. */
function readLine(raw: string, before: readonly Level[]): Line {
  const { levels, column, isItem } = openDashes(raw, before)
  const rest = raw.slice(column).trimEnd()
  const range = { from: column, to: column + rest.length }
  const item = isItem ? [{ ...range, path: stepsTo(levels), value: rest }] : []
  const key = keyed.exec(rest)?.[1]
  if (key === undefined) return { levels, entries: item }
  const step = key.replace(/^(["'])(.*)\1$/, '$2')
  const open = [...levels.filter((level) => level.indent < column), { indent: column, step }]
  return {
    levels: open,
    entries: [...item, { ...range, path: stepsTo(open), value: rest.slice(key.length + 1).trim() }],
  }
}

/** Takes the dashes at the begin of a line: each opens the next item of a list. */
export function openDashes(raw: string, before: readonly Level[]) {
  let column = raw.length - raw.trimStart().length
  let levels = before
  let isItem = false
  while (raw[column] === '-' && (raw[column + 1] === ' ' || raw[column + 1] === undefined)) {
    const at = column
    const last = levels.find((level) => level.indent === at && typeof level.step === 'number')
    const kept = levels.filter((level) => level.indent < at || (level.indent === at && typeof level.step === 'string'))
    levels = [...kept, { indent: at, step: typeof last?.step === 'number' ? last.step + 1 : 0 }]
    isItem = true
    column += 1
    while (raw[column] === ' ') column += 1
  }
  return { levels, column, isItem }
}

/** `spec.rules[2].when` as steps. */
export function stepsOf(path: string): Step[] {
  return [...path.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map((match) =>
    match[1] === undefined ? match[0] : Number(match[1]),
  )
}
