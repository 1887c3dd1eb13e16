// What pgbench says, read strictly: a figure counts only when every client finished its run and no transaction failed.

export interface PgbenchResult {
  /** Transactions a second; with -C pgbench counts the time of connecting in. */
  readonly tps: number
  readonly transactions: number
  readonly latencyMs: number
}

/** Throws where the run was cut short, or a transaction failed. */
export function parsePgbench(stdout: string): PgbenchResult {
  const number = (pattern: RegExp): number => {
    const text = pattern.exec(stdout)?.[1]
    if (text === undefined) throw new Error(`pgbench did not say ${pattern.source}: ${stdout.trim()}`)
    return Number(text)
  }
  if (/Run was aborted/.test(stdout)) throw new Error('pgbench aborted: its figures are incomplete')
  const failed = /number of failed transactions: ([0-9]+)/.exec(stdout)?.[1]
  if (failed !== undefined && failed !== '0') throw new Error(`${failed} transactions of pgbench failed`)
  const transactions = number(/number of transactions actually processed: ([0-9]+)/)
  if (transactions === 0) throw new Error('pgbench finished no transaction')
  return {
    transactions,
    tps: number(/^tps = ([0-9.]+)/m),
    latencyMs: number(/^latency average = ([0-9.]+) ms/m),
  }
}

/** Microseconds of each transaction: the third column of pgbench's log (manual, "Per-Transaction Logging"). */
export function readLatencies(log: string): number[] {
  return log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Number(line.split(' ')[2]))
    .filter((us) => Number.isFinite(us))
}

/** The value that `share` of the list is not above. */
export function quantile(list: readonly number[], share: number): number {
  const sorted = [...list].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
