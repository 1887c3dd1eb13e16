// From figures of rounds to medians with their range, as a table for people and as a list for programs.

export interface Measured {
  readonly case: string
  readonly peer: string
  readonly metric: string
  readonly value: number
  readonly unit: string
}

export interface Line {
  readonly case: string
  readonly peer: string
  readonly metric: string
  readonly median: number
  readonly min: number
  readonly max: number
  readonly unit: string
}

export interface Failure {
  readonly case: string
  readonly peer: string
  readonly why: string
}

/** The middle one; of an even count, the mean of the two in the middle. */
export function median(list: readonly number[]): number {
  const sorted = [...list].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
  return (lower + upper) / 2
}

/** One line for each case, metric and peer, in the order in which they first came. */
export function summarise(measured: readonly Measured[]): Line[] {
  const groups = new Map<string, Measured[]>()
  for (const one of measured) {
    const key = JSON.stringify([one.case, one.metric, one.peer])
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  return [...groups.values()].flatMap((list) => {
    const [first] = list
    if (first === undefined) return []
    const values = list.map(({ value }) => value)
    const { value: _value, ...rest } = first
    return [{ ...rest, median: median(values), min: Math.min(...values), max: Math.max(...values) }]
  })
}

const figure = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(value >= 10 ? 1 : 2)

const cellOf = ({ median: middle, min, max }: Line): string =>
  min === max ? figure(middle) : `${figure(middle)} (${figure(min)}–${figure(max)})`

const ratio = (of: Line | undefined, to: Line | undefined): string =>
  of === undefined || to === undefined ? '–' : (of.median / to.median).toFixed(2)

/** Markdown: a row for each case and metric, a column for each peer, and the ratios of the medians. */
export function table(
  lines: readonly Line[],
  failures: readonly Failure[],
  order: readonly string[],
  peers: readonly string[],
): string {
  const heads = ['case', ...peers, 'agent ÷ direct', 'agent ÷ pgbouncer']
  const rows = order.flatMap((name) => rowsOf(name, lines, failures, peers))
  return [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function rowsOf(
  name: string,
  lines: readonly Line[],
  failures: readonly Failure[],
  peers: readonly string[],
): string[][] {
  const own = lines.filter((line) => line.case === name)
  const failed = failures.filter((failure) => failure.case === name)
  const metrics = [...new Set(own.map(({ metric }) => metric))]
  if (metrics.length === 0 && failed.length > 0) metrics.push('throughput')
  return metrics.map((metric) => {
    const of = (peer: string) => own.find((line) => line.metric === metric && line.peer === peer)
    const unit = own.find((line) => line.metric === metric)?.unit ?? ''
    const cells = peers.map((peer) => {
      if (failed.some((failure) => failure.peer === peer)) return 'FAILED'
      const line = of(peer)
      return line === undefined ? '–' : cellOf(line)
    })
    const trusted = (peer: string) => (failed.some((failure) => failure.peer === peer) ? undefined : of(peer))
    const ratios = [ratio(trusted('agent'), trusted('direct')), ratio(trusted('agent'), trusted('pgbouncer'))]
    return [`${name}: ${metric}, ${unit}`, ...cells, ...ratios]
  })
}
