// The metrics of all processes of the agent as those of one: numbers of the same name and labels are added.
import { AggregatorRegistry } from 'prom-client'
import type { Metrics } from '../metrics.ts'

export async function textOfAll(own: Metrics, others: readonly object[][]): Promise<string> {
  const mine: object[] = await own.registry.getMetricsAsJSON()
  return await AggregatorRegistry.aggregate([mine, ...others]).metrics()
}
