// Which path is a page, which a file, and which is nothing: an attack is never a file.
import { expect, test } from 'vitest'
import { acceptsPage, askedFor, forever, noCache } from './rules.ts'

const page = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

test.each([
  '/',
  '/approvals',
  '/approvals/0123',
  '/sessions/a/',
  '/sign-in',
  '/index.html',
  '/policies/a%20b',
  '/apis',
])('the browser that goes to %s gets the page', (path) => {
  expect(askedFor(path, page)).toEqual({ kind: 'page' })
  expect(askedFor(path, 'application/json')).toEqual({ kind: 'nothing' })
  expect(askedFor(path, undefined)).toEqual({ kind: 'nothing' })
})

test.each(['/api', '/api/v1/nothing', '/API/v1/x', '/auth/other', '/.well-known/x', '/healthz/x', '/readyz'])(
  '%s is never a page',
  (path) => {
    expect(askedFor(path, page)).toEqual({ kind: 'nothing' })
  },
)

test.each([
  ['/assets/index-DkQ9owgC.js', forever],
  ['/icon.svg', noCache],
  ['/theme.js', noCache],
])('%s is a file with its own life in caches', (path, cacheControl) => {
  expect(askedFor(path, page)).toEqual({ kind: 'file', path, cacheControl })
})

test.each([
  '/../package.json',
  '/assets/../../package.json',
  '/%2e%2e/package.json',
  '/assets/%2e%2e%2fpackage.json',
  '/assets\\..\\package.json',
  '//etc/passwd.txt',
  '/.env.json',
  '/assets/.hidden.js',
  '/a%00.js',
  '/assets/..index.js',
])('%s is no file (THREATS R-4.5)', (path) => {
  expect(askedFor(path, page)).toEqual({ kind: 'nothing' })
})

test('only who names text/html asks for a page', () => {
  expect(acceptsPage('application/json, text/html;q=0.5')).toBe(true)
  expect(acceptsPage('*/*')).toBe(false)
  expect(acceptsPage('text/htmlx')).toBe(false)
})
