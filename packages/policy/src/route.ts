// Patterns of HTTP routes: `/v1/orders`, `/v1/orders/*`, `/v1/**`. `*` never crosses a slash, `**` at the end is everything
// below. A deny reads paths as the most careless server would; an allow takes none but the exact spelling (THREATS ).
import type { Ambiguity, Matcher } from './match.ts'
import { matchesPart } from './match-part.ts'

/** Objects of HTTP requests are paths, and nothing else begins with a slash. */
export const isRoute = (text: string): boolean => text.startsWith('/')

export function compileRoute(pattern: string, ambiguity: Ambiguity): Matcher {
  const careless = ambiguity === 'match'
  const wanted = segmentsOf(pattern, careless)
  const isOpen = wanted.at(-1) === '**'
  const fixed = isOpen ? wanted.slice(0, -1) : wanted
  return (name) => {
    if (!isRoute(name)) return false
    const segments = segmentsOf(name, careless)
    if (isOpen ? segments.length < fixed.length : segments.length !== fixed.length) return false
    return fixed.every((part, index) => matchesPart(part, segments[index] ?? ''))
  }
}

/** Without a slash at the end: servers answer `/a/` as `/a`, or they do not. */
function segmentsOf(path: string, careless: boolean): readonly string[] {
  const bare = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
  const text = careless ? bare.toLowerCase() : bare
  return text === '/' ? [] : text.slice(1).split('/')
}

/** Why a route can match nothing; null when it is sound. */
export function routeProblem(pattern: string): string | null {
  if (/[?#\s]/.test(pattern))
    return `"${pattern}" holds a query, a fragment or a space; write the path alone and test http.query in "when"`
  if (/[^\x21-\x7e]/.test(pattern)) return `"${pattern}": write what is not ASCII percent-encoded, as it is sent`
  const segments = pattern.slice(1).split('/')
  const inner = pattern.endsWith('/') ? segments.slice(0, -1) : segments
  if (pattern !== '/' && inner.includes('')) return `"${pattern}" has an empty segment; remove the extra slash`
  if (segments.slice(0, -1).some((segment) => segment.includes('**')))
    return `"${pattern}": "**" stands at the end alone, for everything below`
  if (segments.at(-1)?.includes('**') === true && segments.at(-1) !== '**')
    return `"${pattern}": "**" is a segment of its own`
  if (segments.some((segment) => segment === '.' || segment === '..'))
    return `"${pattern}" has a dot segment; such requests are refused`
  return spellingProblem(pattern)
}

/** Of a route that is spelled as no request is read; a deny rule on it would stop nothing. */
export function spellingProblem(pattern: string): string | null {
  const canonical = canonicalRoute(pattern)
  if (canonical === null) return `"${pattern}" has a percent sign that encodes nothing; write "%25"`
  return canonical === pattern ? null : `"${pattern}" is spelled as no request is read; write "${canonical}"`
}

/** As requests are written anew (packages/wire, http/request-target.ts); braces of templates stay. */
function canonicalRoute(pattern: string): string | null {
  try {
    const encoded = (text: string): string =>
      encodeURIComponent(decodeURIComponent(text)).replace(/%(?:24|26|2B|2C|3A|3D|40)/g, decodeURIComponent)
    return pattern
      .split(/(\/|\{[^{}/]+\})/)
      .map((part) => (/^[{/]/.test(part) ? part : encoded(part)))
      .join('')
  } catch {
    return null
  }
}
