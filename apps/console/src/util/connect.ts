// Lines that connect a client to a target, ready to paste: always TLS with the name verified, never a secret in them.
// Pure.

export interface Place {
  readonly target: string
  /** An upstream role, or `sallyport` for the target's default. */
  readonly user: string
  readonly host: string
  readonly port: number
}

export const clients = ['cli', 'psql', 'uri', 'env'] as const
export type Client = (typeof clients)[number]
export const clientNames: Readonly<Record<Client, string>> = {
  cli: 'CLI',
  psql: 'psql',
  uri: 'Drivers',
  env: 'Environment',
}

/** File that the lines expect; the console offers it for download. */
export const authorityFile = 'agent-ca.pem'

/** One word of a POSIX shell. */
const shellWord = (word: string): string =>
  /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** A value in libpq's key=value form (libpq-connect, "Keyword/Value Connection Strings"). */
const libpqValue = (value: string): string =>
  /^[^\s'\\]+$/.test(value) ? value : `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

function libpqLine({ target, user, host, port }: Place): string {
  const pairs = { host, port: String(port), dbname: target, user, sslmode: 'verify-full', sslrootcert: authorityFile }
  return Object.entries(pairs)
    .map(([key, value]) => `${key}=${libpqValue(value)}`)
    .join(' ')
}

/** `role` is left out where it is the default. */
export function lineFor(client: Client, place: Place, role: string | null): string {
  const { target, user, host, port } = place
  const option = role === null ? '' : ` --role ${shellWord(role)}`
  switch (client) {
    case 'cli':
      return `sallyport connect ${shellWord(target)}${option} -- psql`
    case 'psql':
      return `PGPASSWORD="$(sallyport token ${shellWord(target)}${option})" \\\n  psql ${shellWord(libpqLine(place))}`
    case 'uri': {
      const at = host.includes(':') ? `[${host}]` : host
      const search = new URLSearchParams({ sslmode: 'verify-full', sslrootcert: authorityFile })
      return `postgresql://${encodeURIComponent(user)}@${at}:${port}/${encodeURIComponent(target)}?${search}`
    }
    case 'env':
      return Object.entries({
        PGHOST: host,
        PGPORT: String(port),
        PGDATABASE: target,
        PGUSER: user,
        PGSSLMODE: 'verify-full',
        PGSSLROOTCERT: authorityFile,
      })
        .map(([name, value]) => `export ${name}=${shellWord(value)}`)
        .join('\n')
  }
}
