// The tables of node types are complete: every statement of the grammar has an entry, and none that is not of the grammar.
// THREATS.
import { describe, expect, it } from 'vitest'
import { nodeRoles } from './nodes.ts'
import { isStatementKnown } from './statements.ts'

/** Statements that only stand inside others: RETURN in a function's body. */
const inner = new Set(['ReturnStmt'])

describe('node types', () => {
  const statements = Object.entries(nodeRoles).filter(([, role]) => role === 'statement')

  it('has the statements of PostgreSQL 18', () => expect(statements.length).toBe(113))

  it.each(statements.map(([tag]) => tag).filter((tag) => !inner.has(tag)))('knows the statement %s', (tag) => {
    expect(isStatementKnown(tag)).toBe(true)
  })

  it.each(['Query', 'PLAssignStmt', 'SetOperationStmt', 'Var', 'Nonsense'])('does not know %s', (tag) => {
    expect(isStatementKnown(tag)).toBe(false)
  })
})
