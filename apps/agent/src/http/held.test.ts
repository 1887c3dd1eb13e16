// How a held request is shown and what it is bound to (THREATS ).

import { Secret } from '@sallyport/base/secret'
import { describe, expect, it } from 'vitest'
import { tracedFields } from '../session/tracing.ts'
import { requestSpans, shownRequest, waitMsOf } from './held.ts'
import type { RequestHead } from './request.ts'

const head = (fields: RequestHead['fields'], more: Partial<RequestHead> = {}): RequestHead => ({
  method: 'POST',
  target: 'crm',
  path: '/v1/a b',
  segments: ['v1', 'a b'],
  query: [['q', 'x y']],
  fields,
  tracing: tracedFields([], (bytes) => new Uint8Array(bytes)).tracing,
  token: new Secret('token-token'),
  initiator: null,
  isTokenApart: false,
  hasBody: true,
  contentLength: null,
  ...more,
})
const json = [['content-type', 'application/json']] as const
const shown = (fields: RequestHead['fields'], body: string | Buffer) =>
  shownRequest(head(fields), fields, Buffer.from(body))

describe('a held request', () => {
  it('is shown as it goes on, with its body', () => {
    expect(shown([...json, ['user-agent', 'x'], ['traceparent', '00']], '{"a":1}')).toMatchObject({
      text: 'POST /v1/a%20b?q=x%20y\ncontent-type: application/json\n\n{"a":1}',
      settings: [expect.stringMatching(/^body=sha256:[0-9a-f]{64}$/), 'body-bytes=7'],
    })
  })
  it('without a body is its head alone', () => {
    expect(shown(json, '')?.text).toBe('POST /v1/a%20b?q=x%20y\ncontent-type: application/json')
  })
  it.each([
    ['another charset', [['content-type', 'application/json; charset=utf-16']], '{"a":1}'],
    ['a coding', [...json, ['content-encoding', 'gzip']], '{"a":1}'],
    ['no type', [], 'x'],
    ['no UTF-8', json, Buffer.from([0xff])],
    ['NUL', json, 'a\0'],
  ] as const)('with a body that people cannot read (%s) shows its digest', (_, fields, body) => {
    expect(shown(fields, Buffer.from(body))?.text).toMatch(/‹\d bytes that are no text, SHA-256 [0-9a-f]{64}›$|‹\d/)
  })
  it('is longer than a reviewer is shown, one byte past it', () => {
    expect(shown(json, 'x'.repeat(131_072))).not.toBeNull()
    expect(shown(json, 'x'.repeat(131_073))).toBeNull()
  })
  it.each(['cookie', 'authorization', 'x-api-key', 'x-auth-token', 'x-signature'])('shows %s as a digest', (name) => {
    const { text = '' } = shown([[name, 'abcdef']], '') ?? {}
    expect(text).toMatch(/‹6 characters, SHA-256 [0-9a-f]{64}›/)
    expect(text).not.toContain('abcdef')
  })
  it('has colours for method, names, strings, numbers and words', () => {
    const text = 'POST /v1\nx-a: 1\n\n{"a\\"b": [1.5, true, "c"]}'
    expect(requestSpans(text).map(({ start, end, kind }) => [text.slice(start, end), kind])).toEqual([
      ['POST', 'keyword'],
      ['x-a', 'name'],
      ['"a\\"b"', 'string'],
      ['1.5', 'number'],
      ['true', 'keyword'],
      ['"c"', 'string'],
    ])
  })
})

it.each([
  ['wait=5', 5_000],
  ['respond-async, WAIT = 10', 10_000],
  ['wait="3"; x=1', 3_000],
  ['wait=-1', 0],
  ['waiting=4', 0],
  ['', 0],
])('Prefer: %s waits %i ms', (prefer, ms) => {
  expect(waitMsOf([['prefer', prefer]])).toBe(ms)
})
