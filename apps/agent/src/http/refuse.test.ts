// Refusals as callers of HTTP and of MCP get them: for every code a document that says the next step, and the address of a page that has
// a place of that name.
import { readFileSync } from 'node:fs'
import { errorCodes, SallyportError, type SallyportErrorCode, surfacesOf } from '@sallyport/base/errors'
import { describe, expect, it } from 'vitest'
import { refusalMessage } from '../mcp/refuse.ts'
import { refusalOf } from './refuse.ts'

const page = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8')
/** As GitHub and what makes sites of Markdown name the places of a page: letters in lower case, blanks as dashes, signs left out. */
const places = new Set(
  [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_\- ]/gu, '')
      .replaceAll(' ', '-'),
  ),
)
const codes = Object.keys(errorCodes) as SallyportErrorCode[]
const url = `https://console.test/approvals/${'a1'.repeat(16)}`

/** The place that the address of a refusal names. */
function placeOf(type: unknown): string {
  const parsed = new URL(String(type))
  expect(parsed.pathname).toBe('/docs/errors')
  return parsed.hash.slice(1)
}

describe.each(codes)('%s', (code) => {
  const error = new SallyportError(code, 'what happened', { hint: `what to do: ${url}` })
  it('is a problem document with the page that explains it', () => {
    const { status, fields, body } = refusalOf(error, 's/1')
    const problem = JSON.parse(body.toString())
    expect(problem).toMatchObject({ status, code, detail: 'what happened', requestId: 's/1' })
    expect(status).toBe(surfacesOf(code).http)
    expect(Object.fromEntries(fields)).toMatchObject({
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
    })
    expect(places).toContain(placeOf(problem.type))
    expect(problem.approvalUrl).toBe(code.startsWith('HOLD_') ? url : undefined)
  })
  it('is an error of JSON-RPC with the same page', () => {
    const data = refusalMessage(error, 1n, 's/1').error?.data
    if (!(data instanceof Map)) throw new Error('no data')
    expect(data.get('code')).toBe(code)
    expect(places).toContain(placeOf(data.get('type')))
    expect(data.get('approvalUrl')).toBe(code.startsWith('HOLD_') ? url : undefined)
  })
})
