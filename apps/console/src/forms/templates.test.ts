// What people begin with is sound.
import { parseDocuments } from '@sallyport/policy/parse'
import { expect, it } from 'vitest'
import { policyTemplates, targetTemplate } from './templates.ts'

it.each(policyTemplates)('template "$name" is a sound policy', ({ make }) => {
  const { documents, problems } = parseDocuments(make({ group: 'engineering', reviewers: 'dba', target: 'orders' }))
  expect(problems).toEqual([])
  expect(documents.map((document) => document.kind)).toEqual(['Policy'])
})

it('the first target is a sound document', () => {
  expect(parseDocuments(targetTemplate).problems).toEqual([])
})
