// Runs that the control plane takes nothing from, as when it has a machine of its own: it is halted meanwhile, entries stay in
// the agent's spool, and the run has ended when the control plane has all of them.
import type { Stack } from '../stack/stack.ts'
import { until } from '../stack/until.ts'

/** For what one run leaves in the spool, in milliseconds. */
const uploadMsMax = 120_000

/** Runs are shorter than what the link to the control plane takes for its end (some thirty seconds). */
export const apart =
  (stack: Stack) =>
  async <T>(work: () => Promise<T>): Promise<T> => {
    const { processId } = stack.controlPlane
    await uploaded(stack)
    process.kill(processId, 'SIGSTOP')
    let result: T
    try {
      result = await work()
    } finally {
      process.kill(processId, 'SIGCONT')
    }
    await uploaded(stack)
    return result
  }

async function uploaded(stack: Stack): Promise<void> {
  const isEmpty = async (): Promise<boolean> => {
    const answer = await fetch(`http://127.0.0.1:${stack.ports.agentMetrics}/metrics`)
    return /^sallyport_spool_bytes 0$/m.test(await answer.text())
  }
  await until('an empty spool', isEmpty, uploadMsMax)
}
