// The protocol between login and goodbye, message by message, against a real PostgreSQL: what a client may send in which
// state, what comes back and in which order (THREATS §1.3 to §1.6).
import { encodeFrontend } from '@sallyport/wire/postgres/encode'
import type { Format, FrontendMessage } from '@sallyport/wire/postgres/messages'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type DataPath, startDataPath } from './data-path.ts'
import { type RawClient, rawClient } from './raw-client.ts'
import { type RealTarget, startRealTarget, targetDocument, targetEnvironment } from './real-target.ts'

let target: RealTarget
let path: DataPath
let client: RawClient

const yaml = (port: number, spec = ''): string => `${targetDocument(port, spec)}
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: shop }
spec:
  targets: { names: [shop] }
  rules:
    - { name: all, effect: allow, callers: { groups: [engineering] } }
    - { name: no-deletes, effect: deny, callers: { any: true }, operations: [delete] }
    - { name: not-this-channel, effect: deny, callers: { any: true }, operations: [listen], objects: ["channel:secret"] }
    - { name: sleep, effect: allow, callers: { groups: [engineering] }, operations: [call], objects: ["pg_catalog.pg_sleep()"] }
  masks:
    - { columns: [public.people.ssn, public.people.score], method: redact }
`

beforeAll(async () => {
  target = await startRealTarget({
    schema: `
      create table people (id int primary key, ssn text, score int);
      insert into people select n, '900-' || n, n from generate_series(1, 5) n;
      create table log (id int);
      create table other (id int primary key, ssn text);
      insert into other values (1, 'plain');
      create function set_any(name text, value text) returns text language plpgsql as
        $$ begin return set_config(name, value, false); end $$`,
  })
  path = await startDataPath({ yaml: yaml(target.server.port), environment: targetEnvironment })
}, 120_000)

afterEach(() => client?.destroy())
afterAll(async () => {
  await path?.stop()
  await target?.stop()
})

const parse = (text: string, name = ''): FrontendMessage => ({ type: 'parse', name, text, parameterTypes: [] })
const bind = (statement = '', portal = '', resultFormats: readonly Format[] = []): FrontendMessage => ({
  type: 'bind',
  portal,
  statement,
  parameterFormats: [],
  parameters: [],
  resultFormats,
})
const execute = (portal = '', rowsMax = 0): FrontendMessage => ({ type: 'execute', portal, rowsMax })
const sync: FrontendMessage = { type: 'sync' }
const query = (text: string): FrontendMessage => ({ type: 'query', text })
const functionCall: FrontendMessage = {
  type: 'functionCall',
  functionOid: 1_403,
  argumentFormats: [],
  arguments: [],
  resultFormat: 0,
}

/** A Query whose body is these bytes. */
const rawQuery = (body: Buffer): Buffer => {
  const header = Buffer.from([0x51, 0, 0, 0, 0])
  header.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([header, body])
}

/** Everything that comes until this many times ReadyForQuery. */
async function answers(sent: readonly FrontendMessage[], ready = 1): Promise<string[]> {
  client.send(...sent)
  for (let count = 0; count < ready; count++) await client.next('readyForQuery')
  return client.taken()
}
const open = async (...options: Parameters<typeof rawClient> extends [unknown, ...infer Rest] ? Rest : never) => {
  client = await rawClient(path, ...options)
}
const rows = (text: string): Promise<unknown[]> => target.rows(text)

describe('cancel keys', () => {
  it.each([
    ['R-1.6, R-1.12: four bytes in protocol 3.0', 0, 4],
    ['R-1.6, R-1.12: thirty-two in protocol 3.2', 2, 32],
    ['R-1.6: the negotiated version counts, not the asked one', 7, 32],
  ])('%s', async (_, minor, bytes) => {
    await open({}, { minor })
    expect(client.key).toHaveLength(bytes)
    client.send(query('select pg_sleep(600)'))
    const running = "select 1 from pg_stat_activity where query = 'select pg_sleep(600)' and state = 'active'"
    await expect.poll(async () => (await rows(running)).length, { timeout: 10_000 }).toBe(1)
    await client.cancel()
    await client.next('readyForQuery')
    expect(client.taken()).toContain('error 57014')
  })
})

describe('cancel requests', () => {
  it('R-1.12: one that comes while nothing runs hits nothing later', async () => {
    await open()
    await client.cancel()
    expect(await answers([query('select pg_sleep(0.2)')])).toContain('SELECT 1')
  })
})

describe('framing after login', () => {
  it.each<[string, Buffer]>([
    ['R-1.13: a length below four', Buffer.from('5100000003', 'hex')],
    ['R-1.13: a length beyond the cap, at its header', Buffer.from('5140000000', 'hex')],
    ['R-1.13: a length beyond the cap of a small type', Buffer.from('5300002711', 'hex')],
    ['R-1.14: bytes behind the text of a Query', rawQuery(Buffer.from('select 1\0select 2\0'))],
    ['R-1.14: a Query without its end', rawQuery(Buffer.from('select 1'))],
    ['R-1.15: an unknown type', Buffer.from('7a000000067800', 'hex')],
    ['R-1.15: a start-up packet', Buffer.from('0000000900030000', 'hex')],
    ['R-1.15: a password', encodeFrontend({ type: 'password', bytes: Buffer.from('x\0') })],
    ['R-1.32: a text that is no UTF-8', rawQuery(Buffer.from("select '\xff'\0", 'latin1'))],
    ['R-1.32: an overlong quote', rawQuery(Buffer.from("select '\xc0\xa7'\0", 'latin1'))],
    ['R-1.32: a surrogate', rawQuery(Buffer.from("select '\xed\xa0\x80'\0", 'latin1'))],
  ])('%s ends the session', async (_, bytes) => {
    await open()
    client.write(bytes)
    await client.closed
    expect(client.taken()).toEqual(['error 08P01'])
  })

  it('R-1.32: what is well-formed passes byte by byte', async () => {
    await open()
    client.write(rawQuery(Buffer.from("select 'é €'\0")))
    await client.next('readyForQuery')
    expect(client.taken()).toContain('row é €')
  })

  it('R-1.13: messages that are cut at every byte are the same messages, and a denied one among them stays denied', async () => {
    await open()
    const told = [
      parse('select ssn from people where id = $1'),
      { ...bind(), parameters: [Buffer.from('1')] },
      execute(),
    ]
    const sent = [
      query('select 1'),
      ...told,
      sync,
      parse('delete from people'),
      bind(),
      execute(),
      sync,
      query('select 2'),
    ]
    for (const byte of Buffer.concat(sent.map((one) => encodeFrontend(one as FrontendMessage))))
      client.write(Buffer.from([byte]))
    for (let count = 0; count < 4; count++) await client.next('readyForQuery')
    expect(client.taken()).toEqual([
      ...['rowDescription', 'row 1', 'SELECT 1', 'ready I'],
      ...['parseComplete', 'bindComplete', 'row [redacted]', 'SELECT 1', 'ready I'],
      ...['error 42501', 'ready I', 'rowDescription', 'row 2', 'SELECT 1', 'ready I'],
    ])
    expect(await rows('select count(*)::int as n from people')).toEqual([{ n: 5 }])
  })

  it('R-1.16: a message that is never whole ends the session when its time is over', async () => {
    const own = await startDataPath({
      yaml: yaml(target.server.port),
      environment: targetEnvironment,
      bounds: { messageMsMax: 300 },
    })
    try {
      client = await rawClient(own)
      expect(await answers([query('select 1')])).toContain('row 1')
      client.write(encodeFrontend(query('delete from people')).subarray(0, 9))
      await client.closed
      expect(client.taken()).toEqual(['error 08P01'])
    } finally {
      await own.stop()
    }
  })

  it('R-1.17: a thousand Syncs are answered a thousand times, in order, and between them nothing is lost', async () => {
    await open()
    const many = Array.from({ length: 1_000 }, () => sync)
    expect(await answers([...many, query('select 7')], 1_001)).toEqual([
      ...many.map(() => 'ready I'),
      ...['rowDescription', 'row 7', 'SELECT 1', 'ready I'],
    ])
  })
})

describe('R-1.19: what was denied in a pipeline', () => {
  it.each<[string, readonly FrontendMessage[]]>([
    ['at Parse', [parse('delete from log')]],
    ['at Bind', [parse('select 1', 'a'), bind('none')]],
    ['at Describe', [{ type: 'describe', what: 'statement', name: 'none' }]],
    ['at Execute', [execute('none')]],
    ['as a FunctionCall', [functionCall]],
  ])('%s takes back what ran before it, and drops everything until Sync', async (_, denied) => {
    await open()
    const isCall = denied[0]?.type === 'functionCall'
    const before = [parse('insert into log values (1)'), bind(), execute()]
    // A Query and a FunctionCall are dropped as well; of the batch one error is told, and one ReadyForQuery.
    const dropped = isCall ? [] : [query('insert into log values (2)'), functionCall, parse('select 1'), sync]
    const told = await answers([...before, ...denied, ...dropped])
    expect(told.filter((one) => one.startsWith('error'))).toHaveLength(1)
    expect(told.at(-1)).toBe('ready I')
    expect(await answers([query('select 3')])).toEqual(['rowDescription', 'row 3', 'SELECT 1', 'ready I'])
    expect(await rows('select * from log')).toEqual([])
  })

  it('R-1.19: what a Flush has already shown is not committed either', async () => {
    await open()
    client.send(parse('insert into log values (1) returning id'), bind(), execute(), { type: 'flush' })
    await client.next('commandComplete')
    expect(client.taken()).toContain('row 1')
    expect(await rows('select * from log')).toEqual([])
    expect(await answers([parse('delete from log'), bind(), execute(), sync])).toEqual(['error 42501', 'ready I'])
    expect(await rows('select * from log')).toEqual([])
  })

  it('R-1.20, R-1.24: a FunctionCall fails the block that it stands in', async () => {
    await open()
    await answers([query('begin'), query('insert into log values (1)')], 2)
    expect(await answers([functionCall])).toEqual(['error 0A000', 'ready E'])
    expect(await answers([query('commit')])).toEqual(['ROLLBACK', 'ready I'])
    expect(await rows('select * from log')).toEqual([])
  })

  it('R-1.20: in a block the block fails, and stays failed until ROLLBACK', async () => {
    await open()
    await answers([query('begin'), query('insert into log values (1)')], 2)
    expect(await answers([parse('delete from log'), sync])).toEqual(['error 42501', 'ready E'])
    expect(await answers([query('select 1')])).toEqual(['error 25P02', 'ready E'])
    expect(await answers([query('commit')])).toEqual(['ROLLBACK', 'ready I'])
    expect(await rows('select * from log')).toEqual([])
  })
})

describe('names', () => {
  it('R-1.21: statements and cursors are shared between SQL and protocol, in all four directions', async () => {
    await open()
    await answers([query('prepare p as select ssn from people where id = 1')])
    expect(await answers([bind('p'), execute(), sync])).toContain('row [redacted]')
    await answers([parse('select ssn from people where id = 2', 'q'), sync])
    expect(await answers([query('execute q')])).toContain('row [redacted]')
    await answers([query('begin'), query('declare c cursor for select ssn from people')], 2)
    expect(await answers([execute('c', 1), sync])).toEqual(['row [redacted]', 'portalSuspended', 'ready T'])
    expect(await answers([parse('select ssn from people'), bind('', 'd'), sync])).toContain('bindComplete')
    expect(await answers([query('fetch 2 from d')])).toEqual([
      'rowDescription',
      'row [redacted]',
      'row [redacted]',
      'FETCH 2',
      'ready T',
    ])
    await answers([query('rollback')])
  })

  it('R-1.21: the unnamed statement ends with a Query, a named one with DEALLOCATE and Close', async () => {
    await open()
    await answers([parse('select 1'), parse('select 2', 'kept'), parse('select 3', 'closed'), sync])
    await answers([query('select 0')])
    expect(await answers([bind(), sync])).toEqual(['error 26000', 'ready I'])
    expect(await answers([parse('select 9', 'kept'), sync])).toEqual(['error 42P05', 'ready I'])
    expect(await answers([bind('kept'), execute(), sync])).toContain('row 2')
    await answers([query('deallocate kept')])
    expect(await answers([bind('kept'), sync])).toEqual(['error 26000', 'ready I'])
    await answers([{ type: 'close', what: 'statement', name: 'closed' }, sync])
    expect(await answers([bind('closed'), sync])).toEqual(['error 26000', 'ready I'])
  })

  it('R-1.21: DISCARD ALL ends every name', async () => {
    await open()
    await answers([parse('select 1', 'kept'), sync, query('prepare p as select 2'), query('discard all')], 3)
    expect(await answers([bind('kept'), sync])).toEqual(['error 26000', 'ready I'])
    expect(await answers([query('execute p')])).toEqual(['error 26000', 'ready I'])
  })

  it('R-1.25: data outside of COPY is ignored, also where it looks like a message', async () => {
    await open()
    const hidden = encodeFrontend(query('insert into log values (7)'))
    const data: FrontendMessage = { type: 'copyData', bytes: hidden }
    expect(await answers([data, { type: 'copyDone' }, { type: 'copyFail', reason: 'no' }, query('select 1')])).toEqual([
      'rowDescription',
      'row 1',
      'SELECT 1',
      'ready I',
    ])
    expect(await rows('select * from log')).toEqual([])
  })

  it('R-1.21: Close ends what SQL has made, and CLOSE and DEALLOCATE what the protocol has', async () => {
    await open()
    await answers([query('prepare p as select 1'), parse('select 2', 'q'), sync, query('begin')], 3)
    await answers([query('declare c cursor for select 3'), parse('select 4'), bind('', 'd'), sync], 2)
    const close = (what: 'statement' | 'portal', name: string): FrontendMessage => ({ type: 'close', what, name })
    expect(await answers([close('portal', 'c'), close('statement', 'p'), sync])).toEqual([
      ...['closeComplete', 'closeComplete', 'ready T'],
    ])
    expect(await answers([query('close d; deallocate q')])).toEqual(['CLOSE CURSOR', 'DEALLOCATE', 'ready T'])
    const gone: readonly [readonly FrontendMessage[], string][] = [
      [[query('fetch 1 from c')], 'error 34000'],
      [[execute('d'), sync], 'error 34000'],
      [[query('execute p')], 'error 26000'],
      [[bind('q'), sync], 'error 26000'],
    ]
    await answers([query('savepoint s')])
    for (const [sent, error] of gone) {
      expect(await answers(sent)).toEqual([error, 'ready E'])
      await answers([query('rollback to s')])
    }
    // A name that is free again may be taken again, by the other side too.
    expect(await answers([parse('select 5', 'p'), bind('p', 'c'), sync])).toContain('bindComplete')
    expect(await answers([query('fetch 1 from c')])).toContain('row 5')
    await answers([query('rollback')])
  })

  it.each<[string, boolean]>([
    ['by the simple protocol', false],
    ['by the extended protocol', true],
  ])('R-1.25: CopyFail %s takes the rows back, and the session goes on', async (_, isExtended) => {
    await open()
    const text = 'copy log from stdin'
    if (isExtended) client.send(parse(text), bind(), execute(), { type: 'flush' })
    else client.send(query(text))
    await client.next('copyInResponse')
    client.taken()
    const data: FrontendMessage = { type: 'copyData', bytes: Buffer.from('41\n') }
    const behind = isExtended ? [query('insert into log values (42)'), functionCall, sync] : []
    expect(await answers([data, { type: 'copyFail', reason: 'enough' }, ...behind])).toEqual(['error 57014', 'ready I'])
    expect(await answers([query('select 7')])).toContain('row 7')
    expect(await rows('select * from log')).toEqual([])
  })

  it('R-1.25: rows of a COPY that the target refuses leave nothing, and what comes behind is dropped', async () => {
    await open()
    client.send(query('copy log from stdin'))
    await client.next('copyInResponse')
    client.taken()
    const data = (row: string): FrontendMessage => ({ type: 'copyData', bytes: Buffer.from(row) })
    expect(await answers([data('43\n'), data('no number\n'), data('44\n'), { type: 'copyDone' }])).toEqual([
      ...['error 22P02', 'ready I'],
    ])
    expect(await answers([data('45\n'), { type: 'copyDone' }, query('select 7')])).toContain('row 7')
    expect(await rows('select * from log')).toEqual([])
  })

  it.each<[string, (one: RawClient) => void]>([
    ['vanishes', (one) => one.destroy()],
    ['says goodbye', (one) => one.send({ type: 'terminate' })],
    ['begins something else', (one) => one.send(query('select 1'))],
  ])('R-1.25: a client that %s in the middle of a COPY has written nothing', async (_, leave) => {
    await open()
    const closed = path.recorder.seen(({ kind }) => kind === 'session-closed')
    client.send(query('copy log from stdin'))
    await client.next('copyInResponse')
    client.send({ type: 'copyData', bytes: Buffer.from('46\n') })
    leave(client)
    await closed
    const left = "select 1 from pg_stat_activity where query = 'copy log from stdin' and state <> 'idle'"
    await expect.poll(() => rows(left), { timeout: 10_000 }).toEqual([])
    expect(await rows('select * from log')).toEqual([])
  })

  it('R-1.22: a Parse of two statements is refused as the server does', async () => {
    await open()
    expect(await answers([parse('select 1; select 2'), sync])).toEqual(['error 42601', 'ready I'])
  })

  it('R-1.23: a portal is read in pieces, each piece masked, and ends with its transaction', async () => {
    await open()
    const pieces = [parse('select id, ssn from people order by id'), bind('', 'p'), execute('p', 2), execute('p', 2)]
    expect(await answers([...pieces, execute('p', 2), sync])).toEqual([
      ...['parseComplete', 'bindComplete', 'row 1|[redacted]', 'row 2|[redacted]', 'portalSuspended'],
      ...['row 3|[redacted]', 'row 4|[redacted]', 'portalSuspended', 'row 5|[redacted]', 'SELECT 1', 'ready I'],
    ])
    expect(await answers([execute('p'), sync])).toEqual(['error 34000', 'ready I'])
  })

  it('R-1.24: a FunctionCall is refused in protocol, and recorded', async () => {
    await open()
    expect(await answers([functionCall])).toEqual(['error 0A000', 'ready I'])
    expect(path.recorder.of('denied').at(-1)).toMatchObject({ code: 'FEATURE_UNSUPPORTED' })
  })

  it.each<[string, readonly Format[], string]>([
    ['none, which is text', [], '0'],
    ['one for all', [1], '\0\0\0\0'],
    ['one each', [0, 1], '\0\0\0\0'],
    ['one each, the other way', [1, 0], '0'],
  ])('R-1.26: with formats %s a mask is valid in its type and format', async (_, formats, number) => {
    await open()
    const told = [parse('select ssn, score from people where id = 1'), bind('', '', formats), execute(), sync]
    expect(await answers(told)).toContain(`row [redacted]|${number}`)
  })
})

describe('what the target says unasked', () => {
  it('R-1.28: notifications come for channels whose LISTEN was allowed, and for no other', async () => {
    await open()
    expect(await answers([query('listen secret')])).toEqual(['error 42501', 'ready I'])
    expect(await answers([query('listen open')])).toEqual(['LISTEN', 'ready I'])
    await target.admin.query("notify secret, 'a'; notify open, 'b'")
    expect(await client.next('notificationResponse')).toMatchObject({ channel: 'open', payload: 'b' })
    await answers([query('unlisten open')])
    await target.admin.query("notify open, 'c'")
    expect(await answers([query('select 1')])).toEqual(['rowDescription', 'row 1', 'SELECT 1', 'ready I'])
  })

  it('R-1.29: settings are reported by a list, and changes of those reach the client', async () => {
    await open({}, { startup: { application_name: 'mine', DateStyle: 'ISO, DMY' } })
    expect(client.parameters.get('server_encoding')).toBe('UTF8')
    expect(client.parameters.get('application_name')).toBe('mine')
    expect(client.parameters.get('DateStyle')).toBe('ISO, DMY')
    expect(client.parameters.has('session_authorization')).toBe(false)
    expect(client.parameters.get('search_path')).toBe('"$user", public')
    await answers([query("set timezone to 'Asia/Tokyo'")])
    expect(client.parameters.get('TimeZone')).toBe('Asia/Tokyo')
  })

  it('R-1.29: the search_path is told when it has changed, and never what our own questions set it to', async () => {
    await open()
    await answers([query('set search_path to public')])
    expect(client.parameters.get('search_path')).toBe('public')
    await answers([query('begin'), query('create temp table own (i int)'), query('select * from own')], 3)
    expect(client.parameters.get('search_path')).toBe('public')
    await answers([query('rollback')])
    expect(client.parameters.get('search_path')).toBe('public')
    await answers([query('begin'), query('set local search_path to pg_catalog, public')], 2)
    expect(client.parameters.get('search_path')).toBe('pg_catalog, public')
    await answers([query('rollback')])
    expect(client.parameters.get('search_path')).toBe('public')
  })

  it('R-1.30: names of columns made from values are refused with the value', async () => {
    await open()
    expect(await answers([query('select ssn as "x" from people where id = 1')])).toContain('row [redacted]')
    expect(await answers([query('select upper(ssn) from people')])).toEqual(['error 42501', 'ready I'])
  })

  it('R-1.31: no way leads to another reading of strings', async () => {
    await open()
    for (const text of [
      'set standard_conforming_strings = off',
      "select set_config('standard_conforming_strings', 'off', false)",
      'set session standard_conforming_strings to 0',
      'alter role app set standard_conforming_strings = off',
      "update pg_settings set setting = 'off' where name = 'standard_conforming_strings'",
    ]) {
      const told = await answers([query(text)])
      expect(told[0], text).toMatch(/^error/)
    }
    await answers([query('reset all')])
    expect(await answers([query('show standard_conforming_strings')])).toContain('row on')
  })

  it.each([
    ['R-1.31', 'standard_conforming_strings', 'off'],
    ['R-1.32', 'client_encoding', 'SJIS'],
  ])(
    '%s: a trusted function that changes %s ends the session before anything is read under %s',
    async (_, name, value) => {
      const own = await startDataPath({
        yaml: yaml(target.server.port, '  trusted: { functions: ["public.set_any()"] }'),
        environment: targetEnvironment,
      })
      try {
        client = await rawClient(own)
        const run = (text: string): FrontendMessage[] => [parse(text), bind(), execute()]
        // Since 14 the server tells of the change only before ReadyForQuery. The last text means `ssn` where strings mean something else.
        const changed = run(`select set_any('${name}', '${value}')`)
        const hidden = run("select '\\', ' , upper(ssn) from people --'")
        client.send(...run('insert into log values (30)'), ...changed, ...hidden, sync)
        await client.closed
        const told = client.taken()
        expect(told).toContain(`row ${value}`)
        expect(told.at(-1)).toBe('error 42501')
        expect(told.join()).not.toContain('900-')
        expect(await rows('select * from log')).toEqual([])
      } finally {
        await own.stop()
      }
    },
  )

  it('R-1.36: what runs is the text that was judged, to the byte', async () => {
    await open()
    const text = "  select /* a -- b */ 1 as \"é\" ; select 'x''y' -- end"
    await answers([query(text)])
    const ran = "select query from pg_stat_activity where usename = 'app' and query like '%end'"
    expect(await rows(ran)).toEqual([{ query: text }])
  })
})
