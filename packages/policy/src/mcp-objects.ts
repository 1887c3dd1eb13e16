// Patterns of MCP: `shop-tools/search_*` and `tool:shop-tools/search_*` are tools, `resource:shop-tools/file:///reports/**` and
// `prompt:shop-tools/*` the rest. `*` never crosses a slash, `**` at the end is everything below (THREATS ).
import type { Ambiguity, Matcher } from './match.ts'
import { matchesPart } from './match-part.ts'

const pattern = /^(?:(tool|resource|prompt):)?([a-z0-9*][a-z0-9*-]*)\/(.*)$/s

/** Objects of databases are parted by dots and those of HTTP APIs begin with a slash, so nothing else looks like it. */
export const isMcpPattern = (text: string): boolean => pattern.test(text)

/** Names that the gateway lets tools and prompts have, letter by letter: no two that people or readers could confuse. */
/** What stands in front of a prompt's name where tools and prompts are named together: as pins, and in quarantine. */
export const promptPrefix = 'prompt:'

/** A tool, or a prompt with its prefix. */
export const isMcpDefinitionName = (name: string): boolean =>
  isMcpName(name.startsWith(promptPrefix) ? name.slice(promptPrefix.length) : name)

export const isMcpName = (name: string): boolean => /^[A-Za-z0-9_.-]{1,64}$/.test(name)

/** A deny takes names in any case, as a careless server would; an allow takes none but the exact bytes. */
export function compileMcpPattern(text: string, ambiguity: Ambiguity): Matcher {
  const careless = ambiguity === 'match'
  const folded = (name: string): string => (careless ? name.toLowerCase() : name)
  const [, kind = 'tool', server = '', rest = ''] = pattern.exec(text) ?? []
  const wanted = [server, ...folded(rest).split('/')]
  const isOpen = wanted.at(-1) === '**'
  const fixed = isOpen ? wanted.slice(0, -1) : wanted
  const start = `${kind}:`
  return (name) => {
    if (!name.startsWith(start)) return false
    const parts = folded(name.slice(start.length)).split('/')
    if (isOpen ? parts.length < fixed.length : parts.length !== fixed.length) return false
    return fixed.every((part, index) => matchesPart(part, parts[index] ?? ''))
  }
}

/** Why a pattern can match nothing; null when it is sound. */
export function mcpPatternProblem(text: string): string | null {
  const [, kind = 'tool', , rest = ''] = pattern.exec(text) ?? []
  const parts = rest.split('/')
  if (rest === '') return `"${text}" names nothing behind the slash; write "*" for everything`
  if (parts.slice(0, -1).some((part) => part.includes('**')) || (parts.at(-1)?.includes('**') && parts.at(-1) !== '**'))
    return `"${text}": "**" stands at the end alone, for everything below`
  if (/[^\x21-\x7e]/.test(rest)) return `"${text}": names and URIs that pass are ASCII without spaces`
  if (kind === 'resource') {
    if (/^(\*\*|\*?[a-z*][a-z0-9+.*-]*:)/.test(rest)) return null
    return `"${text}" is no URI; write the scheme as well, for example resource:server/file:///reports/**`
  }
  if (rest === '**' || /^[A-Za-z0-9_.*-]{1,64}$/.test(rest)) return null
  return `"${text}": ${kind}s have names of at most 64 letters, digits, "_", "." and "-"`
}
