// Statements on behalf of others, over connections of a function to a real PostgreSQL, with the driver that most Node
// programs use: whose rights count when, what the record says, and every token that is good for nothing (THREATS ).
import { generateKeyPair } from 'jose'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type DataPath, type Shown, startDataPath } from './data-path.ts'
import { type RealTarget, startRealTarget, targetDocument, targetEnvironment } from './real-target.ts'

let target: RealTarget
let path: DataPath
const clients: pg.Client[] = []

const mayAct = `  mayAct:
    - { actors: { groups: [functions] }, initiators: { groups: [customers] } }
`
const rules = `
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: shop }
spec:
  targets: { names: [shop] }
  rules:
    - { name: function, effect: allow, callers: { groups: [functions] } }
    - { name: ann, effect: allow, callers: { principals: [{ issuer: "https://idp.test", subject: ann }] }, objects: [public.of_ann, public.shared] }
    - { name: bob, effect: allow, callers: { principals: [{ issuer: "https://idp.test", subject: bob }] }, objects: [public.of_bob, public.shared] }
    - { name: held, effect: hold, callers: { groups: [customers] }, operations: [delete], approval: { reviewers: [{ group: dba }], wait: 30s } }
  masks:
    - { columns: [public.shared.secret], method: redact, unless: { groups: [functions] } }
`
const yaml = (port: number, more = mayAct): string => targetDocument(port, more) + rules

beforeAll(async () => {
  target = await startRealTarget({
    settings: { fsync: 'off' },
    schema: `
      create table of_ann (id int); insert into of_ann values (1);
      create table of_bob (id int); insert into of_bob values (2);
      create table shared (id int, secret text); insert into shared values (3, 'open sesame');
      create table of_function (id int); insert into of_function values (4);
    `,
  })
  path = await startDataPath({ yaml: yaml(target.server.port), environment: targetEnvironment })
}, 120_000)
afterAll(async () => {
  await path?.stop()
  await target?.stop()
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end().catch(() => {})))
  path.recorder.entries.length = 0
  path.tokens.behaviour.isUp = true
  path.snapshots.publish(path.snapshot(yaml(target.server.port)))
})

const revoked = (subject: string) => ({
  jti: '',
  issuer: 'https://idp.test',
  subject,
  beforeMs: Date.now() + 5_000,
})
const groupOf = (name: string, subject: string) => ({
  apiVersion: 'sallyport.dev/v1' as const,
  kind: 'Group' as const,
  metadata: { name },
  spec: { members: [{ issuer: 'https://idp.test', subject }] },
})
const asFunction = { kind: 'workload', groups: ['functions'], subject: 'web' } as const
async function connect(shown: Shown = asFunction): Promise<pg.Client> {
  const client = await path.connect(shown)
  clients.push(client)
  return client
}
const tokenFor = async (subject: string, more: Shown = {}): Promise<string> =>
  await path.token({ subject, groups: ['customers'], actors: ['web'], ...more })
const comment = (token: string): string => ` /*sallyport='${token}'*/`
/** Rows, or the code of the refusal. */
async function came(running: Promise<pg.QueryResult>): Promise<unknown> {
  try {
    return (await running).rows.map((row) => row.id ?? row)
  } catch (thrown) {
    const { hint = '', code } = thrown as pg.DatabaseError
    return /\(?([A-Z_]+), see/.exec(hint)?.[1] ?? code
  }
}
const ask = async (client: pg.Client, text: string, values?: unknown[]): Promise<unknown> =>
  await came(values === undefined ? client.query(text) : client.query(text, values))
const ann = 'select id from of_ann'
const bob = 'select id from of_bob'
const own = 'select id from of_function'

describe('a connection of a function', () => {
  it('has the rights of the function, and for an initiator those that both have', async () => {
    const client = await connect()
    const forAnn = comment(await tokenFor('ann'))
    const forBob = comment(await tokenFor('bob'))
    expect(await ask(client, ann)).toEqual([1])
    expect(await ask(client, own)).toEqual([4])
    expect(await ask(client, ann + forAnn)).toEqual([1])
    expect(await ask(client, bob + forAnn)).toBe('POLICY_UNCOVERED')
    expect(await ask(client, own + forAnn)).toBe('POLICY_UNCOVERED')
    expect(await ask(client, bob + forBob)).toEqual([2])
    expect(await ask(client, ann + forBob)).toBe('POLICY_UNCOVERED')
    expect(await ask(client, own)).toEqual([4])
  })

  it('shows what all of the chain may see, unmasked for the function alone', async () => {
    const client = await connect()
    const text = 'select secret as id from shared'
    expect(await ask(client, text)).toEqual(['open sesame'])
    const forAnn = comment(await tokenFor('ann'))
    for (let round = 0; round < 2; round++) {
      expect(await ask(client, text + forAnn)).toEqual(['[redacted]'])
      expect(await ask(client, text, [])).toEqual(['open sesame'])
      expect((await client.query({ name: `q${round}`, text: text + forAnn })).rows).toEqual([{ id: '[redacted]' }])
    }
  })

  it('keeps tokens from the target, the record and the log', async () => {
    const client = await connect()
    const token = await tokenFor('ann', { jti: 'token-1' })
    await client.query(ann + comment(token))
    await client.query(`SET sallyport.initiator = '${token}'`)
    await client.query("select set_config('sallyport.initiator', $1, false)", [token])
    await ask(client, `/*sallyport='${token}'*/ ${ann}`)
    await ask(client, `SET sallyport.initiator = E'${token}'`)
    await ask(client, `SET "sallyport"."initiator" = '${token}'`)
    const seen = await target.rows('select query from pg_stat_activity')
    for (const text of [JSON.stringify(path.recorder.entries), JSON.stringify(path.lines), JSON.stringify(seen)]) {
      expect(text).not.toContain(token)
      expect(text).not.toContain(token.split('.')[2])
    }
    // The SET that was refused took back what was said before, once.
    expect(await ask(client, 'select id from shared')).toBe('INITIATOR_REQUIRED')
    expect(await ask(client, 'select id from shared')).toEqual([3])
  })

  it('a COMMIT that the target skips leaves no statement of its transaction to the function alone', async () => {
    const client = await connect()
    await client.query('begin')
    await client.query(`SET sallyport.initiator = '${await tokenFor('ann')}'`)
    await client.query('savepoint s')
    await client.query('select 1/0; commit').catch(() => {})
    await client.query('rollback to s').catch(() => {})
    expect(await ask(client, own)).not.toEqual([4])
    await client.query('rollback')
    expect(await ask(client, own)).toEqual([4])
  })

  it('leaves with each statement for whom it was', async () => {
    const client = await connect()
    await client.query(ann + comment(await tokenFor('ann', { jti: 'token-2' })))
    await client.query(own)
    const [forAnn, forNobody] = path.recorder.of('intent')
    expect(forAnn).toMatchObject({
      text: ann,
      chain: {
        initiator: { subject: 'ann', assurance: 'verified', groups: ['customers'] },
        actors: [{ subject: 'web', kind: 'workload', assurance: 'verified' }],
        tokenId: 'token-2',
      },
    })
    expect(forNobody).not.toHaveProperty('chain')
    await ask(client, bob + comment(await tokenFor('ann')))
    expect(path.recorder.of('denied').at(-1)).toMatchObject({ chain: { initiator: { subject: 'ann' } } })
  })
})

describe('SET', () => {
  it.each([
    ['SET', async (client: pg.Client, token: string) => await client.query(`SET sallyport.initiator = '${token}'`)],
    [
      'set_config',
      async (client: pg.Client, token: string) =>
        await client.query("select set_config('sallyport.initiator', $1, true)", [token]),
    ],
    [
      'a prepared statement',
      async (client: pg.Client, token: string) =>
        await client.query({
          name: 'who',
          text: "select set_config('sallyport.initiator', $1, true)",
          values: [token],
        }),
    ],
  ])('by %s lasts for one text outside of a transaction, and to the end of one inside', async (_, say) => {
    const client = await connect()
    const token = await tokenFor('ann')
    await say(client, token)
    expect(await ask(client, own)).toBe('POLICY_UNCOVERED')
    expect(await ask(client, own)).toEqual([4])
    await say(client, token)
    expect(await ask(client, ann, [])).toEqual([1])
    expect(await ask(client, own, [])).toEqual([4])
    await client.query('begin')
    await say(client, token)
    expect(await ask(client, ann)).toEqual([1])
    expect(await ask(client, ann, [])).toEqual([1])
    expect(await ask(client, 'savepoint s')).toEqual([])
    expect(await ask(client, bob)).toBe('POLICY_UNCOVERED')
    expect(await ask(client, 'rollback to s')).toEqual([])
    expect(await ask(client, own)).toBe('POLICY_UNCOVERED')
    await client.query('rollback')
    expect(await ask(client, own)).toEqual([4])
  })

  it('is answered as the server answers it', async () => {
    const client = await connect()
    expect(await client.query(`SET sallyport.initiator = '${await tokenFor('ann')}'`)).toMatchObject({ command: 'SET' })
    expect(await client.query('RESET sallyport.initiator')).toMatchObject({ command: 'RESET' })
    const text = "select set_config('sallyport.initiator', $1, true)"
    expect((await client.query(text, [await tokenFor('ann')])).rows).toEqual([{ set_config: '' }])
    expect((await client.query(text, [null])).rows).toEqual([{ set_config: '' }])
    expect(await ask(client, own)).toEqual([4])
  })

  it('is outlived by nothing: not by COMMIT in the same text, nor by a new one', async () => {
    const client = await connect()
    await client.query('begin')
    await client.query(`SET sallyport.initiator = '${await tokenFor('ann')}'`)
    await client.query(`SET sallyport.initiator = '${await tokenFor('bob')}'`)
    expect(await ask(client, bob)).toEqual([2])
    await client.query('commit; begin')
    expect(await ask(client, own)).toEqual([4])
    await client.query('commit')
  })

  it('that is refused lets nothing run for whom it was said before, nor for the function', async () => {
    const client = await connect()
    await client.query(`SET sallyport.initiator = '${await tokenFor('ann')}'`)
    expect(await ask(client, "SET sallyport.initiator = 'forged'")).toBe('INITIATOR_INVALID')
    expect(await ask(client, ann)).toBe('INITIATOR_REQUIRED')
    expect(await ask(client, own)).toEqual([4])
    expect(await ask(client, "select set_config('sallyport.initiator', $1, true)", ['forged'])).toBe(
      'INITIATOR_INVALID',
    )
    expect(await ask(client, own, [])).toBe('INITIATOR_REQUIRED')
    expect(await ask(client, own, [])).toEqual([4])
  })

  it('stands alone in its text', async () => {
    const client = await connect()
    expect(await ask(client, `SET sallyport.initiator = '${await tokenFor('ann')}'; ${ann}`)).toBe('INITIATOR_PLACE')
    expect(await ask(client, 'show sallyport.initiator')).toBe('INITIATOR_PLACE')
    expect(path.recorder.of('denied')).toHaveLength(2)
    expect(path.recorder.of('intent')).toHaveLength(0)
  })
})

describe('a prepared statement', () => {
  it('runs for whoever is said at that moment', async () => {
    const client = await connect()
    const ask = async (name: string, text: string) => await came(client.query({ name, text }))
    expect(await ask('a', ann)).toEqual([1])
    expect(await ask('b', bob)).toEqual([2])
    for (const [who, first, second] of [
      ['ann', [1], 'POLICY_UNCOVERED'],
      ['bob', 'POLICY_UNCOVERED', [2]],
    ] as const) {
      await client.query(`SET sallyport.initiator = '${await tokenFor(who)}'`)
      expect(await ask('a', ann)).toEqual(first)
      await client.query(`SET sallyport.initiator = '${await tokenFor(who)}'`)
      expect(await ask('b', bob)).toEqual(second)
      expect(await ask('a', ann)).toEqual([1])
    }
  })

  it('leaves with each run for whom that run was, and with a run for nobody no chain but that of its session', async () => {
    const client = await connect()
    const text = 'select id from shared'
    const said = [
      await tokenFor('ann', { jti: 'run-1' }),
      null,
      await tokenFor('bob', { jti: 'run-2' }),
      'claimed:https://idp.test ann',
    ]
    for (const one of said) {
      if (one !== null) await client.query("select set_config('sallyport.initiator', $1, false)", [one])
      expect(await came(client.query({ name: 'shared', text }))).toEqual([3])
    }
    const runs = path.recorder.of('intent').filter((entry) => entry.text === text)
    const web = { kind: 'workload', subject: 'web', assurance: 'verified' }
    const chainOf = (subject: string, assurance: string, tokenId: string) => ({
      initiator: { subject, assurance },
      actors: [web],
      tokenId,
    })
    expect(runs.map(({ chain }) => chain)).toMatchObject([
      chainOf('ann', 'verified', 'run-1'),
      undefined,
      chainOf('bob', 'verified', 'run-2'),
      chainOf('ann', 'claimed', ''),
    ])
    // Whose connection it is, and how that was proven, stands in its session.
    expect(path.recorder.of('session-opened').at(-1)).toMatchObject({
      initiator: web,
      actors: [],
      authentication: 'jwt-password',
      tls: true,
    })
  })

  it('that was prepared for somebody is over with its batch or transaction, and then needs a new word', async () => {
    const client = await connect()
    const text = ann + comment(await tokenFor('ann'))
    const again = async () => await came(client.query({ name: 'p', text }))
    expect(await again()).toEqual([1])
    expect(await again()).toBe('INITIATOR_REQUIRED')
    await client.query(`SET sallyport.initiator = '${await tokenFor('bob')}'`)
    expect(await again()).toBe('POLICY_UNCOVERED')
    await client.query(`SET sallyport.initiator = '${await tokenFor('ann')}'`)
    expect(await again()).toEqual([1])
    await client.query('begin')
    const inside = { name: 't', text: `${text} ` }
    expect(await came(client.query(inside))).toEqual([1])
    expect(await came(client.query(inside))).toEqual([1])
    await client.query('commit')
    expect(await came(client.query(inside))).toBe('INITIATOR_REQUIRED')
  })

  it('by SQL, or a cursor, in a text that says for whom, is used for nobody without a new word', async () => {
    const client = await connect()
    const forAnn = comment(await tokenFor('ann'))
    for (const parameters of [undefined, [] as never[]]) {
      const name = parameters === undefined ? 'simple' : 'extended'
      await ask(client, `prepare ${name} as select id from shared${forAnn}`, parameters)
      expect(await ask(client, `execute ${name}`)).toBe('INITIATOR_REQUIRED')
      expect(await ask(client, `execute ${name}`, [])).toBe('INITIATOR_REQUIRED')
      expect(await ask(client, `execute ${name}${comment(await tokenFor('bob'))}`)).toEqual([3])
      await client.query(`SET sallyport.initiator = '${await tokenFor('ann')}'`)
      expect(await ask(client, `execute ${name}`)).toEqual([3])
      expect(await ask(client, `execute ${name}`)).toBe('INITIATOR_REQUIRED')
      await client.query(`deallocate ${name}`)
      await client.query(`prepare ${name} as select id from shared`)
      expect(await ask(client, `execute ${name}`)).toEqual([3])
    }
    await client.query('begin')
    await client.query(`declare c cursor for select id from shared${forAnn}`)
    expect(await ask(client, 'fetch 1 from c')).toBe('INITIATOR_REQUIRED')
    await client.query('rollback')
  })

  it('by SQL runs for whoever says EXECUTE', async () => {
    const client = await connect()
    await client.query(`prepare p as ${own}`)
    expect(await ask(client, 'execute p')).toEqual([4])
    expect(await ask(client, `execute p${comment(await tokenFor('ann'))}`)).toBe('POLICY_UNCOVERED')
    await client.query('begin')
    await client.query(`declare c cursor for ${own}`)
    expect(await ask(client, `fetch 1 from c${comment(await tokenFor('ann'))}`)).toBe('POLICY_UNCOVERED')
    await client.query('rollback')
  })
})

describe('a pool of one connection', () => {
  it('never runs a statement of one person under the rights of another', async () => {
    const pool = new pg.Pool({ ...(await path.config(asFunction)), max: 1 })
    pool.on('error', () => {})
    const own = { ann: 'of_ann', bob: 'of_bob' } as const
    const people = ['ann', 'bob'] as const
    const tokens = { ann: await tokenFor('ann'), bob: await tokenFor('bob') }
    /** One request of a web service, in the way that the number says. */
    const request = async (nth: number): Promise<void> => {
      const who = people[nth % 2] ?? 'ann'
      const table = own[people[Math.floor(nth / 2) % 2] ?? 'ann']
      const isPrepared = nth % 3 !== 0
      const isComment = nth % 5 === 0
      const client = await pool.connect()
      try {
        const text = `select id from ${table}${isComment ? comment(tokens[who]) : ''}`
        const run = () => came(client.query(isPrepared && !isComment ? { name: table, text } : { text, values: [] }))
        if (!isComment) await client.query('begin')
        if (!isComment) await client.query("select set_config('sallyport.initiator', $1, true)", [tokens[who]])
        const right = table === own[who] ? [who === 'ann' ? 1 : 2] : 'POLICY_UNCOVERED'
        expect(await run(), `${who} asks ${table}`).toEqual(right)
        if (!isComment) await client.query(nth % 7 === 0 ? 'commit' : 'rollback')
      } finally {
        client.release()
      }
    }
    try {
      await Promise.all(Array.from({ length: 60 }, (_, nth) => request(nth)))
      for (const { text, chain } of path.recorder.of('intent'))
        if (/of_(ann|bob)/.test(text)) expect(`of_${chain?.initiator.subject}`).toBe(/of_\w+/.exec(text)?.[0])
    } finally {
      await pool.end()
    }
  })
})

describe('R-6.2: a hostile token', () => {
  const forged = async () => (await generateKeyPair('ES256')).privateKey
  it.each<[string, string, () => Promise<Shown> | Shown]>([
    ['forged', 'INITIATOR_INVALID', async () => ({ forged: { key: await forged() } })],
    ['that has ended', 'INITIATOR_EXPIRED', () => ({ seconds: -70 })],
    ['that lives too long', 'INITIATOR_INVALID', () => ({ seconds: 301 })],
    ['for another target', 'INITIATOR_AUDIENCE_WRONG', () => ({ target: 'payroll' })],
    ['for another installation', 'INITIATOR_AUDIENCE_WRONG', () => ({ forged: { audience: 'other' } })],
    ['of another type', 'INITIATOR_TYPE_WRONG', () => ({ forged: { header: { typ: 'sallyport+jwt' } } })],
    ['without a type', 'INITIATOR_TYPE_WRONG', () => ({ forged: { header: { typ: undefined } } })],
    ['without an actor', 'INITIATOR_INVALID', () => ({ forged: { claims: { act: undefined } } })],
    [
      'signed with a secret',
      'INITIATOR_ALGORITHM_WRONG',
      () => ({ forged: { header: { alg: 'HS256' }, key: new Uint8Array(32) } }),
    ],
    ['copied to another workload', 'INITIATOR_COPIED', () => ({ actors: ['mailer'] })],
    ['whose outer actor is another', 'INITIATOR_COPIED', () => ({ actors: ['mailer', 'web'] })],
    ['for whom the function may not act', 'ACTOR_FORBIDDEN', () => ({ groups: ['clerks'] })],
    ['for another role', 'UPSTREAM_ROLE_FORBIDDEN', () => ({ role: 'owner' })],
  ])('%s is refused: %s', async (_, code, shown) => {
    const client = await connect()
    const token = await tokenFor('ann', await shown())
    expect(await ask(client, ann + comment(token))).toBe(code)
    expect(await ask(client, ann + comment(token), [])).toBe(code)
    expect(await ask(client, `SET sallyport.initiator = '${token}'`)).toBe(code)
    expect(path.recorder.of('denied').at(-1)).toMatchObject({ code, text: 'SET sallyport.initiator TO DEFAULT' })
    expect(path.recorder.of('intent')).toHaveLength(0)
    expect(await ask(client, own)).toBe('INITIATOR_REQUIRED')
    expect(await ask(client, own)).toEqual([4])
  })

  it('is refused on a connection that speaks for somebody else', async () => {
    const forAnn = await connect({ subject: 'ann', groups: ['customers'], actors: ['web'] })
    expect(await ask(forAnn, ann + comment(await tokenFor('ann')))).toEqual([1])
    expect(await ask(forAnn, bob + comment(await tokenFor('bob')))).toBe('INITIATOR_CONFLICT')
    expect(await ask(forAnn, bob + comment('claimed:bob'))).toBe('INITIATOR_CONFLICT')
    const person = await connect({ subject: 'ann', groups: ['customers'] })
    expect(await ask(person, bob + comment(await tokenFor('bob')))).toBe('INITIATOR_COPIED')
  })
})

describe('R-6.3: a token for one use', () => {
  it('is good for one text, one batch or one transaction', async () => {
    const client = await connect()
    const once = comment(await tokenFor('ann', { once: true }))
    expect(await ask(client, ann + once)).toEqual([1])
    expect(await ask(client, ann + once)).toBe('INITIATOR_REPLAYED')
    expect(await ask(client, ann + comment(await tokenFor('ann', { once: true })), [])).toEqual([1])
    const token = await tokenFor('ann', { once: true })
    await client.query('begin')
    await client.query(`SET sallyport.initiator = '${token}'`)
    expect(await ask(client, ann)).toEqual([1])
    expect(await ask(client, ann, [])).toEqual([1])
    await client.query('commit')
    expect(await ask(client, `SET sallyport.initiator = '${token}'`)).toBe('INITIATOR_REPLAYED')
  })

  it('is not used up by whoever has only a copy, and refused while nobody can be asked', async () => {
    const token = await tokenFor('ann', { once: true })
    const thief = await connect({ ...asFunction, subject: 'mailer' })
    expect(await ask(thief, ann + comment(token))).toBe('INITIATOR_COPIED')
    const client = await connect()
    expect(await ask(client, ann + comment(token))).toEqual([1])
    path.tokens.behaviour.isUp = false
    expect(await ask(client, ann + comment(await tokenFor('ann', { once: true })))).toBe('INITIATOR_REPLAYED')
  })

  it('opens one connection', async () => {
    const password = await tokenFor('ann', { once: true })
    const client = await path.connect({ password })
    clients.push(client)
    expect(await ask(client, ann)).toEqual([1])
    await expect(path.connect({ password })).rejects.toMatchObject({
      code: '28P01',
      hint: expect.stringContaining('TOKEN_REPLAYED'),
    })
  })
})

describe('a connection for a person', () => {
  it('is opened with a token of the exchange as the password, with the rights of both', async () => {
    const client = await connect({ subject: 'ann', groups: ['customers'], actors: ['web'] })
    expect(await ask(client, ann)).toEqual([1])
    expect(await ask(client, own)).toBe('POLICY_UNCOVERED')
    expect(path.recorder.of('session-opened').at(-1)).toMatchObject({
      initiator: { subject: 'ann', kind: 'user' },
      actors: [{ subject: 'web', kind: 'workload' }],
    })
  })

  it('is not opened where the one may not act for the other, and ends when that is withdrawn', async () => {
    await expect(connect({ subject: 'ann', groups: ['clerks'], actors: ['web'] })).rejects.toMatchObject({
      hint: expect.stringContaining('ACTOR_FORBIDDEN'),
    })
    const client = await connect({ subject: 'ann', groups: ['customers'], actors: ['web'] })
    const ended = new Promise((resolve) => client.once('end', resolve))
    path.snapshots.publish(path.snapshot(yaml(target.server.port, '')))
    await ended
  })
})

describe('what changes meanwhile', () => {
  it('bites on a token that was verified before: revocation, withdrawn rules', async () => {
    const client = await connect()
    const forAnn = comment(await tokenFor('ann', { jti: 'token-3' }))
    expect(await ask(client, ann + forAnn)).toEqual([1])
    const revocation = { jti: 'token-3', issuer: '', subject: '', beforeMs: 0 }
    path.snapshots.publish(path.snapshot(yaml(target.server.port), { revocations: [revocation] }))
    expect(await ask(client, ann + forAnn)).toBe('INITIATOR_INVALID')
    expect(await ask(client, own)).toEqual([4])
    path.snapshots.publish(path.snapshot(yaml(target.server.port, '')))
    expect(await ask(client, ann + comment(await tokenFor('ann')))).toBe('ACTOR_FORBIDDEN')
  })

  it.each([
    ['the function is revoked', () => ({ revocations: [revoked('web')] })],
    [
      'a key or token that its own was made with is',
      () => ({ revocations: [{ ...revoked(''), jti: 'parent-1', issuer: '' }] }),
    ],
    ['it is taken out of its group', () => ({ groups: [groupOf('functions', 'mailer')] })],
    [
      'its platform is trusted no longer',
      () => ({ issuers: new Map([...path.snapshot(yaml(target.server.port)).issuers].slice(0, 1)) }),
    ],
  ])('ends a session with a prepared statement when %s', async (_, change) => {
    const client = await connect({
      ...asFunction,
      forged: { claims: { sp_from: [{ iss: 'https://sallyport.test', jti: 'parent-1' }] } },
    })
    expect(await came(client.query({ name: 'own', text: own }))).toEqual([4])
    const ended = new Promise((resolve) => client.once('end', resolve))
    path.snapshots.publish(path.snapshot(yaml(target.server.port), change()))
    await ended
    await expect(client.query({ name: 'own', text: own })).rejects.toThrow()
  })

  it('a statement that is prepared and not revoked runs on for others', async () => {
    const client = await connect()
    await client.query({ name: 'p', text: 'select id from shared' })
    await client.query('begin')
    await client.query(`SET sallyport.initiator = '${await tokenFor('ann')}'`)
    const again = async () => await came(client.query({ name: 'p', text: 'select id from shared' }))
    expect(await again()).toEqual([3])
    const beforeMs = Date.now() + 5_000
    const revocation = { jti: '', issuer: 'https://idp.test', subject: 'ann', beforeMs }
    path.snapshots.publish(path.snapshot(yaml(target.server.port), { revocations: [revocation] }))
    expect(await again()).toBe('INITIATOR_INVALID')
    await client.query('rollback')
    expect(await again()).toEqual([3])
  })
})

describe('initiator: required', () => {
  it('denies what a function does for nobody, or for somebody who is only claimed', async () => {
    path.snapshots.publish(path.snapshot(yaml(target.server.port, `${mayAct}  initiator: required\n`)))
    const client = await connect()
    expect(await ask(client, own)).toBe('INITIATOR_REQUIRED')
    expect(await ask(client, 'select 1 as id')).toEqual([1])
    expect(await ask(client, ann + comment('claimed:ann'))).toBe('INITIATOR_REQUIRED')
    expect(await ask(client, ann + comment(await tokenFor('ann')))).toEqual([1])
    await client.query('begin')
    await client.query("select set_config('sallyport.initiator', $1, true)", [await tokenFor('bob')])
    expect(await ask(client, bob, [])).toEqual([2])
    await client.query('commit')
    expect(await ask(client, bob, [])).toBe('INITIATOR_REQUIRED')
  })
})

describe('a claimed initiator', () => {
  it('is recorded as such, and neither opens nor hides anything', async () => {
    const client = await connect()
    const claim = comment('claimed:https%3A%2F%2Fidp.test%20bob')
    expect(await ask(client, own + claim)).toEqual([4])
    expect(await ask(client, ann + claim)).toEqual([1])
    expect(path.recorder.of('intent').at(-1)).toMatchObject({
      chain: {
        initiator: { issuer: 'https://idp.test', subject: 'bob', assurance: 'claimed', groups: [] },
        actors: [{ subject: 'web', assurance: 'verified' }],
        tokenId: '',
      },
    })
    expect(await ask(client, ann + comment('claimed:'))).toBe('INITIATOR_INVALID')
  })
})

describe('a held statement', () => {
  it('is asked about, and recorded, for its initiator', async () => {
    const client = await connect()
    const token = await tokenFor('ann')
    const running = ask(client, `delete from of_ann${comment(token)}`)
    const held = await path.recorder.seen(({ kind }) => kind === 'held')
    expect(held).toMatchObject({ text: 'delete from of_ann', chain: { initiator: { subject: 'ann' } } })
    const evidence = JSON.stringify(path.control)
    expect(evidence).not.toContain(token)
    await client.end()
    await running
  })
})
