// Counters and histograms of the control plane. Labels hold names of routes and codes, never ids, addresses or texts.
import { Counter, Histogram, Registry } from 'prom-client'

export interface Metrics {
  readonly registry: Registry
  readonly requestSeconds: Histogram<'route' | 'method' | 'status'>
  readonly logins: Counter<'kind' | 'outcome'>
  readonly tokens: Counter
  readonly tickets: Counter
  readonly applied: Counter<'kind' | 'change'>
}

/** Metrics in a registry of their own, so that tests do not share counts. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  return {
    registry,
    requestSeconds: new Histogram({
      name: 'sallyport_http_request_seconds',
      help: 'time to answer a request',
      labelNames: ['route', 'method', 'status'],
      buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 1, 5],
      registers,
    }),
    logins: new Counter({
      name: 'sallyport_logins_total',
      help: 'logins by kind (browser, cli) and outcome (ok, refused)',
      labelNames: ['kind', 'outcome'],
      registers,
    }),
    tokens: new Counter({ name: 'sallyport_target_tokens_total', help: 'tokens issued for targets', registers }),
    tickets: new Counter({ name: 'sallyport_tickets_total', help: 'tickets issued for targets', registers }),
    applied: new Counter({
      name: 'sallyport_documents_applied_total',
      help: 'documents by kind and change (created, updated, deleted)',
      labelNames: ['kind', 'change'],
      registers,
    }),
  }
}
