// Connection lines hold no credential and cannot be broken out of.
import { expect, it } from 'vitest'
import { addressOf, connectionLines, joinEnvironment, shellWord } from './connection.ts'

it('connection lines verify the agent in full and hold no token', () => {
  expect(connectionLines('orders', { host: 'agent.internal', port: '6432' })).toEqual({
    cli: 'sallyport connect orders -- psql',
    psql: `PGPASSWORD="$(sallyport token orders)" psql 'host=agent.internal port=6432 dbname=orders user=sallyport sslmode=verify-full sslrootcert=sallyport-ca.pem'`,
    url: 'postgresql://sallyport@agent.internal:6432/orders?sslmode=verify-full&sslrootcert=sallyport-ca.pem',
  })
})

it('what an agent calls itself cannot leave its word (R-6.9)', () => {
  const { psql } = connectionLines('orders', { host: "x'; rm -rf ~ '", port: '1' })
  expect(psql).toContain(`host='\\''x\\'\\''; rm -rf ~ \\'\\'''\\''`)
  expect(shellWord("a'b")).toBe(`'a'\\''b'`)
  expect(shellWord('$(id)')).toBe(`'$(id)'`)
})

it('an address is a host and a port, the host in brackets or not', () => {
  expect(addressOf('agent.internal:6432')).toEqual({ host: 'agent.internal', port: '6432' })
  expect(addressOf('[::1]:6432')).toEqual({ host: '[::1]', port: '6432' })
  expect(addressOf('agent')).toBeNull()
  expect(connectionLines('t', { host: '::1', port: '5' }).url).toContain('@[::1]:5/')
})

it('the command that joins an agent names every variable that a remote caller needs', () => {
  expect(joinEnvironment('spj_x')).toBe(`SALLYPORT_JOIN_TOKEN=spj_x \\
SALLYPORT_DATA_DIR=/var/lib/sallyport-agent \\
SALLYPORT_LISTEN_HOST=0.0.0.0 \\
SALLYPORT_ADVERTISE="$(hostname -f):6432" \\
node apps/agent/dist/main.js`)
})
