// Which columns a constraint's answer is about, by the DETAIL of the target in whatever language.
import { expect, it } from 'vitest'
import { keyOf } from './collisions.ts'

it.each([
  ['Key (email)=(ann@example.com) already exists.', ['email']],
  ['Key (tenant, mail_2)=(1, x) is not present in table "people".', ['tenant', 'mail_2']],
  ['Schlüssel »(email)=(x)« existiert bereits.', ['email']],
  ['Key (during)=([1,2)) conflicts with existing key (during)=([1,3)).', ['during']],
  // Where it is not told plainly every column counts.
  ['Key (lower(email))=(x) already exists.', null],
  ['Key ("Mail")=(x) already exists.', null],
  ['Key (id)=(a)=(b), "x"', ['id']],
  ['', null],
])('%j: %j', (detail, columns) => {
  expect(keyOf(detail)).toEqual(columns)
})
