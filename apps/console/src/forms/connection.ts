// How to connect to a target, as lines to copy. Never with a token in them: they are pasted into tickets and histories.

export interface Address {
  readonly host: string
  readonly port: string
}

/** `host:port` of an agent, or null when it is none. */
export function addressOf(advertise: string): Address | null {
  const match = /^(.+):([0-9]{1,5})$/.exec(advertise)
  return match === null ? null : { host: match[1] ?? '', port: match[2] ?? '' }
}

/** For a shell: the text as one word, whatever is in it. */
export const shellWord = (text: string): string =>
  /^[A-Za-z0-9_./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`

/** A value of a libpq connection string. */
const libpqValue = (text: string): string =>
  /^[^\s'\\]+$/.test(text) ? text : `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

export interface ConnectionLines {
  readonly cli: string
  readonly psql: string
  readonly url: string
}

/** The file that `sallyport connect TARGET` writes and names; a function mounts it as it likes. */
const authorityFile = 'sallyport-ca.pem'

export function connectionLines(target: string, { host, port }: Address): ConnectionLines {
  const parts = [
    ['host', host],
    ['port', port],
    ['dbname', target],
    ['user', 'sallyport'],
    ['sslmode', 'verify-full'],
    ['sslrootcert', authorityFile],
  ]
  const words = parts.map(([name = '', value = '']) => `${name}=${libpqValue(value)}`).join(' ')
  const query = new URLSearchParams({ sslmode: 'verify-full', sslrootcert: authorityFile })
  const shownHost = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  return {
    cli: `sallyport connect ${shellWord(target)} -- psql`,
    psql: `PGPASSWORD="$(sallyport token ${shellWord(target)})" psql ${shellWord(words)}`,
    url: `postgresql://sallyport@${shownHost}:${port}/${encodeURIComponent(target)}?${query}`,
  }
}

/** What to run on the host of a new agent (docs/operations.md, "The agent"). */
export function joinEnvironment(token: string): string {
  return [
    `SALLYPORT_JOIN_TOKEN=${shellWord(token)} \\`,
    'SALLYPORT_DATA_DIR=/var/lib/sallyport-agent \\',
    'SALLYPORT_LISTEN_HOST=0.0.0.0 \\',
    'SALLYPORT_ADVERTISE="$(hostname -f):6432" \\',
    'node apps/agent/dist/main.js',
  ].join('\n')
}
