// A search_path that was told before, under the catalog of now.
import { expect, test } from 'vitest'
import { testCatalog } from '../../test/small-catalog.ts'
import { noNames } from './analysis.ts'
import { pathFits } from './path-fits.ts'

const fits = (
  searchPath: readonly string[],
  pathNames: readonly string[],
  schemas: readonly { readonly name: string; readonly usable?: boolean }[],
): boolean =>
  pathFits(
    { ...noNames, searchPath, pathNames },
    { ...testCatalog(), schemas: schemas.map((schema) => ({ ...schema, writable: false })) },
  )
const [app, hidden, shared] = [{ name: 'app' }, { name: 'app', usable: false }, { name: 'public' }]

test('a schema that has come, gone, or been opened or closed', () => {
  expect(fits(['public'], ['app', 'public'], [shared])).toBe(true)
  expect(fits(['public'], ['app', 'public'], [app, shared])).toBe(false)
  expect(fits(['app', 'public'], ['app', 'public'], [app, shared])).toBe(true)
  expect(fits(['app', 'public'], ['app', 'public'], [shared])).toBe(false)
  expect(fits(['public'], ['app', 'public'], [hidden, shared])).toBe(true)
  expect(fits(['app', 'public'], ['app', 'public'], [hidden, shared])).toBe(false)
})

test('those of the system and of the session are always there', () => {
  expect(
    fits(['pg_temp', 'information_schema', 'public'], ['pg_catalog', 'information_schema', 'public'], [shared]),
  ).toBe(true)
})

test('a path that nobody asked the target for is taken as it is', () => {
  expect(pathFits({ ...noNames, searchPath: ['nowhere'] }, testCatalog())).toBe(true)
})
