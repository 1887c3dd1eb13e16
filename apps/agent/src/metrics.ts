// Counters and gauges of the agent, in Prometheus' text form. Labels are targets, outcomes and codes: never names of
// people, never text of statements.
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

export interface Metrics {
  readonly registry: Registry
  readonly connections: Gauge
  readonly sessions: Gauge<'target'>
  readonly pooled: Counter<'target' | 'reused'>
  readonly statements: Counter<'target' | 'outcome'>
  readonly refusals: Counter<'code'>
  readonly rows: Counter<'target'>
  readonly maskedValues: Counter<'target'>
  readonly admitSeconds: Histogram<'outcome'>
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  return {
    registry,
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
    statements: new Counter({
      name: 'sallyport_statements_total',
      help: 'Statements by target and outcome: done, failed, cancelled, unknown, denied.',
      labelNames: ['target', 'outcome'],
      registers,
    }),
    refusals: new Counter({
      name: 'sallyport_refusals_total',
      help: 'Connections that ended before a session, by error code.',
      labelNames: ['code'],
      registers,
    }),
    rows: new Counter({
      name: 'sallyport_rows_total',
      help: 'Rows that left by target.',
      labelNames: ['target'],
      registers,
    }),
    maskedValues: new Counter({
      name: 'sallyport_masked_values_total',
      help: 'Values that left masked, by target.',
      labelNames: ['target'],
      registers,
    }),
    admitSeconds: new Histogram({
      name: 'sallyport_admit_seconds',
      help: 'From accept to the first ReadyForQuery.',
      labelNames: ['outcome'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
  }
}
