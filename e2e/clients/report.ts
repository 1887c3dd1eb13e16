// What became of each capability in the hands of one client. A client that cannot do a thing says so and why; what neither
// passes nor is said here fails the test.
import assert from 'node:assert'
import type { Place } from '../differential/driver.ts'

export const capabilities = [
  'types in text',
  'types in binary',
  'transactions',
  'errors',
  'COPY',
  'cursors',
  'cancel',
  'notifications',
  'large results',
  '1,000 pipelined statements',
  'masks',
  'the deny rule',
] as const
export type Capability = (typeof capabilities)[number]

/** `done`, `cannot: WHY` or `failed: WHAT`. */
export type Report = Readonly<Partial<Record<Capability, string>>>

export class Cannot extends Error {}

export async function reportOf(work: Readonly<Record<Capability, () => Promise<void>>>): Promise<Report> {
  const report: Partial<Record<Capability, string>> = {}
  for (const capability of capabilities) {
    try {
      await work[capability]()
      report[capability] = 'done'
    } catch (thrown: any) {
      report[capability] =
        thrown instanceof Cannot
          ? `cannot: ${thrown.message}`
          : `failed: ${thrown?.stack ?? thrown} ${thrown?.hint ?? ''}`
    }
  }
  return report
}

/** For work that the client's own means do not have. */
export const cannot = (why: string) => async (): Promise<void> => {
  throw new Cannot(why)
}

/** What was thrown, which has to have this SQLSTATE. */
export async function refused(code: string, work: () => Promise<unknown>): Promise<any> {
  const thrown: any = await work().then(
    () => undefined,
    (error: unknown) => error,
  )
  assert(thrown !== undefined, 'nothing was refused')
  assert.equal(thrown.code, code, thrown.message)
  return thrown
}

export type Client = (place: Place) => Promise<Report>
