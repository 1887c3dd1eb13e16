// What a save may replace: exactly what the person has looked at.
import type { ApplyResult } from '@sallyport/api/resources'
import { expect, it } from 'vitest'
import { expectedOf } from './expected.ts'

type Change = ApplyResult['changes'][number]
const change = (kind: string, name: string, what: Change['change'], version: number): Change => ({
  kind,
  name,
  change: what,
  version,
})

it.each<[string, Change, { name: string; version: number } | null, number]>([
  ['the version that the draft began from', change('Policy', 'shop', 'updated', 4), { name: 'shop', version: 3 }, 3],
  ['that one even if somebody saved since', change('Policy', 'shop', 'updated', 6), { name: 'shop', version: 3 }, 3],
  ['nothing, for a new policy', change('Policy', 'shop', 'updated', 4), null, 0],
  ['nothing, for a document that is created', change('Group', 'dba', 'created', 1), null, 0],
  ['nothing, for a name that comes back', change('Policy', 'old', 'created', 9), { name: 'shop', version: 3 }, 0],
  ['what the dialog says is replaced', change('Target', 'shop', 'updated', 5), { name: 'shop', version: 3 }, 4],
  ['what stays as it is', change('Group', 'dba', 'unchanged', 2), { name: 'shop', version: 3 }, 2],
])('expects %s', (_what, one, edited, version) => {
  expect(expectedOf({ changes: [one] }, edited)).toEqual([{ kind: one.kind, name: one.name, version }])
})

it('leaves a kind that it does not know to the control plane', () => {
  expect(expectedOf({ changes: [change('Budget', 'x', 'created', 1)] }, null)).toEqual([])
})
