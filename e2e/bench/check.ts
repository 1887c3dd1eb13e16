// npm run bench -- --check: is the agent's CPU time for a statement, in units of pgbouncer's in the same run, worse than it was
// when baseline.json was written (--baseline)? A ratio of one run, so that a slow machine counts on both sides.
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import type { Line } from './report.ts'

/** Agent ÷ pgbouncer, by case. */
export type Ratios = Readonly<Record<string, number>>

export interface Baseline {
  /** Whose processors it is of: others have another ratio, for system calls and caches cost them otherwise. */
  readonly processor: string
  readonly node: string
  readonly cases: Ratios
}

/** More than this above the baseline fails; rounds of one build differ by less on a quiet machine. */
const worseShare = 0.15

const file = join(import.meta.dirname, 'baseline.json')

export const readBaseline = (): Baseline => JSON.parse(readFileSync(file, 'utf8'))

const here = (node: string) => ({ processor: cpus()[0]?.model ?? 'unknown', node: majorOf(node) })
const majorOf = (version: string): string => version.split('.')[0] ?? version

/** From here on, `--check` holds against these figures; cases that were not measured keep what they had on the same processors. */
export function writeBaseline(lines: readonly Line[], node: string): Baseline {
  const before = readBaseline()
  const now = here(node)
  const isSame = before.processor === now.processor && before.node === now.node
  const baseline = { ...now, cases: { ...(isSame ? before.cases : {}), ...ratiosOf(lines) } }
  writeFileSync(file, `${JSON.stringify(baseline, undefined, 2)}\n`)
  return baseline
}

/** Of each case of which both were measured. */
export function ratiosOf(lines: readonly Line[]): Ratios {
  const names = new Set(lines.map((line) => line.case))
  return Object.fromEntries(
    [...names].flatMap((name) => {
      const ratio = ratioOf(lines, name)
      return ratio === undefined ? [] : [[name, Math.round(ratio * 100) / 100]]
    }),
  )
}

function ratioOf(lines: readonly Line[], name: string): number | undefined {
  const cpuOf = (peer: string): number | undefined =>
    lines.find((line) => line.case === name && line.peer === peer && line.metric === 'proxy CPU')?.median
  const agent = cpuOf('agent')
  const pgbouncer = cpuOf('pgbouncer')
  return agent === undefined || pgbouncer === undefined ? undefined : agent / pgbouncer
}

/** A sentence for each case that got worse, or that a measured case of the baseline has no figure for. */
export function worseThan(baseline: Ratios, lines: readonly Line[]): string[] {
  const measured = new Set(lines.map((line) => line.case))
  const names = Object.keys(baseline)
  if (!names.some((name) => measured.has(name)))
    return [`nothing of baseline.json was measured; its cases are ${names.join(', ')}`]
  return Object.entries(baseline).flatMap(([name, before]) => {
    if (!measured.has(name)) return []
    const now = ratioOf(lines, name)
    if (now === undefined) return [`${name}: no CPU time of both was measured`]
    if (now <= before * (1 + worseShare)) return []
    return [`${name}: ${now.toFixed(2)} times pgbouncer's CPU time a statement; ${before.toFixed(2)} in baseline.json`]
  })
}

/** Where a baseline is of other processors or another Node; null: of the same. */
export function elsewhere(baseline: Baseline, node: string): string | null {
  const now = here(node)
  if (baseline.processor === now.processor && baseline.node === now.node) return null
  return `baseline.json is of Node ${baseline.node} on ${baseline.processor}; ratios differ by processor: see what an earlier build has here`
}
