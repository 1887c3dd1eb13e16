// Where logins return to, who is in which group, and which claims are refused.
import { SallyportError } from '@sallyport/base/errors'
import { Document } from '@sallyport/policy/document'
import { describe, expect, it } from 'vitest'
import {
  displayOf,
  groupClaimCharsMax,
  groupClaimsMax,
  groupClaimsOf,
  groupsOf,
  rolesOf,
  safeReturnTo,
} from './rules.ts'

const site = 'https://sallyport.test'
const issuer = 'https://idp.test'
const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (thrown) {
    if (thrown instanceof SallyportError) return thrown.code
    throw thrown
  }
  return 'none'
}

describe('where a login returns to', () => {
  it.each([
    [undefined, '/'],
    ['', '/'],
    ['/', '/'],
    ['/approvals/7?tab=1#x', '/approvals/7?tab=1#x'],
    ['/a/../b', '/b'],
    ['/%2F%2Fevil.test', '/%2F%2Fevil.test'],
    [`/${'a'.repeat(1_999)}`, `/${'a'.repeat(1_999)}`],
  ])('%s is a path of ours', (text, path) => {
    expect(safeReturnTo(text, site)).toBe(path)
  })
  it.each([
    '//evil.test',
    '///evil.test',
    '/\\evil.test',
    '\\/evil.test',
    'https://evil.test',
    'https://sallyport.test.evil.test',
    'javascript:alert(1)',
    '/a\\b',
    '/.//evil.test',
    '/a/..//evil.test',
    '/%2e//evil.test',
    '/a/%2E%2e//evil.test/x?y#z',
    '/\t/evil.test',
    '/\n',
    '/ä',
    'approvals',
    `/${'a'.repeat(2_000)}`,
  ])('%j is refused', (text) => {
    expect(codeOf(() => safeReturnTo(text, site))).toBe('REQUEST_INVALID')
  })
})

const documents = [
  {
    kind: 'Group',
    metadata: { name: 'dba' },
    spec: {
      members: [
        { issuer, claim: 'db-admins' },
        { issuer, subject: 'ana' },
      ],
    },
  },
  { kind: 'Group', metadata: { name: 'bots' }, spec: { members: [{ issuer: 'https://ci.test', subject: 'repo:x' }] } },
  { kind: 'Role', metadata: { name: 'admins' }, spec: { role: 'admin', groups: ['dba'] } },
  { kind: 'Role', metadata: { name: 'auditors' }, spec: { role: 'auditor', groups: ['bots', 'dba'] } },
].map((document) => Document.parse({ apiVersion: 'sallyport.dev/v1', ...document }))

describe('groups and roles', () => {
  it.each<[string, { issuer: string; subject: string; groupClaims: string[] }, string[]]>([
    ['by claim', { issuer, subject: 'bo', groupClaims: ['db-admins'] }, ['dba']],
    ['by exact subject', { issuer, subject: 'ana', groupClaims: [] }, ['dba']],
    ['not by a claim in another case', { issuer, subject: 'bo', groupClaims: ['DB-Admins'] }, []],
    [
      'not by a claim of another issuer',
      { issuer: 'https://evil.test', subject: 'bo', groupClaims: ['db-admins'] },
      [],
    ],
    ['not by the issuer with a slash', { issuer: `${issuer}/`, subject: 'ana', groupClaims: ['db-admins'] }, []],
    ['not by a subject as a claim', { issuer, subject: 'bo', groupClaims: ['ana'] }, []],
    ['not by a claim as a subject', { issuer, subject: 'db-admins', groupClaims: [] }, []],
    ['not by the name of the group', { issuer, subject: 'bo', groupClaims: ['dba'] }, []],
  ])('follow from documents %s', (_how, identity, groups) => {
    expect(groupsOf({ provisioned: [], ...identity }, documents)).toEqual(groups)
  })
  it('of SCIM count by what SCIM said alone, whatever a login brings along (THREATS R-6.4)', () => {
    const members = [{ issuer, claim: 'scim:0123' }]
    const group = Document.parse({
      apiVersion: 'sallyport.dev/v1',
      kind: 'Group',
      metadata: { name: 'team' },
      spec: { members },
    })
    const who = { issuer, subject: 'bo' }
    expect(groupsOf({ ...who, groupClaims: ['scim:0123'], provisioned: [] }, [group])).toEqual([])
    expect(groupsOf({ ...who, groupClaims: [], provisioned: ['scim:0123'] }, [group])).toEqual(['team'])
    expect(() => groupClaimsOf({ groups: ['scim:0123'] }, 'groups', 'corp')).toThrow(/starts with/)
  })
  it('give roles to groups, and "member" to everyone', () => {
    expect(rolesOf(['dba'], documents)).toEqual(['admin', 'auditor', 'member'])
    expect(rolesOf([], documents)).toEqual(['member'])
  })
})

describe('values of the groups claim', () => {
  it.each<[string, unknown, string[]]>([
    ['absent', undefined, []],
    ['null', null, []],
    ['one text', 'a', ['a']],
    ['a list with a value twice', ['a', 'b', 'a'], ['a', 'b']],
    [
      'as many as allowed',
      Array.from({ length: groupClaimsMax }, (_, i) => `g${i}`),
      Array.from({ length: groupClaimsMax }, (_, i) => `g${i}`),
    ],
    ['as long as allowed', ['x'.repeat(groupClaimCharsMax)], ['x'.repeat(groupClaimCharsMax)]],
  ])('are taken when %s', (_what, value, expected) => {
    expect(groupClaimsOf({ groups: value }, 'groups', 'p')).toEqual(expected)
  })
  it.each<[string, unknown]>([
    ['a number', 7],
    ['an object', { a: 1 }],
    ['nested', [['a']]],
    ['one too many', Array.from({ length: groupClaimsMax + 1 }, (_, i) => `g${i}`)],
    ['one character too long', ['x'.repeat(groupClaimCharsMax + 1)]],
  ])('are refused when %s', (_what, value) => {
    expect(codeOf(() => groupClaimsOf({ groups: value }, 'groups', 'p'))).toBe('LOGIN_FAILED')
  })
  it('are refused when they are elsewhere, also beside some (THREATS R-6.4)', () => {
    const claims = { groups: ['a'], _claim_names: { groups: 'src1' } }
    expect(codeOf(() => groupClaimsOf(claims, 'groups', 'p'))).toBe('LOGIN_FAILED')
    expect(groupClaimsOf({ groups: ['a'], _claim_names: { address: 'src1' } }, 'groups', 'p')).toEqual(['a'])
  })
})

describe('a name to show', () => {
  it.each([
    [{ name: 'Ana' }, 'Ana'],
    [{ name: ' ', email: 'a@b.test' }, 'a@b.test'],
    [{ name: 7 }, 'subject'],
    [{ name: 'a\u202eb\u200bc\u0007d\u2028e' }, 'abcde'],
    [{ name: '\u0007' }, 'unnamed'],
    [{ name: 'x'.repeat(500) }, 'x'.repeat(120)],
  ])('of %j is %s', (claims, expected) => {
    expect(displayOf(claims, 'subject')).toBe(expected)
  })
})
