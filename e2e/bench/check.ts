// npm run bench -- --check: is the agent's CPU time for a statement, in units of pgbouncer's in the same run, worse than it was
// when baseline.json was written? A ratio of one run, so that a slow machine counts on both sides.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Line } from './report.ts'

/** Agent ÷ pgbouncer, by case. */
export type Baseline = Readonly<Record<string, number>>

/** More than this above the baseline fails; rounds of one build differ by less. */
const worseShare = 0.15

export const readBaseline = (): Baseline => JSON.parse(readFileSync(join(import.meta.dirname, 'baseline.json'), 'utf8'))

/** A sentence for each case that got worse, or that a measured case of the baseline has no figure for. */
export function worseThan(baseline: Baseline, lines: readonly Line[]): string[] {
  const cpuOf = (name: string, peer: string): number | undefined =>
    lines.find((line) => line.case === name && line.peer === peer && line.metric === 'proxy CPU')?.median
  const measured = new Set(lines.map((line) => line.case))
  if (!Object.keys(baseline).some((name) => measured.has(name)))
    return ['nothing of baseline.json was measured; its cases are those of --cases tls']
  return Object.entries(baseline).flatMap(([name, before]) => {
    if (!measured.has(name)) return []
    const agent = cpuOf(name, 'agent')
    const pgbouncer = cpuOf(name, 'pgbouncer')
    if (agent === undefined || pgbouncer === undefined) return [`${name}: no CPU time of both was measured`]
    const now = agent / pgbouncer
    if (now <= before * (1 + worseShare)) return []
    return [`${name}: ${now.toFixed(2)} times pgbouncer's CPU time a statement; ${before.toFixed(2)} in baseline.json`]
  })
}
