// Stored documents as their authors would write them; applying them changes nothing.
import { PolicyDocument, TargetDocument } from '@sallyport/policy/document'
import { parseDocuments } from '@sallyport/policy/parse'
import { expect, it } from 'vitest'
import { documentYaml } from './tidy-document.ts'

/** As a JSON column gives it back: every default there, members in the order of their length. */
const stored = {
  kind: 'Policy',
  spec: {
    masks: [
      {
        method: { partial: { keepLast: 4 } },
        columns: ['public.c.ssn'],
        predicates: 'none',
        unless: { groups: ['pii'] },
      },
      { method: 'email', columns: ['public.c.email'], predicates: 'equality' },
    ],
    rules: [
      { mode: 'enforce', name: 'read', effect: 'allow', callers: { groups: ['eng'] }, operations: ['select'] },
      {
        mode: 'shadow',
        name: 'ask',
        effect: 'hold',
        callers: { any: true },
        approval: { wait: '60s', reason: 'required', expires: '15m', reviewers: [{ count: 1, group: 'dba' }] },
      },
    ],
    limits: [],
    targets: { names: ['orders'] },
  },
  metadata: { name: 'orders', description: 'Orders' },
  apiVersion: 'sallyport.dev/v1',
}

it('puts a policy in the order of the language, without defaults', () => {
  expect(documentYaml(stored)).toBe(`apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: orders, description: Orders }
spec:
  targets: { names: [orders] }
  rules:
    - name: read
      effect: allow
      callers: { groups: [eng] }
      operations: [select]
    - name: ask
      effect: hold
      callers: { any: true }
      approval:
        reviewers: [{ group: dba }]
        reason: required
      mode: shadow
  masks:
    - columns: [public.c.ssn]
      method: { partial: { keepLast: 4 } }
      unless: { groups: [pii] }
    - columns: [public.c.email]
      method: email
      predicates: equality
`)
})

it('applying it changes nothing', () => {
  const { documents, problems } = parseDocuments(documentYaml(stored))
  expect(problems).toEqual([])
  expect(documents[0]).toEqual(PolicyDocument.parse(stored))
})

it('keeps certificates of a target whole', () => {
  const target = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'Target',
    metadata: { name: 'orders', labels: { env: 'prod' } },
    spec: {
      protocol: 'postgres',
      agents: ['eu-1'],
      host: 'db.internal',
      port: 5432,
      database: 'orders',
      tls: { mode: 'verify-full', ca: '-----BEGIN CERTIFICATE-----\nMIIB+/==\n-----END CERTIFICATE-----\n' },
      roles: [{ name: 'app', password: { env: 'DB_PASSWORD' } }],
      recording: 'spool',
      initiator: 'optional',
      preset: 'none',
    },
  }
  const text = documentYaml(target)
  expect(text).not.toContain('recording')
  expect(text).not.toContain(' port:')
  expect(parseDocuments(text).documents[0]).toEqual(TargetDocument.parse(target))
})

it('writes a document of a kind that it does not know as it is', () => {
  expect(documentYaml({ kind: 'Later', b: 1, a: 2 })).toBe('kind: Later\nb: 1\na: 2\n')
})
