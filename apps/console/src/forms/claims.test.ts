// What a token must say, in words.
import { expect, it } from 'vitest'
import { claimTexts } from './claims.ts'

it('each required claim is a line, of several values one is enough', () => {
  expect(claimTexts({})).toEqual([])
  expect(claimTexts({ repository: 'acme/shop', ref_protected: true, ref: ['main', 'release'] })).toEqual([
    'repository = acme/shop',
    'ref_protected = true',
    'ref = main or release',
  ])
})
