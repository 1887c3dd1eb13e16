// Where to go after signing in: a path of this console, never another site. The server checks it again.

/** The path itself, or `/` for everything that a browser could read as an address elsewhere. */
export function localPath(wanted: string): string {
  // `//host` and `/\host` are other sites; control characters are dropped by URL parsers and could make one.
  const isOurs = /^\/(?![/\\])[\x21-\x7e]*$/.test(wanted) && !wanted.includes('\\') && !isElsewhere(wanted)
  return isOurs && !wanted.startsWith('/sign-in') ? wanted : '/'
}

/** `/.//host` is `//host` once its dots are gone. */
const isElsewhere = (path: string): boolean => new URL(path, 'https://here.invalid').pathname.startsWith('//')
