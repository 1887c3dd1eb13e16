// What passes in header fields, and what never does.
import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../protocol-error.ts'
import { checkedField, fieldsMax, fieldsOf, requestFields, responseFields } from './fields.ts'

const names = (fields: readonly (readonly [string, string])[]) => fields.map(([name]) => name)

describe('fields of a request', () => {
  it('pass when nothing steers by them', () => {
    const raw = ['Accept', 'application/json', 'X-Trace', '7', 'traceparent', '00-a', 'Content-Type', 'text/plain']
    expect(names(requestFields(fieldsOf(raw)))).toEqual(['accept', 'x-trace', 'traceparent', 'content-type'])
  })
  it.each([
    'Host',
    'Connection',
    'Keep-Alive',
    'Proxy-Authorization',
    'TE',
    'Transfer-Encoding',
    'Upgrade',
    'Expect',
    'Authorization',
    'Sallyport-Authorization',
    'Cookie',
    'Forwarded',
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'X-Forwarded-Anything',
    'X_Forwarded_For',
    'X-Real-IP',
    'Via',
    'X-Original-URL',
    'X-Rewrite-URL',
    'X-HTTP-Method-Override',
    'X-Method-Override',
    'Range',
    'Accept-Encoding',
  ])('%s ends at the gateway', (name) => {
    expect(requestFields(fieldsOf([name, 'x']))).toEqual([])
  })
  it('what Connection lists ends here, and cannot take away what the gateway sets (R-4.2)', () => {
    const fields = fieldsOf(['Connection', 'close, X-Policy, authorization', 'X-Policy', 'a', 'Accept', '*/*'])
    expect(names(requestFields(fields))).toEqual(['accept'])
  })
  it('a kept one passes', () => {
    expect(names(requestFields(fieldsOf(['Cookie', 'a=b']), new Set(['cookie'])))).toEqual(['cookie'])
  })
  it.each([
    ['two hosts', ['Host', 'a', 'host', 'b']],
    ['two lengths', ['Content-Length', '1', 'Content-Length', '1']],
    ['two authorizations', ['Authorization', 'a', 'Authorization', 'b']],
    ['a control character', ['X', 'a\u0001b']],
    ['a line feed', ['X', 'a\nb: c']],
    ['a byte above ASCII', ['X', '\u00e9']],
    ['a name with a space', ['X ', 'a']],
    ['too many', Array.from({ length: (fieldsMax + 1) * 2 }, () => 'x')],
  ])('%s are refused', (_, raw) => {
    expect(() => fieldsOf(raw)).toThrow(ProtocolError)
  })
})

describe('fields of an answer', () => {
  it.each([
    'Set-Cookie',
    'WWW-Authenticate',
    'Alt-Svc',
    'Strict-Transport-Security',
    'Location',
    'Refresh',
    'Connection',
    'Transfer-Encoding',
    'Upgrade',
    'Trailer',
    'X-Accel-Redirect',
  ])('%s does not reach the caller', (name) => {
    expect(responseFields(fieldsOf([name, 'x']))).toEqual([])
  })
  it('others do', () => {
    expect(names(responseFields(fieldsOf(['Content-Type', 'a/b', 'ETag', '"1"'])))).toEqual(['content-type', 'etag'])
  })
})

describe('a field that the gateway sets', () => {
  it('is never split (R-4.6)', () => {
    expect(() => checkedField('authorization', 'Bearer a\r\nx: y')).toThrow(ProtocolError)
    expect(() => checkedField('a b', 'c')).toThrow(ProtocolError)
    expect(checkedField('authorization', 'Bearer a')).toEqual(['authorization', 'Bearer a'])
  })
})
