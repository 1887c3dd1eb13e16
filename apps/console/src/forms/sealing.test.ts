// Where a credential is shown and which version comes next, by the target's document.
import { expect, it } from 'vitest'
import { targetOf } from './documents.ts'
import { nextVersion, shownAt } from './sealing.ts'

const view = (spec: object) => {
  const made = targetOf({ metadata: { name: 'orders' }, spec })
  if (made === null) throw new Error('it cannot be read')
  return made
}
const sealed = (version: unknown) => ({ name: `r${version}`, password: { sealed: { version, agents: {} } } })

it.each([
  ['a database', { host: 'db.internal', port: 6000 }, 'db.internal:6000'],
  ['a database at its usual port', { host: 'db.internal' }, 'db.internal:5432'],
  ['an API', { protocol: 'http', url: 'https://api.example.com/v1' }, 'https://api.example.com/v1'],
])('%s', (_, spec, address) => {
  expect(shownAt(view(spec))).toBe(address)
})

it.each([
  ['no sealed one', [{ name: 'a', password: { env: 'A' } }], 1],
  ['none at all', undefined, 1],
  ['several', [sealed(2), sealed(7), { name: 'a', password: { env: 'A' } }], 8],
  ['one that cannot be read', [sealed('x')], 1],
])('the next version after %s', (_, roles, version) => {
  expect(nextVersion(view({ roles }))).toBe(version)
})
