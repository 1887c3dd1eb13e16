// Where `sallyport mcp` sends people.
import { expect, it } from 'vitest'
import { approvalUrl } from './mcp-tools.ts'

it.each([
  ['https://sallyport.example/approvals/6f0c-1', 'https://sallyport.example/approvals/6f0c-1'],
  ['held; https://sallyport.example/approvals/6f0c, expires', 'https://sallyport.example/approvals/6f0c'],
  ['https://evil.example/approvals/6f0c', 'https://sallyport.example/approvals/6f0c'],
  ['https://evil.example/?next=/approvals/..%2f..', 'https://sallyport.example/approvals'],
  [`https://evil.example/approvals/${'a'.repeat(65)}`, 'https://sallyport.example/approvals'],
  ['nothing', 'https://sallyport.example/approvals'],
])('of what a target says: %s', (text, url) => {
  expect(approvalUrl('https://sallyport.example', text)).toBe(url)
})
