// The names in a search_path, as PostgreSQL takes its setting apart (varlena.c, SplitIdentifierString).
import { limits } from '@sallyport/base/limits'

/** NAMEDATALEN - 1: what is longer is cut, at a whole character. */
const nameBytesMax = 63

/** Null when it is no list of names; then PostgreSQL would not have taken it either. */
export function pathNames(text: string): readonly string[] | null {
  if (text.length > limits.statementBytesMax) return null
  const names: string[] = []
  const token = /[ \t\n\r\f\v]*(?:"((?:[^"]|"")*)"|([^", \t\n\r\f\v]+))[ \t\n\r\f\v]*(,|$)/y
  if (/^[ \t\n\r\f\v]*$/.test(text)) return names
  for (;;) {
    const found = token.exec(text)
    if (found === null) return null
    const [, quoted, bare = '', end] = found
    names.push(
      cut(quoted === undefined ? bare.replace(/[A-Z]/g, (one) => one.toLowerCase()) : quoted.replaceAll('""', '"')),
    )
    if (end === '') return names
  }
}

function cut(name: string): string {
  const bytes = Buffer.from(name, 'utf8')
  if (bytes.length <= nameBytesMax) return name
  let end = nameBytesMax
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return bytes.subarray(0, end).toString('utf8')
}
