// Nobody is sent to another site by a link to the sign-in page.
import { describe, expect, it } from 'vitest'
import { localPath } from './local-path.ts'

describe('where to go after signing in', () => {
  it.each(['/', '/approvals/apr_1', '/sessions?q=verb%3Adelete', '/policies/orders?tab=read#x'])('keeps %s', (path) => {
    expect(localPath(path)).toBe(path)
  })
  it.each([
    '//evil.test',
    '/\\evil.test',
    '\\\\evil.test',
    'https://evil.test',
    'javascript:alert(1)',
    '/\t/evil.test',
    '/\n/evil.test',
    '/a\\b',
    '/.//evil.test',
    '/a/%2e%2e//evil.test',
    '',
    '/sign-in?return=/sign-in',
  ])('goes home instead of to %j', (path) => {
    expect(localPath(path)).toBe('/')
  })
})
