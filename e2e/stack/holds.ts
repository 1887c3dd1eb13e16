// What tests and the story do with held statements: find the request that waits, and decide it as the console does.
import type { Answer, PersonApi } from './people-api.ts'
import { until } from './until.ts'

export interface Waiting {
  readonly id: string
  readonly objects: readonly string[]
  readonly waiting: number
}

/** The requests that this person sees waiting. */
export async function pendingOf(person: PersonApi): Promise<readonly Waiting[]> {
  const { body } = await person.get('/api/v1/approvals?limit=200')
  return body.items
}

/** The one request that waits and is none of these. */
export async function nextPending(person: PersonApi, known: ReadonlySet<string> = new Set()): Promise<Waiting> {
  return await until(
    'a request that waits',
    async () => (await pendingOf(person)).find((item) => !known.has(item.id)) ?? null,
  )
}

/** Reads what is shown and sends its digest back with the verdict. */
export async function decide(
  person: PersonApi,
  id: string,
  verdict: 'approved' | 'denied',
  reason = '',
): Promise<Answer> {
  const { body } = await person.get(`/api/v1/approvals/${id}`)
  return await person.post(`/api/v1/approvals/${id}/verdict`, {
    verdict,
    reason,
    approvalDigest: body.approvalDigest,
  })
}

/** The demo's hold rule with another wait or life. */
export function withHold(yaml: string, changes: { wait?: string; expires?: string; count?: number }): string {
  const { wait = '60s', expires = '15m', count = 1 } = changes
  // That of a grant waits for nobody.
  const rule = /approval: \{ reviewers: .*, wait: .*? \}(?=\n)/
  if (!rule.test(yaml)) throw new Error('the demo has no hold rule any more')
  return yaml.replace(
    rule,
    `approval: { reviewers: [{ group: dba, count: ${count} }], expires: ${expires}, wait: ${wait} }`,
  )
}
