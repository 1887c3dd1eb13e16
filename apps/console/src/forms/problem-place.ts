// Where in the draft a problem of the control plane stands: the text that the editor underlines.
import type { Problem } from '@sallyport/api/problem'
import { type Entry, type Scan, type Step, scanYaml, stepsOf } from './scan.ts'

export type DocumentProblem = NonNullable<Problem['problems']>[number]

export interface PlacedProblem {
  readonly message: string
  readonly path: string
  readonly line: number
  readonly from: number
  readonly to: number
}

/** The problems in the order of the text. A problem without a line is placed by its path. */
export function placeProblems(text: string, problems: readonly DocumentProblem[]): PlacedProblem[] {
  const scan = scanYaml(text)
  return problems
    .map((problem) => {
      const { line, from, to } = placeOf(text, scan, problem)
      return { message: problem.message, path: problem.path, line, from, to }
    })
    .toSorted((left, right) => left.from - right.from)
}

function placeOf(text: string, scan: Scan, { line, path }: DocumentProblem) {
  const entry = entryOf(scan, path)
  if (line !== null && entry?.line !== line) return lineRange(text, line)
  return entry ?? lineRange(text, line ?? 1)
}

/** `Policy/orders spec.rules[2].when`: the deepest part of the path that stands in the text. */
function entryOf(scan: Scan, path: string): Entry | null {
  const [, key = '', rest = path] = /^(\S+\/\S+)(?: (.*))?$/s.exec(path) ?? []
  const wanted = stepsOf(key === '' ? path : rest === path ? '' : rest)
  const document = key === '' ? 0 : documentOf(scan, key)
  const candidates = scan.entries.filter((entry) => entry.document === document && begins(wanted, entry.path))
  return candidates.toSorted((left, right) => right.path.length - left.path.length)[0] ?? null
}

function documentOf(scan: Scan, key: string): number {
  const valueAt = (document: number, ...path: Step[]) =>
    scan.entries
      .find((entry) => entry.document === document && isSame(entry.path, path))
      ?.value.replace(/^(["'])(.*)\1$/, '$2')
  const last = scan.entries.at(-1)?.document ?? 0
  for (let document = 0; document <= last; document++) {
    const metadata = valueAt(document, 'metadata') ?? ''
    const name = valueAt(document, 'metadata', 'name') ?? /\bname:\s*["']?([\w.-]+)/.exec(metadata)?.[1]
    if (`${valueAt(document, 'kind')}/${name}` === key) return document
  }
  return 0
}

const isSame = (left: readonly Step[], right: readonly Step[]): boolean =>
  left.length === right.length && left.every((step, index) => step === right[index])
const begins = (whole: readonly Step[], part: readonly Step[]): boolean =>
  part.length <= whole.length && part.every((step, index) => step === whole[index])

/** A line without its indentation; the last one when the text is shorter. */
function lineRange(text: string, line: number) {
  const lines = text.split('\n')
  const index = Math.min(Math.max(line, 1), lines.length) - 1
  const start = lines.slice(0, index).reduce((sum, one) => sum + one.length + 1, 0)
  const raw = lines[index] ?? ''
  const indent = raw.length - raw.trimStart().length
  return { line: index + 1, from: start + indent, to: start + raw.trimEnd().length }
}
