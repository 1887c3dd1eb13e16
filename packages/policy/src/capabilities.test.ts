// What documents need of an agent that is of this release.
import { expect, test } from 'vitest'
import { capabilitiesNeeded } from './capabilities.ts'
import { McpServer } from './mcp-target.ts'

const sql = [{ tool: 'run_sql', argument: 'sql', target: 'shop' }]

test.each([
  ['a server of MCP whose arguments are judged as SQL', { mcp: McpServer.parse({ sql }) }, ['mcp-sql']],
  ['a server of MCP without', { mcp: McpServer.parse({}) }, []],
  ['an API that takes WebSockets', { webSocket: { origins: [] } }, ['websocket']],
])('%s', (_, spec, needed) => {
  expect(capabilitiesNeeded({ kind: 'Target', spec })).toEqual(needed)
})
