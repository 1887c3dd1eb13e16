// Secrets never print, ids reject what they are not, every code has one answer on each surface.
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { asSallyportError, errorCodes, SallyportError } from './errors.ts'
import { agentId, targetName } from './ids.ts'
import { Secret } from './secret.ts'

test('a secret prints as [secret] in every way that turns it into text', () => {
  const secret = new Secret('hunter2')
  const shown = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect(secret),
    inspect({ a: [secret] }),
    `<${secret}>`,
  ]
  for (const text of shown) {
    expect(text).toContain('[secret]')
    expect(text).not.toContain('hunter2')
  }
  expect(Object.keys(secret)).toEqual([])
  expect(secret.reveal()).toBe('hunter2')
})

test.each(['Shop', 'shop_1', '', '-shop', `a${'b'.repeat(63)}`, 'a b'])('%j is no target name', (text) => {
  expect(() => targetName(text)).toThrow(TypeError)
})

test('ids are 32 lowercase hex digits', () => {
  expect(agentId('0123456789abcdef0123456789abcdef')).toBe('0123456789abcdef0123456789abcdef')
  expect(() => agentId('0123456789ABCDEF0123456789abcdef')).toThrow(TypeError)
})

test('each SQLSTATE has five characters and each HTTP status is an error', () => {
  for (const [code, surfaces] of Object.entries(errorCodes)) {
    expect(surfaces.sqlstate, code).toMatch(/^[0-9A-Z]{5}$/)
    expect(surfaces.http, code).toBeGreaterThanOrEqual(400)
    expect(surfaces.exit, code).toBeGreaterThan(0)
  }
})

test('an unknown error becomes INTERNAL and keeps its cause out of the message', () => {
  const error = asSallyportError(new Error('password is hunter2'))
  expect(error.code).toBe('INTERNAL')
  expect(error.message).not.toContain('hunter2')
  expect(asSallyportError(new SallyportError('NOT_FOUND', 'x')).code).toBe('NOT_FOUND')
})
