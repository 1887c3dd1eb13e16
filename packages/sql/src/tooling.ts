// What preset `tooling` lets through (DESIGN §4), for those who tell a caller what would help.
import { builtin, systemRelation } from './builtins.ts'

/** Would the preset let through what needs a rule without it? Of a relation it may still leave out columns. */
export function isForTooling(operation: string, object: string): boolean {
  if (operation === 'call') return builtin(object.replace(/\(\)$/, ''))?.class === 'tooling'
  return operation === 'select' && systemRelation(object)?.columns.some(({ access }) => access === 'tooling') === true
}
