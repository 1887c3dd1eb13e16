// What a client may ask for before it has authenticated: the tables of THREATS.
import { surfacesOf } from '@sallyport/base/errors'
import type { StartupPacket } from '@sallyport/wire/postgres/messages'
import { describe, expect, it } from 'vitest'
import { type Negotiation, nextStep, splitOptions } from './startup.ts'

const inTls: Negotiation = { encrypted: true, sslAsked: true, gssAsked: false }
const fresh: Negotiation = { encrypted: false, sslAsked: false, gssAsked: false }
const ask = (
  parameters: Readonly<Record<string, string>> | readonly (readonly [string, string])[],
  version: { major?: number; minor?: number } = {},
): StartupPacket => ({
  type: 'startup',
  major: version.major ?? 3,
  minor: version.minor ?? 0,
  parameters: Array.isArray(parameters) ? parameters : Object.entries(parameters),
})
const base = { user: 'sallyport', database: 'shop' }

/** The step, or the SQLSTATE of the refusal. */
const outcome = (seen: Negotiation, packet: StartupPacket): string => {
  const step = nextStep(seen, packet)
  return step.do === 'refuse' ? surfacesOf(step.error.code).sqlstate : step.do
}
const startupOf = (packet: StartupPacket) => {
  const step = nextStep(inTls, packet)
  if (step.do !== 'authenticate') throw new Error(`not admitted: ${step.do}`)
  return step.startup
}

describe('encryption', () => {
  it.each<[string, Negotiation, StartupPacket, string]>([
    ['SSLRequest starts TLS', fresh, { type: 'sslRequest' }, 'startTls'],
    ['R-1.3: a second SSLRequest is refused', { ...fresh, sslAsked: true }, { type: 'sslRequest' }, '08P01'],
    ['R-1.3: an SSLRequest inside TLS is refused', inTls, { type: 'sslRequest' }, '08P01'],
    ['GSSENCRequest is answered with no', fresh, { type: 'gssEncRequest' }, 'refuseGss'],
    ['R-1.3: a second GSSENCRequest is refused', { ...fresh, gssAsked: true }, { type: 'gssEncRequest' }, '08P01'],
    ['SSLRequest after GSSENCRequest starts TLS', { ...fresh, gssAsked: true }, { type: 'sslRequest' }, 'startTls'],
    ['R-1.2: a StartupMessage in clear text is refused', fresh, ask(base), '28000'],
    ['R-1.2: also after a refused GSSENCRequest', { ...fresh, gssAsked: true }, ask(base), '28000'],
    ['a StartupMessage inside TLS is taken', inTls, ask(base), 'authenticate'],
  ])('%s', (_, seen, packet, expected) => {
    expect(outcome(seen, packet)).toBe(expected)
  })
})

describe('R-1.2: without TLS, where the listener says that it is optional', () => {
  const ticket = `tkt_${'a'.repeat(32)}`
  const fast = `tkf_${'a'.repeat(32)}`
  it.each<[string, 'required' | 'optional', string, string]>([
    ['a ticket is asked for its proof', 'optional', ticket, 'authenticate'],
    ['a fast ticket is, too', 'optional', fast, 'authenticate'],
    ['a role is refused before a token is asked for', 'optional', 'sallyport', 'TLS_REQUIRED'],
    ['a name that is nearly a ticket is refused', 'optional', `${ticket}0`, 'TLS_REQUIRED'],
    ['a ticket is refused where it is required', 'required', ticket, 'TLS_REQUIRED'],
  ])('%s', (_, tls, user, expected) => {
    const step = nextStep(fresh, ask({ ...base, user }), tls)
    expect(step.do === 'refuse' ? step.error.code : step.do).toBe(expected)
  })

  it.each([
    [ticket, 4_096],
    [fast, 1],
  ])('%s says how many rounds its proof has', (user, iterations) => {
    const step = nextStep(fresh, ask({ ...base, user }), 'optional')
    expect(step).toMatchObject({ startup: { ticket: { id: 'a'.repeat(32), iterations } } })
  })
})

describe('protocol versions (R-1.6)', () => {
  it.each<[string, { major?: number; minor?: number }, string]>([
    ['2.0 is refused', { major: 2 }, '0A000'],
    ['4.0 is refused', { major: 4 }, '0A000'],
  ])('%s', (_, version, expected) => {
    expect(outcome(inTls, ask(base, version))).toBe(expected)
  })

  it.each<[string, number, Record<string, string>, 0 | 2, readonly string[] | null]>([
    ['3.0 needs no negotiation', 0, {}, 0, null],
    ['3.2 needs no negotiation', 2, {}, 2, null],
    ['3.1 was never used and becomes 3.0', 1, {}, 0, []],
    ['3.99 becomes 3.2', 99, {}, 2, []],
    ['an unknown option is listed', 2, { '_pq_.compression': 'on' }, 2, ['_pq_.compression']],
  ])('%s', (_, minor, options, spoken, negotiate) => {
    expect(startupOf(ask({ ...base, ...options }, { minor }))).toMatchObject({ minor: spoken, negotiate })
  })
})

describe('parameters (R-1.7, R-1.8, R-1.9)', () => {
  it.each<[string, Record<string, string> | [string, string][], string]>([
    ['no user', { database: 'shop' }, '28000'],
    [
      'two users',
      [
        ['user', 'a'],
        ['database', 'shop'],
        ['user', 'b'],
      ],
      '08P01',
    ],
    [
      'two databases, one in capitals',
      [
        ['user', 'a'],
        ['database', 'shop'],
        ['DATABASE', 'x'],
      ],
      '08P01',
    ],
    ['replication=database', { ...base, replication: 'database' }, '0A000'],
    ['replication=1', { ...base, replication: '1' }, '0A000'],
    ['replication=yes', { ...base, replication: 'yes' }, '0A000'],
    ['replication=o, which is ambiguous', { ...base, replication: 'o' }, '0A000'],
    ['role', { ...base, role: 'postgres' }, '42501'],
    ['session_authorization', { ...base, session_authorization: 'postgres' }, '42501'],
    ['standard_conforming_strings', { ...base, standard_conforming_strings: 'off' }, '42501'],
    ['an unknown name', { ...base, log_statement: 'none' }, '42501'],
    ['a setting that only a start-up packet can have', { ...base, local_preload_libraries: 'x' }, '42501'],
    ['work_mem', { ...base, work_mem: '1GB' }, '42501'],
    ['row_security', { ...base, row_security: 'off' }, '42501'],
    ['session_replication_role', { ...base, session_replication_role: 'replica' }, '42501'],
    ['a setting of ours', { ...base, 'sallyport.initiator': 'x' }, '42501'],
    ['a setting of ours in capitals', { ...base, options: '-c SALLYPORT.initiator=x' }, '42501'],
    ['a protocol option as a setting', { ...base, options: '-c _pq_.x=1' }, '42501'],
    ['a name with a space in it', { ...base, 'app.ten ant': 'x' }, '42501'],
    ['a name beyond ASCII', { ...base, 'app.größe': 'x' }, '42501'],
    ['a name that ends with its dot', { ...base, 'app.': 'x' }, '42501'],
    ['R-1.32: client_encoding=SJIS', { ...base, client_encoding: 'SJIS' }, '42501'],
    ['options with -c role', { ...base, options: '-c role=postgres' }, '42501'],
    ['options with -crole', { ...base, options: '-crole=postgres' }, '42501'],
    ['options with --session-authorization', { ...base, options: '--session-authorization=evil' }, '42501'],
    ['options behind an escaped space', { ...base, options: '-c application_name=a\\ b -c row_security=off' }, '42501'],
    ['options with another switch', { ...base, options: '-E' }, '42501'],
    ['enable_seqscan, which no driver sends', { ...base, enable_seqscan: 'off' }, '42501'],
    ['options that set nothing', { ...base, options: '-c geqo' }, '42501'],
  ])('%s is refused', (_, parameters, expected) => {
    expect(outcome(inTls, ask(parameters))).toBe(expected)
  })

  it('keeps what is on the list, in the spelling of the server', () => {
    const startup = startupOf(
      ask({
        ...base,
        APPLICATION_NAME: 'orders',
        client_encoding: "'utf-8'",
        timezone: 'Europe/Berlin',
        replication: 'off',
        options: '-c DateStyle=ISO --extra-float-digits=3',
      }),
    )
    expect(Object.fromEntries(startup.settings)).toEqual({
      application_name: 'orders',
      TimeZone: 'Europe/Berlin',
      DateStyle: 'ISO',
      extra_float_digits: '3',
    })
    expect(startup).toMatchObject({ user: 'sallyport', database: 'shop', applicationName: 'orders' })
  })

  it('leaves to judgement what does more, in lower case, and the last of two', () => {
    const startup = startupOf(
      ask({
        ...base,
        TimeZone: 'UTC',
        Statement_Timeout: '5s',
        'App.Tenant': '7',
        options: '-c search_path=shop --statement-timeout=1h -c jit=off -c geqo=off',
      }),
    )
    const judged = { search_path: 'shop', statement_timeout: '5s', jit: 'off', geqo: 'off', 'app.tenant': '7' }
    expect(Object.fromEntries(startup.judged)).toEqual(judged)
    expect(Object.fromEntries(startup.settings)).toEqual({ ...judged, TimeZone: 'UTC' })
  })

  it('leaves an absent database empty, for the answer after authentication', () => {
    expect(startupOf(ask({ user: 'sallyport' })).database).toBe('')
  })

  it('splits options as the server does', () => {
    expect(splitOptions('  -c  a=b\\ c\t--d-e=f=g -ch=\\\\ ')).toEqual([
      ['a', 'b c'],
      ['d_e', 'f=g'],
      ['h', '\\'],
    ])
  })
})
