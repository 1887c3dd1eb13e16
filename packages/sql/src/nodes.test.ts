// The table of node types against the pinned parser itself: its WebAssembly holds the name of every node that it can print.
// A version that brings a new one fails here, before anything of it can pass unread.
// THREATS.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeRoles } from './nodes.ts'
import { isStatementKnown } from './statements.ts'

/** Messages of the protobuf schema that are no nodes: answers of the library's other functions, and its two envelopes. */
const envelopes = new Set('ParseResult ScanResult ScanToken SummaryResult Table Function FilterColumn'.split(' '))

/** `"SelectStmt":{` is how the parser begins a node; PL/pgSQL has a tree of its own that nothing here asks for. */
function nodesOfParser(): Set<string> {
  const entry = createRequire(import.meta.url).resolve('libpg-query')
  const binary = readFileSync(join(dirname(entry), 'libpg-query.wasm'), 'latin1')
  const names = [...binary.matchAll(/"([A-Z]\w*)":\{/g)].map((match) => match[1] ?? '')
  return new Set(names.filter((name) => !name.startsWith('PLpgSQL_')))
}

describe('node types of the parser', () => {
  const names = nodesOfParser()

  it('are read from the library', () => expect(names.size).toBeGreaterThan(250))

  it('all stand in the table, handled or denied', () => {
    expect([...names].filter((name) => !Object.hasOwn(nodeRoles, name))).toEqual([])
  })

  it('are all that stands in the table', () => {
    const listed = Object.keys(nodeRoles).filter((name) => !envelopes.has(name))
    expect(listed.filter((name) => !names.has(name))).toEqual([])
  })

  it('has an entry for each statement of the table', () => {
    const statements = Object.keys(nodeRoles).filter((name) => nodeRoles[name] === 'statement' && name !== 'ReturnStmt')
    expect(statements.filter((name) => !isStatementKnown(name))).toEqual([])
  })
})
