// sallyport mcp: the caller's targets as tools of an MCP server on stdin and stdout, so that an LLM works through the gateway with the
// caller's own login and without any credential. stdout carries the protocol and nothing else.
import type { AddCommand } from './app.ts'
import { addQuarantine } from './quarantine.ts'

export const addMcp: AddCommand = (parent, app) => {
  const mcp = parent.command('mcp')
  addQuarantine(mcp, app)
  mcp
    .description('serve your targets as tools to an LLM client (MCP on stdin and stdout)')
    .option('--target <names...>', 'only these targets')
    .addHelpText('after', '\nExample, for a client that reads mcp.json:\n  { "command": "sallyport", "args": ["mcp"] }')
    .action((options: { target?: string[] }) =>
      app.run(async (session) => {
        // Loaded when it is needed: no other command waits for it.
        const { serveMcp } = await import('./mcp-server.ts')
        await serveMcp(session, options.target ?? null)
      }),
    )
}
