// A resource has one spelling (THREATS ).
import { expect, it } from 'vitest'
import { ProtocolError } from '../protocol-error.ts'
import { checkUri } from './uri.ts'

it.each([
  'file:///reports/2026.txt',
  'shop://orders/7',
  'https://docs.example/a/b?c=d#e',
  'shop://orders/{id}',
  'note:a%20b',
  'git+ssh://host/path/',
])('%s passes as it is', (uri) => {
  expect(checkUri(uri)).toBe(uri)
})

it.each([
  'FILE:///reports',
  'file:///reports/../secrets',
  'file:///reports/./a',
  'file:///reports/%2e%2e/secrets',
  'file:///reports%2Fsecrets',
  'file:///reports/%61',
  'file:///reports/%c3%A4',
  'file:///reports/%',
  'file:///reports/%zz',
  'file:///a//b',
  'file:///a\\b',
  'file:///a b',
  'file:///ä',
  'file:///a%00',
  'file:///a%252e',
  'https://user@host/a',
  '../secrets',
  '',
  `file:///${'a'.repeat(3_000)}`,
])('%s is refused (R-4.16)', (uri) => {
  expect(() => checkUri(uri)).toThrow(ProtocolError)
})
