// What was seen first outlives the agent, and a file that says something else stops it (THREATS ).
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@sallyport/base/clock'
import { limits } from '@sallyport/base/limits'
import { isHttpTarget } from '@sallyport/policy/document'
import { McpServer } from '@sallyport/policy/mcp-target'
import { documentsOf } from '@sallyport/policy/testing'
import type { JsonValue } from '@sallyport/wire/http/json'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { definitionDigest } from './definition.ts'
import { openPinBook, type PinnedServer, pinsIn } from './pins.ts'
import type { QuarantineNews } from './quarantine.ts'

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
let told: QuarantineNews[] = []
let logged: string[] = []
const open = () => {
  told = []
  logged = []
  return pinsIn(
    openPinBook({
      path: join(directory, 'mcp-pins.json'),
      approvedDirectory: join(directory, 'mcp-definitions'),
      clock: systemClock,
      onQuarantine: (_target, tool, digest) => logged.push(`${tool} ${digest}`),
      onChange: (news) => told.push(news),
    }),
  )
}
const where = serverAt('https://tools.example/mcp')

it('keeps what it saw first over a new start', () => {
  expect(open().isApproved(where, tool('search', 'one'))).toBe(true)
  const again = open()
  expect(again.isApproved(where, tool('search', 'two'))).toBe(false)
  expect(again.refusal(where, 'search')?.code).toBe('TOOL_QUARANTINED')
  expect(again.isApproved(where, tool('search', 'one'))).toBe(true)
  expect(again.refusal(where, 'search')).toBeNull()
})

it('keeps prompts and templates apart from tools of the same name, each by the list that it stands in', () => {
  const pins = open()
  const template = new Map<string, JsonValue>([['uriTemplate', 'shop://days/{day}']])
  expect(pins.isApproved(where, tool('greet', 'a tool'))).toBe(true)
  expect(pins.isApproved(where, tool('greet', 'a prompt'), 'prompt')).toBe(true)
  expect(pins.isApproved(where, template, 'template')).toBe(true)
  expect(pins.isApproved(where, tool('prompt:greet', 'a tool'))).toBe(false)
  pins.listed(where, new Set(['greet']), 'prompt')
  expect([pins.isFresh(where), pins.isFresh(where, 'prompt')]).toEqual([false, true])
  expect(pins.isApproved(where, tool('greet', 'another prompt'), 'prompt')).toBe(false)
  expect(pins.refusal(where, 'greet', 'prompt')?.message).toContain('prompt "greet" of "tools" is not what it was')
  expect(pins.refusal(where, 'greet')).toBeNull()
  expect(told.at(-1)?.tools.map((one) => one.tool)).toEqual(['prompt:greet'])
  // A list of tools says nothing of prompts.
  pins.listed(where, new Set([]))
  expect(told.at(-1)?.tools.map((one) => one.tool)).toEqual(['prompt:greet'])
  expect(pins.refusal(where, 'greet')?.message).toContain('lists no tool "greet"')
  pins.changed(where, 'prompt')
  expect(pins.isFresh(where, 'prompt')).toBe(false)
  const changed = new Map(template).set('description', 'Read this first.')
  for (let look = 0; look < 2; look += 1) expect(pins.isApproved(where, changed, 'template')).toBe(false)
  expect(logged.slice(1)).toEqual([`template:shop://days/{day} ${definitionDigest(changed)}`])
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

const said = (name: string, description: string): string => JSON.stringify({ description, name })

it('tells what a tool said when it was approved and what it says now, over a new start, until it is approved', () => {
  open().isApproved(where, tool('search', 'one'))
  const pins = open()
  pins.isApproved(where, tool('search', 'two'))
  pins.isApproved(where, tool('search', 'two'))
  expect(told).toEqual([
    {
      target: 'tools',
      more: 0,
      tools: [
        {
          tool: 'search',
          digest: definitionDigest(tool('search', 'two')),
          approved: definitionDigest(tool('search', 'one')),
          definition: said('search', 'two'),
          approvedDefinition: said('search', 'one'),
        },
      ],
    },
  ])
  const two = definitionDigest(tool('search', 'two'))
  pins.isApproved({ ...where, server: McpServer.parse({ pins: { search: two } }) }, tool('search', 'two'))
  expect(told.at(-1)?.tools).toEqual([])
})

it('tells of a bounded number of tools, by their names that can be, and of no long definition (R-4.15)', () => {
  const pins = open()
  const listed = { ...where, server: McpServer.parse({ pinning: 'listed' }) }
  const long = 'x'.repeat(limits.mcpDefinitionCharsMax)
  for (let at = 0; at <= limits.mcpQuarantinedPerTargetMax; at += 1) pins.isApproved(listed, tool(`tool-${at}`, long))
  pins.isApproved(listed, tool('<b>search</b>', 'one'))
  const { tools = [], more } = told.at(-1) ?? {}
  expect(tools).toHaveLength(limits.mcpQuarantinedPerTargetMax)
  expect(more).toBe(1)
  expect(tools[0]).toMatchObject({ tool: 'tool-0', definition: null, approved: null, approvedDefinition: null })
  pins.listed(listed, new Set(['tool-1']))
  expect(told.at(-1)).toMatchObject({ tools: [{ tool: 'tool-1' }], more: 0 })
})

it('shows nothing as approved that has not the digest of it', () => {
  open().isApproved(where, tool('search', 'one'))
  const folder = join(directory, 'mcp-definitions')
  for (const name of readdirSync(folder)) writeFileSync(join(folder, name), said('search', 'harmless'), { mode: 0o600 })
  open().isApproved(where, tool('search', 'two'))
  expect(told.at(-1)?.tools[0]?.approvedDefinition).toBeNull()
})
