// Grants for the tests of this folder, with defaults.
import type { GrantDetail } from '@sallyport/api/grants'

export function grantWith(change: Partial<GrantDetail> = {}): GrantDetail {
  return {
    id: 'a'.repeat(32),
    state: 'pending',
    target: 'orders',
    targetLabels: { env: 'dev' },
    roles: ['app_rw'],
    policy: 'on-call',
    rule: 'repair',
    operations: ['update'],
    objects: ['public.orders'],
    when: null,
    during: null,
    message: '',
    who: { issuer: 'https://idp.test', subject: 'ana', display: 'Ana' },
    reason: 'incident 42',
    seconds: 3_600,
    quorum: [{ group: 'dba', count: 1, approvedBy: [], others: ['Bo'] }],
    verdicts: [],
    createdAt: '2026-11-24T10:00:00Z',
    expiresAt: '2026-11-25T10:00:00Z',
    until: null,
    endedAt: null,
    endedBy: null,
    mayDecide: { ok: true },
    mayEnd: false,
    history: { approved: 3, denied: 0, firstTime: false, last: null },
    ...change,
  }
}
