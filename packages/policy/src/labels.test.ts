// Labels: documents that a scan proposes are accepted as they are, keep what was there, and match what they were made for;
// a column that a pattern covers is protected from the moment at which the catalog shows it.
import type { Chain } from '@sallyport/base/identity'
import { proposalsOf, ScanReport } from '@sallyport/mask/scan'
import type { Catalog } from '@sallyport/sql/catalog'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { columnsOf } from './columns.ts'
import { LabelDocument, PolicyDocument, TargetDocument } from './document.ts'
import { labelDocuments, labelsOf, patternOf } from './labels.ts'
import { parseDocuments } from './parse.ts'
import { compileRulebook } from './rulebook.ts'

const label = (name: string, columns: readonly unknown[]): LabelDocument =>
  LabelDocument.parse({ apiVersion: 'sallyport.dev/v1', kind: 'Label', metadata: { name }, spec: { columns } })
const column = (schema: string, relation: string, name: string) => ({ schema, relation, column: name })

const report = ScanReport.parse({
  v: 1,
  target: 'shop',
  role: 'app',
  catalogVersion: 'v1',
  relations: 2,
  columns: 4,
  unread: [],
  isCut: false,
  found: [
    { ...column('public', 'customers', 'email'), values: 10, hits: { email: 10 } },
    { ...column('public', 'a.b', 'Mail "old"'), values: 10, hits: { email: 9 } },
    { ...column('public', 'customers', 'card'), values: 10, hits: { card: 10 } },
    { ...column('public', 'notes', 'body'), values: 10, hits: { email: 1 } },
  ],
})

describe('documents of a scan', () => {
  it('can be applied as they are, and match the columns that they were made for', () => {
    const made = labelDocuments([], 'shop', proposalsOf(report))
    const { documents, problems } = parseDocuments(made.map((one) => stringify(one)).join('---\n'))
    expect(problems).toEqual([])
    expect(documents).toEqual(made)
    expect(made.map(({ metadata }) => metadata.name)).toEqual(['pii.card', 'pii.email'])
    for (const found of report.found.slice(0, 3)) expect(labelsOf(made, 'shop', found)).toHaveLength(1)
    expect(labelsOf(made, 'shop', report.found[3]!)).toEqual([])
    expect(labelsOf(made, 'other', report.found[0]!)).toEqual([])
  })

  it('keep what a label covers, and leave out what is covered', () => {
    const known = [label('pii.email', [{ pattern: 'public.customers.e*' }]), label('pii.card', [{ pattern: '**' }])]
    const made = labelDocuments(known, 'shop', proposalsOf(report))
    expect(made).toHaveLength(1)
    expect(made[0]?.spec.columns).toEqual([
      { pattern: 'public.customers.e*' },
      { pattern: 'public."a.b".Mail *old*', targets: ['shop'] },
    ])
  })

  it('write names with dots in quotes', () => {
    expect(patternOf(column('s', 'a.b', 'c'))).toBe('s."a.b".c')
  })
})

describe('a mask by label', () => {
  const book = (labels: readonly LabelDocument[]) =>
    compileRulebook({
      target: TargetDocument.parse({
        apiVersion: 'sallyport.dev/v1',
        kind: 'Target',
        metadata: { name: 'shop' },
        spec: {
          protocol: 'postgres',
          agents: ['eu-1'],
          host: 'h',
          database: 'shop',
          roles: [{ name: 'app', password: { env: 'P' } }],
        },
      }),
      policies: [
        {
          version: 1,
          document: PolicyDocument.parse({
            apiVersion: 'sallyport.dev/v1',
            kind: 'Policy',
            metadata: { name: 'privacy' },
            spec: { targets: { any: true }, masks: [{ name: 'mail', label: 'pii.email', method: 'email' }] },
          }),
        },
      ],
      labels,
      floor: null,
    })
  const chain: Chain = {
    initiator: {
      kind: 'user',
      issuer: 'https://i.test',
      subject: 'ann',
      groups: [],
      claims: {},
      display: 'ann',
      assurance: 'verified',
    },
    actors: [],
  }
  const catalogOf = (...names: string[]): Catalog => ({
    version: names.join(),
    database: 'shop',
    serverVersion: 170_000,
    serverEncoding: 'UTF8',
    functions: [],
    schemas: [],
    types: [],
    operators: [],
    relations: [
      {
        oid: 20_000,
        schema: 'public',
        name: 'customers',
        kind: 'table',
        temporary: false,
        definition: null,
        parents: [],
        rules: [],
        triggers: [],
        cascades: [],
        rowSecurity: false,
        columns: names.map((name, index) => ({
          number: index + 1,
          name,
          typeOid: 25,
          type: 'text',
          notNull: false,
          generated: 'no',
          expression: null,
        })),
      },
    ],
  })

  it('masks a column from the moment at which the catalog shows it', () => {
    const labels = [label('pii.email', [{ pattern: 'public.*.*email' }])]
    const compiled = book(labels)
    const before = columnsOf(compiled, chain, catalogOf('id', 'email'))
    const after = columnsOf(compiled, chain, catalogOf('id', 'email', 'work_email'))
    expect(before.map(({ number }) => number)).toEqual([2])
    expect(after.map(({ name }) => name)).toEqual(['public.customers.email', 'public.customers.work_email'])
  })

  it('denies everything on its targets while the label is not defined', () => {
    expect(book([]).broken).toMatchObject([{ policy: 'privacy', reason: 'label "pii.email" is not defined' }])
  })
})
