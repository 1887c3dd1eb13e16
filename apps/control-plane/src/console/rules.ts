// Which file of the built console answers a path, and how long browsers keep it. Pure.

/** Paths that belong to the API and to machines: what is not there is a problem document, never a page. */
const machinePaths = ['/api', '/auth', '/.well-known', '/healthz', '/readyz'] as const

export const noCache = 'no-cache'
/** Names in /assets carry the hash of their content: another content has another name. */
export const forever = 'public, max-age=31536000, immutable'

export type Asked =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'page' }
  | { readonly kind: 'file'; readonly path: string; readonly cacheControl: string }

const isMachinePath = (path: string): boolean =>
  machinePaths.some((prefix) => path === prefix || path.startsWith(`${prefix}/`))

/** What our build makes: letters, digits and a few signs. Everything else is no file of ours, however it is encoded. */
const filePath = /^(?:\/[A-Za-z0-9_][A-Za-z0-9._-]*)+$/
const extension = /\.[A-Za-z0-9]+$/

/**
 * The answer to a GET. `path` is the path as it came, without the query. A path with an extension is a file or nothing;
 * any other is a place in the console, for whoever asks for a page.
 */
export function askedFor(path: string, accept: string | undefined): Asked {
  if (isMachinePath(path.toLowerCase())) return { kind: 'nothing' }
  if (extension.test(path) && path !== '/index.html') {
    if (!filePath.test(path) || path.includes('..')) return { kind: 'nothing' }
    return { kind: 'file', path, cacheControl: path.startsWith('/assets/') ? forever : noCache }
  }
  return acceptsPage(accept) ? { kind: 'page' } : { kind: 'nothing' }
}

/** True for a browser that goes to a page: it names text/html, which scripts and machines do not. */
export const acceptsPage = (accept: string | undefined): boolean =>
  /(?:^|[,\s])text\/html(?:$|[;,\s])/.test(accept ?? '')
