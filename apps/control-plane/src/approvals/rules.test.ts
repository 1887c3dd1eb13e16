// Quorum, four eyes and who may read, as tables: each right has one yes, then one no for each way to lack it.
import { describe, expect, it } from 'vitest'
import {
  type GivenVerdict,
  hasRight,
  mayCancel,
  mayDecide,
  mayRead,
  mergedQuorum,
  outcomeOf,
  progressOf,
  type Reader,
  type RuledRequest,
} from './rules.ts'

const issuer = 'https://idp.test'
const person = (subject: string, groups: string[], roles: Reader['roles'] = ['member', 'reviewer']): Reader => ({
  personId: `id of ${subject}`,
  issuer,
  subject,
  groups,
  roles,
})
const verdict = (subject: string, groups: string[], word: GivenVerdict['verdict'] = 'approved'): GivenVerdict => ({
  signerKey: null,
  signature: null,
  personId: `id of ${subject}`,
  personKey: `${issuer} ${subject}`,
  personName: subject,
  groups,
  verdict: word,
  reason: '',
  at: new Date(0),
})
const request = (changes: Partial<RuledRequest> = {}): RuledRequest => ({
  state: 'pending',
  expiresAt: new Date(1_000),
  quorum: [{ group: 'dba', count: 1 }],
  initiator: { issuer, subject: 'ann', assurance: 'verified' },
  actors: [{ issuer: 'https://ci.test', subject: 'shop' }],
  ...changes,
})
const claimedAnn = { issuer, subject: 'ann', assurance: 'claimed' } as const
const one = (group: string, count = 1) => ({ group, count })

describe('a quorum', () => {
  it.each<[string, { group: string; count: number }[], GivenVerdict[], string]>([
    ['of one is reached by one of the group', [one('dba')], [verdict('bo', ['dba'])], 'approved'],
    ['is not reached by nobody', [one('dba')], [], 'pending'],
    ['that is empty is never reached', [], [verdict('bo', ['dba'])], 'pending'],
    ['is not reached by one of another group', [one('dba')], [verdict('bo', ['security'])], 'pending'],
    ['of two is not reached by one', [one('dba', 2)], [verdict('bo', ['dba'])], 'pending'],
    ['of two is reached by two', [one('dba', 2)], [verdict('bo', ['dba']), verdict('cy', ['dba'])], 'approved'],
    [
      'of two is not reached by one person twice (R-6.6)',
      [one('dba', 2)],
      [verdict('bo', ['dba']), { ...verdict('bo', ['dba']), personId: 'another account row' }],
      'pending',
    ],
    [
      'of two groups is reached by one person in both',
      [one('dba'), one('security')],
      [verdict('bo', ['dba', 'security'])],
      'approved',
    ],
    ['of two groups is not reached by one of them', [one('dba'), one('security')], [verdict('bo', ['dba'])], 'pending'],
    ['that names a group twice asks for both', [one('dba'), one('dba')], [verdict('bo', ['dba'])], 'pending'],
    [
      'that is reached is denied by one denial all the same',
      [one('dba')],
      [verdict('bo', ['dba']), verdict('cy', ['dba'], 'denied')],
      'denied',
    ],
  ])('%s', (_name, quorum, verdicts, outcome) => {
    expect(outcomeOf(quorum, verdicts)).toBe(outcome)
  })

  it('shows who counts for which group', () => {
    const progress = progressOf([one('dba', 2), one('security')], [verdict('bo', ['dba', 'security'])])
    expect(progress.map(({ group, approvedBy }) => [group, approvedBy.map((given) => given.personName)])).toEqual([
      ['dba', ['bo']],
      ['security', ['bo']],
    ])
    expect(mergedQuorum([one('dba'), one('security'), one('dba', 2)])).toEqual([one('dba', 3), one('security')])
  })
})

describe('the right to decide', () => {
  it('is that of a reviewer in a group of the quorum', () => {
    expect(hasRight(person('bo', ['dba']), request())).toEqual({ ok: true })
  })
  it.each<[string, Reader, Partial<RuledRequest>, RegExp]>([
    ['the initiator', person('ann', ['dba']), {}, /yourself/],
    ['the initiator under another person row', { ...person('ann', ['dba']), personId: 'second' }, {}, /yourself/],
    ['a person among the actors', person('bo', ['dba']), { actors: [{ issuer, subject: 'bo' }] }, /through you/],
    ['someone without the role', person('bo', ['dba'], ['member', 'admin', 'auditor']), {}, /role "reviewer"/],
    ['someone of another group', person('bo', ['security']), {}, /members of "dba"/],
  ])('is not that of %s', (_name, who, changes, why) => {
    expect(hasRight(who, request(changes))).toMatchObject({
      ok: false,
      code: 'VERDICT_FORBIDDEN',
      why: expect.stringMatching(why),
    })
  })
  it('is not judged by the subject alone: the same subject of another issuer is another person', () => {
    expect(hasRight({ ...person('ann', ['dba']), issuer: 'https://other.test' }, request()).ok).toBe(true)
  })
  it.each<[string, Partial<RuledRequest>, GivenVerdict[], RegExp]>([
    ['it is denied', { state: 'denied' }, [verdict('cy', ['dba'], 'denied')], /denied by "cy"/],
    ['it is approved', { state: 'approved' }, [verdict('cy', ['dba'])], /approved by "cy"/],
    ['it has run', { state: 'run' }, [verdict('cy', ['dba'])], /has run/],
    ['it was withdrawn', { state: 'cancelled' }, [], /withdrawn/],
    ['it expired', { state: 'expired' }, [], /expired/],
    ['its time is over, though nobody has said so yet', { expiresAt: new Date(500) }, [], /expired/],
    ['they decided before', {}, [verdict('bo', ['dba'])], /you have approved/],
  ])('has nothing left to decide once %s', (_name, changes, verdicts, why) => {
    const permission = mayDecide(person('bo', ['dba']), request(changes), verdicts, 500)
    expect(permission).toMatchObject({ ok: false, code: 'CONFLICT', why: expect.stringMatching(why) })
  })
})

describe('who may read a request (R-6.10)', () => {
  it.each<[string, Reader, boolean]>([
    ['an administrator', person('x', [], ['member', 'admin']), true],
    ['an auditor', person('x', [], ['member', 'auditor']), true],
    ['a reviewer of the quorum', person('x', ['dba']), true],
    ['its initiator', person('ann', [], ['member']), true],
    ['a reviewer of another group', person('x', ['security']), false],
    ['a member of the group who is no reviewer', person('x', ['dba'], ['member']), false],
    ['a member', person('x', [], ['member']), false],
    ['a namesake of another issuer', { ...person('ann', [], ['member']), issuer: 'https://other.test' }, false],
  ])('%s: %s %s', (_name, reader, expected) => {
    expect(mayRead(reader, request())).toBe(expected)
  })
})

it('R-6.10: whose name is only claimed reads nothing, and decides nothing either', () => {
  const claimed = request({ initiator: claimedAnn })
  expect(mayRead(person('ann', [], ['member']), claimed)).toBe(false)
  expect(hasRight(person('ann', ['dba']), claimed).ok).toBe(false)
})

describe('withdrawing', () => {
  it.each<[string, Reader, Partial<RuledRequest>, boolean]>([
    ['is for the initiator', person('ann', []), {}, true],
    ['is not for a reviewer', person('bo', ['dba']), {}, false],
    ['is not for who is only claimed to have asked', person('ann', []), { initiator: claimedAnn }, false],
    ['is not for what was approved', person('ann', []), { state: 'approved' }, false],
    ['is not for what has expired', person('ann', []), { expiresAt: new Date(1) }, false],
  ])('%s', (_name, who, changes, expected) => {
    expect(mayCancel(who, request(changes), 500)).toBe(expected)
  })
})
