// What stands in the digest of a held statement besides its text: what its session began with.
import { expect, it } from 'vitest'
import { settingsRead } from './parameters.ts'

it('a session begins with the settings that texts may read, those of the connection string among them', () => {
  const parameters = new Map([
    ['DateStyle', 'ISO, MDY'],
    ['TimeZone', 'UTC'],
    ['application_name', 'orders'],
    ['server_version', '18.4'],
  ])
  const judged = new Map([
    ['statement_timeout', '5s'],
    ['search_path', 'hr'],
    ['app.tenant', '7'],
  ])
  expect(settingsRead({ parameters }, judged)).toEqual([
    ['DateStyle', 'ISO, MDY'],
    ['TimeZone', 'UTC'],
    ['app.tenant', '7'],
  ])
})
