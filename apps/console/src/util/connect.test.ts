// The lines that people paste into a terminal: verified TLS, no secret, and nothing that a name could break out of.
import { describe, expect, it } from 'vitest'
import { clients, lineFor } from './connect.ts'

const place = { target: 'shop', user: 'sallyport', host: 'agent.internal', port: 6432 }

describe('a line to connect', () => {
  it('for psql verifies the name and takes the token from the CLI', () => {
    expect(lineFor('psql', place, null)).toBe(
      `PGPASSWORD="$(sallyport token shop)" \\\n  psql 'host=agent.internal port=6432 dbname=shop user=sallyport sslmode=verify-full sslrootcert=agent-ca.pem'`,
    )
  })

  it('for the CLI names the role where it is not the default', () => {
    expect(lineFor('cli', place, null)).toBe('sallyport connect shop -- psql')
    expect(lineFor('cli', place, 'reader')).toBe('sallyport connect shop --role reader -- psql')
  })

  it('for drivers is a URI, also with an IPv6 address', () => {
    expect(lineFor('uri', { ...place, host: '::1' }, null)).toBe(
      'postgresql://sallyport@[::1]:6432/shop?sslmode=verify-full&sslrootcert=agent-ca.pem',
    )
  })

  it.each(clients.filter((client) => client !== 'cli'))('for %s asks for verify-full', (client) => {
    expect(lineFor(client, place, null)).toContain('verify-full')
  })

  it('keeps a strange role inside one word of the shell and one value of libpq', () => {
    const role = `a'; rm -rf / #`
    expect(lineFor('cli', place, role)).toContain(`--role 'a'\\''; rm -rf / #'`)
    expect(lineFor('psql', { ...place, user: role }, role)).toContain(`user='\\''a\\'\\''; rm -rf / #'\\''`)
    expect(lineFor('env', { ...place, user: role }, role)).toContain(`export PGUSER='a'\\''; rm -rf / #'`)
  })
})
