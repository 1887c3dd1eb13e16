// One meaning for each path and query, and a refusal for whatever another server could read in a second way.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../protocol-error.ts'
import { parseRequestTarget, queryText } from './request-target.ts'

describe('a request-target', () => {
  it.each([
    ['/', '/', ''],
    ['/v1/orders', '/v1/orders', ''],
    ['/v1/orders/', '/v1/orders/', ''],
    ['/%76%31', '/v1', ''],
    ['/caf%c3%a9', '/caf%C3%A9', ''],
    ['/a:b@c', '/a:b@c', ''],
    ['/a%20b', '/a%20b', ''],
    ['/v1?a=1&b=2', '/v1', 'a=1&b=2'],
    ['/v1?a=1+2&a=%2B', '/v1', 'a=1%202&a=%2B'],
    ['/v1?a', '/v1', 'a='],
    ['/v1?', '/v1', ''],
    ['/v1?a%5B0%5D=1&a%5B1%5D=2', '/v1', 'a%5B0%5D=1&a%5B1%5D=2'],
    ['/v1?q=../../etc', '/v1', 'q=..%2F..%2Fetc'],
  ])('%s is sent as %s with %s', (text, path, search) => {
    expect(parseRequestTarget(text)).toMatchObject({ path, search })
  })

  it.each([
    ['encoded slash', '/a%2fb'],
    ['encoded backslash', '/a%5cb'],
    ['backslash', '/a\\b'],
    ['dot segment', '/a/./b'],
    ['two dots', '/a/../b'],
    ['encoded dots', '/a/%2e%2e/b'],
    ['half encoded dots', '/a/.%2e/b'],
    ['dots at the end', '/a/..'],
    ['empty segment', '//a'],
    ['empty segment inside', '/a//b'],
    ['path parameter', '/admin;x=1'],
    ['encoded path parameter', '/admin%3bx'],
    ['encoded twice', '/%2561dmin'],
    ['encoded twice, dots', '/a/%252e%252e/b'],
    ['NUL', '/a%00'],
    ['line feed', '/a%0ab'],
    ['C1 control', '/a%c2%85'],
    ['overlong slash', '/a%c0%afb'],
    ['a surrogate', '/a%ed%a0%80'],
    ['a lone percent', '/100%'],
    ['bad hex', '/%zz'],
    ['trailing dot', '/admin.'],
    ['trailing space', '/admin%20'],
    ['absolute form', 'http://other/a'],
    ['authority form', 'other:443'],
    ['asterisk form', '*'],
    ['a fragment', '/a#b'],
    ['a space', '/a b'],
    ['a byte above ASCII', '/caf\u00e9'],
    ['nothing', ''],
    ['NUL in the query', '/a?b=%00'],
    ['bad hex in the query', '/a?b=%'],
    ['a method override', '/a?_method=DELETE'],
    ['a method override in capitals', '/a?_METHOD=DELETE'],
    ['one name in two cases', '/a?region=eu&REGION=us'],
    ['one name with a space', '/a?region=eu&%20region=us'],
    ['one name with a dot', '/a?a_b=1&a.b=2'],
    ['a name with and without brackets', '/a?a=1&a[]=2'.replace('[]', '%5B%5D')],
    ['too long', `/${'a'.repeat(9_000)}`],
    ['too many segments', '/a'.repeat(300)],
    ['too many pairs', `/?${'a&'.repeat(600)}`],
  ])('%s is refused', (_, text) => {
    expect(() => parseRequestTarget(text)).toThrow(ProtocolError)
  })

  it('any text gives one canonical form or ProtocolError, and the form is its own', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.webPath().map((path) => `/${path}`),
          fc.string(),
          fc.webUrl().map((url) => new URL(url).pathname),
        ),
        (text) => {
          try {
            const { path, search, query } = parseRequestTarget(text)
            const again = parseRequestTarget(search === '' ? path : `${path}?${search}`)
            expect(again).toMatchObject({ path, search, query })
            expect(queryText(query)).toBe(search)
          } catch (thrown) {
            if (!(thrown instanceof ProtocolError)) throw thrown
          }
        },
      ),
    )
  })
})
