// Counters and gauges of the agent, in Prometheus' text form. Labels are targets, outcomes and codes: never names of
// people, never text of statements.
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export interface Metrics {
  readonly registry: Registry
  readonly contentType: string
  text(): Promise<string>
  readonly connections: Gauge
  readonly sessions: Gauge<'target'>
  readonly pooled: Counter<'target' | 'reused'>
  readonly refusals: Counter<'code'>
  readonly admitSeconds: Histogram<'outcome'>
  /** What one target's statements add to; counted as plain numbers, since every statement does. */
  countsOf(target: string): TargetCounts
  /** From now on the spool's bytes are asked for at each look. */
  watchSpool(bytes: () => number): void
}

export interface TargetCounts {
  rows: number
  maskedValues: number
  /** By outcome: done, failed, cancelled, unknown, denied. */
  readonly statements: Map<string, number>
}

export function countStatement({ statements }: TargetCounts, outcome: string): void {
  statements.set(outcome, (statements.get(outcome) ?? 0) + 1)
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const counts = new Map<string, TargetCounts>()
  registerCounts(counts, registers)
  return {
    registry,
    contentType: registry.contentType,
    text: async () => await registry.metrics(),
    countsOf(target) {
      const known = counts.get(target) ?? { rows: 0, maskedValues: 0, statements: new Map() }
      counts.set(target, known)
      return known
    },
    connections: new Gauge({ name: 'sallyport_connections', help: 'Open connections of clients.', registers }),
    sessions: new Gauge({
      name: 'sallyport_sessions',
      help: 'Open sessions by target.',
      labelNames: ['target'],
      registers,
    }),
    pooled: new Counter({
      name: 'sallyport_target_connections_total',
      help: 'Connections to targets that sessions were given, by target and whether an earlier session had them.',
      labelNames: ['target', 'reused'],
      registers,
    }),
    refusals: new Counter({
      name: 'sallyport_refusals_total',
      help: 'Connections that ended before a session, by error code.',
      labelNames: ['code'],
      registers,
    }),
    admitSeconds: new Histogram({
      name: 'sallyport_admit_seconds',
      help: 'From accept to the first ReadyForQuery.',
      labelNames: ['outcome'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    watchSpool: (bytes) => watchSpool(bytes, registry),
  }
}

/** Filled when somebody asks. */
function registerCounts(counts: ReadonlyMap<string, TargetCounts>, registers: Registry[]): void {
  new Counter({
    name: 'sallyport_statements_total',
    help: 'Statements by target and outcome: done, failed, cancelled, unknown, denied.',
    labelNames: ['target', 'outcome'],
    registers,
    collect() {
      this.reset()
      for (const [target, { statements }] of counts)
        for (const [outcome, count] of statements) this.inc({ target, outcome }, count)
    },
  })
  new Counter({
    name: 'sallyport_rows_total',
    help: 'Rows that left by target.',
    labelNames: ['target'],
    registers,
    collect() {
      this.reset()
      for (const [target, { rows }] of counts) this.inc({ target }, rows)
    },
  })
  new Counter({
    name: 'sallyport_masked_values_total',
    help: 'Values that left masked, by target.',
    labelNames: ['target'],
    registers,
    collect() {
      this.reset()
      for (const [target, { maskedValues }] of counts) this.inc({ target }, maskedValues)
    },
  })
}

function watchSpool(bytes: () => number, registry: Registry): void {
  new Gauge({
    name: 'sallyport_spool_bytes',
    help: 'Bytes of entries that the control plane has not acknowledged yet.',
    registers: [registry],
    collect() {
      this.set(bytes())
    },
  })
}
