// Connections are counted by caller.
import { expect, test } from 'vitest'
import { createCallers } from './callers.ts'

const ann = { issuer: 'https://idp.test', subject: 'ann' }

test('one caller has as many connections as one may, whatever the others have', () => {
  const callers = createCallers(2)
  const leave = callers.enter(ann)
  callers.enter({ ...ann })
  expect(() => callers.enter(ann)).toThrow(expect.objectContaining({ code: 'CONNECTION_LIMIT' }))
  callers.enter({ ...ann, subject: 'bob' })
  callers.enter({ ...ann, issuer: 'https://other.test' })
  leave()
  leave()
  callers.enter(ann)
  expect(() => callers.enter(ann)).toThrow(expect.objectContaining({ code: 'CONNECTION_LIMIT' }))
})

test('issuer and subject are no text that one could write in two ways', () => {
  const callers = createCallers(1)
  callers.enter({ issuer: 'a', subject: 'b c' })
  callers.enter({ issuer: 'a b', subject: 'c' })
})
