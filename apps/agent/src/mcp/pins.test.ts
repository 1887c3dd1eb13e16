// What was seen first outlives the agent, and a file that says something else stops it (THREATS ).
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@sallyport/base/clock'
import { isHttpTarget } from '@sallyport/policy/document'
import { McpServer } from '@sallyport/policy/mcp-target'
import { documentsOf } from '@sallyport/policy/testing'
import type { JsonValue } from '@sallyport/wire/http/json'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { definitionDigest, openPins, type PinnedServer } from './pins.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-pins-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function serverAt(url: string, mcp: object = {}): PinnedServer {
  const [document] = documentsOf(`
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: tools }
spec: { protocol: http, agents: [edge], url: "${url}", credential: none, mcp: {} }`)
  if (document?.kind !== 'Target' || !isHttpTarget(document)) throw new Error('no target')
  return { document, server: McpServer.parse(mcp) }
}
const tool = (name: string, description: string): ReadonlyMap<string, JsonValue> =>
  new Map<string, JsonValue>([
    ['name', name],
    ['description', description],
  ])
const open = () => openPins(join(directory, 'mcp-pins.json'), systemClock, () => {})
const where = serverAt('https://tools.example/mcp')

it('keeps what it saw first over a new start', () => {
  expect(open().isApproved(where, tool('search', 'one'))).toBe(true)
  const again = open()
  expect(again.isApproved(where, tool('search', 'two'))).toBe(false)
  expect(again.refusal(where, 'search')?.code).toBe('TOOL_QUARANTINED')
  expect(again.isApproved(where, tool('search', 'one'))).toBe(true)
  expect(again.refusal(where, 'search')).toBeNull()
})

it('takes another address for another server', () => {
  const pins = open()
  pins.isApproved(where, tool('search', 'one'))
  expect(pins.isApproved(serverAt('https://other.example/mcp'), tool('search', 'two'))).toBe(true)
})

it('goes by the document alone where that says so', () => {
  const two = tool('search', 'two')
  const listed = { ...where, server: McpServer.parse({ pinning: 'listed', pins: { search: definitionDigest(two) } }) }
  const pins = open()
  expect(pins.isApproved(listed, tool('search', 'one'))).toBe(false)
  expect(pins.isApproved(listed, two)).toBe(true)
  expect(pins.isApproved(listed, tool('other', 'one'))).toBe(false)
})

it('reads a definition in whatever order its members have', () => {
  const one = tool('search', 'one')
  expect(definitionDigest(new Map([...one].reverse()))).toBe(definitionDigest(one))
  expect(definitionDigest(new Map([...one, ['_meta', new Map()]]))).toBe(definitionDigest(one))
  expect(definitionDigest(new Map([...one, ['inputSchema', new Map()]]))).not.toBe(definitionDigest(one))
})

it('does not begin anew over a file that it cannot read', () => {
  writeFileSync(join(directory, 'mcp-pins.json'), '{"tools', { mode: 0o600 })
  expect(open).toThrow(/holds no definitions/)
})
