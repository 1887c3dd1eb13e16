// Sets of documents that make no sense as a whole, and those that do.
import { Document } from '@sallyport/policy/document'
import { describe, expect, it } from 'vitest'
import { checkChange, locksOutAdmins, type Surroundings, usersOf } from './rules.ts'

const read = (document: object): Document => Document.parse({ apiVersion: 'sallyport.dev/v1', ...document })
const group = (name: string) =>
  read({ kind: 'Group', metadata: { name }, spec: { members: [{ issuer: 'https://idp.test', claim: name }] } })
const label = (name: string) =>
  read({ kind: 'Label', metadata: { name }, spec: { columns: [{ pattern: 'public.customers.email' }] } })
const role = (name: string, kind: string, groups: string[]) =>
  read({ kind: 'Role', metadata: { name }, spec: { role: kind, groups } })
const issuer = (name: string, url: string) =>
  read({ kind: 'TrustedIssuer', metadata: { name }, spec: { issuer: url, audiences: ['sallyport:acme'] } })
const target = (name: string, agents = ['eu-1']) =>
  read({
    kind: 'Target',
    metadata: { name },
    spec: { protocol: 'postgres', agents, host: 'db', database: 'd', roles: [{ name: 'r', password: { env: 'P' } }] },
  })
const tools = (sql: object, agents = ['eu-1']) =>
  read({
    kind: 'Target',
    metadata: { name: 'tools' },
    spec: {
      protocol: 'http',
      agents,
      url: 'https://tools.test/mcp',
      credential: 'none',
      mcp: { sql: [{ tool: 'run', argument: 'sql', ...sql }] },
    },
  })
const policy = (spec: object) => read({ kind: 'Policy', metadata: { name: 'orders' }, spec })
const any = { any: true }

const surroundings: Surroundings = {
  agentNames: new Set(['eu-1']),
  builtIn: { name: 'sallyport', issuer: 'https://sallyport.test' },
}
const check = (changed: Document[], current: Document[] = []) => checkChange(current, changed, surroundings)

describe('a change', () => {
  it.each<[string, Document[], string, string]>([
    [
      'names a group in a rule that is not there',
      [policy({ targets: any, rules: [{ name: 'r', effect: 'deny', callers: { groups: ['contractorz'] } }] })],
      'Policy/orders spec.rules[0].callers.groups',
      'there is no group "contractorz"',
    ],
    [
      'names reviewers that are not there',
      [
        policy({
          targets: any,
          rules: [{ name: 'r', effect: 'hold', callers: any, approval: { reviewers: [{ group: 'dba' }] } }],
        }),
      ],
      'Policy/orders spec.rules[0].approval.reviewers',
      'there is no group "dba"',
    ],
    [
      'excepts a group from a mask that is not there',
      [policy({ targets: any, masks: [{ columns: ['a.b.c'], method: 'null', unless: { groups: ['pii'] } }] })],
      'Policy/orders spec.masks[0].unless.groups',
      'there is no group "pii"',
    ],
    [
      'masks a label that is not there',
      [policy({ targets: any, masks: [{ label: 'pii.emial', method: 'null' }] })],
      'Policy/orders spec.masks[0].label',
      'there is no label "pii.emial"',
    ],
    ['gives a role to a group that is not there', [role('x', 'auditor', ['y'])], 'Role/x spec.groups', 'no group "y"'],
    [
      'takes the name of the control plane',
      [issuer('sallyport', 'https://other.test')],
      'TrustedIssuer/sallyport metadata.name',
      'is the control plane itself',
    ],
    [
      'takes the issuer of the control plane',
      [issuer('mine', 'https://sallyport.test')],
      'TrustedIssuer/mine spec.issuer',
      'the issuer of the control plane',
    ],
    [
      'trusts one issuer twice',
      [issuer('a', 'https://ci.test'), issuer('b', 'https://ci.test')],
      'TrustedIssuer/a spec.issuer',
      '"b" has the same issuer',
    ],
    [
      'judges SQL by a target that is not there',
      [tools({ target: 'shop' })],
      'Target/tools spec.mcp.sql[0].target',
      'there is no target "shop"',
    ],
    [
      'judges SQL by a target that is no database',
      [tools({ target: 'tools' })],
      'Target/tools spec.mcp.sql[0].target',
      'target "tools" is no database',
    ],
    [
      'judges SQL as a role that the database does not have',
      [target('shop'), tools({ target: 'shop', role: 'ro' })],
      'Target/tools spec.mcp.sql[0].role',
      'target "shop" has no role "ro"',
    ],
    ['holds a document twice', [group('a'), group('a')], 'Group/a metadata.name', 'twice'],
  ])('is refused when it %s', (_what, changed, path, words) => {
    const { problems } = check(changed)
    expect(problems[0]).toMatchObject({ code: 'DOCUMENT_INVALID', path })
    expect(problems[0]?.message).toContain(words)
  })

  it('may bring what it names, or find it there', () => {
    const one = policy({
      targets: any,
      rules: [{ name: 'r', effect: 'allow', callers: { groups: ['dba'] } }],
      masks: [{ label: 'pii.email', method: 'null' }],
    })
    expect(check([one, group('dba'), label('pii.email')]).problems).toEqual([])
    expect(check([one], [group('dba'), label('pii.email')]).problems).toEqual([])
  })

  it('may bring the database by which SQL is judged, and may not take away what judges it', () => {
    const judged = tools({ target: 'shop', role: 'r' })
    expect(check([judged, target('shop')])).toEqual({ problems: [], warnings: [] })
    const other = read({
      ...target('shop'),
      spec: { ...target('shop').spec, roles: [{ name: 'w', password: { env: 'P' } }] },
    })
    expect(check([other], [judged, target('shop')]).problems[0]?.message).toContain('has no role "r"')
    expect(usersOf(target('shop'), [judged])).toEqual(['Target/tools'])
    // What others have made is looked at when it changes.
    expect(check([group('a')], [judged]).problems).toEqual([])
    const { warnings } = check([tools({ target: 'shop' }, ['eu-1', 'eu-2']), target('shop')])
    expect(warnings.map(({ path }) => path)).toContain('Target/tools spec.mcp.sql[0].target')
  })

  it('may change its own issuer document', () => {
    expect(check([issuer('a', 'https://ci.test')], [issuer('a', 'https://ci.test')]).problems).toEqual([])
  })

  it('is warned about agents and targets that are not there yet, and goes through', () => {
    const { problems, warnings } = check([
      target('orders', ['eu-1', 'eu-2']),
      policy({ targets: { names: ['invoices'] } }),
    ])
    expect(problems).toEqual([])
    expect(warnings.map((warning) => warning.path)).toEqual([
      'Policy/orders spec.targets.names',
      'Target/orders spec.agents',
    ])
    expect(warnings[1]?.message).toContain('"eu-2"')
  })

  it('may not take the last administrators away', () => {
    const before = [group('dba'), role('admins', 'admin', ['dba'])]
    const { problems } = check([role('admins', 'auditor', ['dba'])], before)
    expect(problems[0]?.message).toContain('nobody would be an administrator')
    expect(locksOutAdmins(before, [])).toBe(true)
    expect(locksOutAdmins([], [])).toBe(false)
    expect(check([role('admins', 'auditor', ['dba']), role('others', 'admin', ['dba'])], before).problems).toEqual([])
  })
})

describe('a document in use', () => {
  const one = policy({
    targets: { names: ['shop'] },
    rules: [{ name: 'r', effect: 'allow', callers: { groups: ['dba'] } }],
    masks: [{ label: 'pii', method: 'null' }],
  })
  const all = [one, role('admins', 'admin', ['dba'])]
  it.each<[string, Document, string[]]>([
    ['a group', group('dba'), ['Policy/orders', 'Role/admins']],
    ['a label', label('pii'), ['Policy/orders']],
    ['a target', target('shop'), ['Policy/orders']],
    ['another group', group('other'), []],
    ['a label with the name of a group', label('dba'), []],
    ['a policy', one, []],
  ])('is known: %s', (_what, document, users) => {
    expect(usersOf(document, all)).toEqual(users)
  })
})
