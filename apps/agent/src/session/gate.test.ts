// The gate with real policies and the real parser: what it lets through, when, and what it puts into the record first.
// THREATS.
import { SallyportError } from '@sallyport/base/errors'
import type { EntryBody } from '@sallyport/ledger/entry'
import type { Catalog } from '@sallyport/sql/catalog'
import type { SqlParser, StatementFacts } from '@sallyport/sql/facts'
import { beforeAll, describe, expect, it } from 'vitest'
import { snapshotOf, testSnapshots } from '../../test/data-path.ts'
import { fakeHolds } from '../../test/fake-holds.ts'
import { holdDepsOf, noInitiators } from '../../test/hold-deps.ts'
import { noOwnCatalog, testCatalog } from '../../test/small-catalog.ts'
import { createBudgets } from '../limits/budgets.ts'
import { loadParser } from '../parser.ts'
import { scanTokens } from '../postgres/tokens.ts'
import { createAnalyser, factsCache } from './analysis.ts'
import type { CatalogSource } from './catalog-source.ts'
import { createGate, type Gate, type Judgement, type JudgeRequest } from './gate.ts'
import { noParameters } from './recorded.ts'

let parser: SqlParser
beforeAll(async () => {
  parser = await loadParser()
})

const yaml = (rules: string): string => `
apiVersion: sallyport.dev/v1
kind: Target
metadata: { name: shop }
spec: { protocol: postgres, agents: [a], host: h, database: d, roles: [{ name: app, password: { env: P } }] }
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata: { name: p }
spec:
  targets: { any: true }
  rules: ${rules}
  masks: [{ columns: [public.people.ssn], method: redact }]
`
const readAll = '[{ name: read, effect: allow, callers: { any: true }, operations: [select] }]'
const smallOnly =
  '[{ name: small, effect: allow, callers: { any: true }, operations: [select], when: "size(statement.parameters) == 1 && statement.parameters[0] == \'1\'" }]'

interface Opened {
  readonly gate: Gate
  readonly entries: EntryBody[]
  readonly refused: SallyportError[]
  readonly snapshots: ReturnType<typeof testSnapshots>
  failRecord: SallyportError | null
}

function open(rules = readAll, catalog: Partial<CatalogSource> = {}): Opened {
  const snapshots = testSnapshots(snapshotOf(yaml(rules), {}))
  const opened: Opened = { gate: undefined as never, entries: [], refused: [], snapshots, failRecord: null }
  const known = testCatalog()
  const append = (body: EntryBody): undefined => {
    if (opened.failRecord !== null) throw opened.failRecord
    opened.entries.push(body)
  }
  const gate = createGate({
    initiators: noInitiators,
    snapshots,
    target: 'shop',
    chain: {
      initiator: {
        kind: 'user',
        issuer: 'i',
        subject: 's',
        groups: [],
        claims: {},
        display: 's',
        assurance: 'verified',
      },
      actors: [],
    },
    session: {
      id: '',
      upstreamRole: 'app',
      database: 'd',
      clientAddress: '',
      applicationName: '',
      tls: true,
      authentication: '',
    },
    catalog: { fresh: () => known, read: async () => known, renewed: async () => known, own: noOwnCatalog, ...catalog },
    analyser: createAnalyser(parser, { preset: 'none' }, factsCache(), 'shop'),
    record: { append, note: append, write() {}, written: async () => {}, close() {} },
    scan: scanTokens,
    clock: { nowMs: () => 0 },
    monotonicUs: () => 0,
    hold: holdDepsOf(fakeHolds().holds),
    budgets: createBudgets({ nowMs: () => 0 }),
    onRefused: (error) => opened.refused.push(error),
  })
  return Object.assign(opened, { gate })
}

const ask = (text: string, changes: Partial<JudgeRequest> = {}): JudgeRequest => ({
  moment: 'query',
  text,
  facts: null,
  parameters: noParameters,
  hold: null,
  reading: 'unsettled',
  names: {
    searchPath: ['public'],
    prepared: () => undefined,
    preparedNames: [],
    cursors: () => new Map(),
    catalog: 'shared',
    objectsVersion: 0,
    pathTouched: false,
    isFull: false,
  },
  ...changes,
})
const bound = (value: string) => ({ values: [value], formats: [0 as const], lengths: [value.length] })
const codeOf = (judgement: Judgement | Promise<Judgement>): string => {
  if (judgement instanceof Promise) return 'later'
  return judgement.kind === 'refused' ? judgement.error.code : judgement.kind
}

describe('the gate', () => {
  it.each([
    ['select id from people', 'allowed'],
    ['select ssn from people', 'allowed'],
    ['select id from people; select ssn from people', 'allowed'],
    ['begin; select id from people; commit', 'allowed'],
    ['delete from people', 'POLICY_UNCOVERED'],
    ['select id from people; delete from people', 'POLICY_UNCOVERED'],
    ['select upper(ssn) from people', 'MASK_UNPROVABLE'],
    ['select nothing from people', 'COLUMN_MISSING'],
    ['select id from nobody', 'RELATION_MISSING'],
    ['select nothing(id) from people', 'FUNCTION_MISSING'],
    [
      'select id from people where unknown_column = 1 and xmltable is null and 1 = any (select 1 from other.db.t)',
      'STATEMENT_UNKNOWN',
    ],
    ['selekt', 'STATEMENT_SYNTAX'],
    ["set standard_conforming_strings = 'off'", 'SETTING_FORBIDDEN'],
    ['', 'allowed'],
  ])('judges %.60s as %s', (text, expected) => {
    expect(codeOf(open().gate.judge(ask(text)))).toBe(expected)
  })

  it.each([
    ['one literal of 256 KiB', `select '${'x'.repeat(262_144)}'`, 'STATEMENT_TOO_LONG'],
    ['one literal of 255 KiB', `select '${'x'.repeat(261_120)}'`, 'allowed'],
    ['as many statements as may be', 'rollback;'.repeat(1_000), 'allowed'],
    ['100,000 statements', 'select 1;'.repeat(100_000), 'STATEMENT_TOO_LONG'],
    ['450,000 values', `select 1 in (${'1,'.repeat(450_000)}1)`, 'STATEMENT_TOO_LONG'],
  ])('R-1.37: judges a text of %s by its size', (_, text, expected) => {
    expect(codeOf(open().gate.judge(ask(text)))).toBe(expected)
  })

  it('has an intent for each statement in the record before it answers', () => {
    const { gate, entries } = open()
    gate.judge(ask("select id from people where name = 'x'; select ssn from people"))
    expect(entries).toMatchObject([
      { kind: 'intent', statement: 1, text: expect.not.stringContaining("'x'") },
      { kind: 'intent', statement: 2, maskedColumns: 1, masks: [expect.stringContaining('p/')] },
    ])
  })

  it('has one denial in the record for a text of which one statement is denied', () => {
    const { gate, entries, refused } = open()
    gate.judge(ask('select id from people; delete from people'))
    expect(entries).toMatchObject([{ kind: 'denied', verb: 'delete', code: 'POLICY_UNCOVERED', statement: 1 }])
    expect(refused).toHaveLength(1)
  })

  it.each<[string, (opened: Opened) => void, string]>([
    [
      'the record cannot be written',
      (opened) => {
        opened.failRecord = new SallyportError('SPOOL_FULL', 'full')
      },
      'SPOOL_FULL',
    ],
    [
      'the snapshot has expired',
      ({ snapshots }) => snapshots.fail(new SallyportError('SNAPSHOT_EXPIRED', 'old')),
      'SNAPSHOT_EXPIRED',
    ],
    [
      'the target is gone from the snapshot',
      ({ snapshots }) => snapshots.publish({ ...snapshots.current(), targets: new Map() }),
      'POLICY_MISSING',
    ],
  ])('R-0.3: denies when %s', (_, change, code) => {
    const opened = open()
    change(opened)
    expect(codeOf(opened.gate.judge(ask('select id from people')))).toBe(code)
  })

  it('waits for a catalog that is too old, and denies when it cannot be read', async () => {
    const good = open(readAll, { fresh: () => undefined })
    expect(codeOf(await good.gate.judge(ask('select id from people')))).toBe('allowed')
    const bad = open(readAll, { fresh: () => undefined, read: () => Promise.reject(new Error('gone')) })
    expect(codeOf(await bad.gate.judge(ask('select id from people')))).toBe('CATALOG_STALE')
    expect(bad.entries).toMatchObject([{ kind: 'denied', code: 'CATALOG_STALE' }])
  })

  it('takes one statement only where one is prepared (R-1.22)', () => {
    expect(codeOf(open().gate.judge(ask('select 1; select 2', { moment: 'parse' })))).toBe('STATEMENT_SYNTAX')
  })

  it('records nothing for Parse and Bind, since nothing runs yet', () => {
    const { gate, entries } = open()
    gate.judge(ask('select id from people', { moment: 'parse' }))
    gate.judge(ask('select id from people', { moment: 'bind' }))
    expect(entries).toEqual([])
  })
})

describe('a rule that looks at parameters', () => {
  const text = 'select name from people where id = $1'
  it.each<[string, Partial<JudgeRequest>, string]>([
    ['lets the statement be prepared, where they are not known', { moment: 'parse' }, 'allowed'],
    ['lets it be bound to what it permits', { moment: 'bind', parameters: bound('1') }, 'allowed'],
    ['stops it when it is bound to anything else', { moment: 'bind', parameters: bound('2') }, 'POLICY_UNCOVERED'],
    ['stops it when it runs with anything else', { moment: 'run', parameters: bound('2') }, 'POLICY_UNCOVERED'],
  ])('%s', (_, changes, expected) => {
    expect(codeOf(open(smallOnly).gate.judge(ask(text, changes)))).toBe(expected)
  })

  it('does not let other statements be prepared', () => {
    const { gate } = open(smallOnly)
    expect(codeOf(gate.judge(ask('delete from people where id = $1', { moment: 'parse' })))).toBe('POLICY_UNCOVERED')
    expect(codeOf(gate.judge(ask('select name from people', { moment: 'parse' })))).toBe('POLICY_UNCOVERED')
  })
})

describe('what an open cursor or portal means', () => {
  const known = testCatalog()
  const newer: Catalog = { ...known, version: 'after a function was replaced' }
  /** What the gate found a text to be, as a session keeps it. */
  function factsOf(gate: ReturnType<typeof open>['gate'], text: string): StatementFacts {
    const judged = gate.judge(ask(text))
    if (judged instanceof Promise || judged.kind !== 'allowed') throw new Error(`"${text}" is not allowed`)
    return judged.statements[0]!.facts
  }
  const cursorIn = (facts: StatementFacts): ReadonlyMap<string, StatementFacts> => {
    const [declared] = facts.session.filter((effect) => effect.kind === 'declare')
    return new Map(declared === undefined ? [] : [[declared.name, declared.body]])
  }

  it('R-3.14: stays while the schema does', () => {
    const { gate } = open()
    const names = ask('').names
    const cursors = cursorIn(factsOf(gate, 'declare c cursor for select id from people'))
    expect(codeOf(gate.judge(ask('fetch c', { names: { ...names, cursors: () => cursors } })))).toBe('allowed')
    const portal = factsOf(gate, 'select id from people')
    expect(codeOf(gate.judge(ask('select id from people', { moment: 'run', facts: portal })))).toBe('allowed')
  })

  it('R-3.14: is no longer known once the schema has changed', () => {
    let now = known
    const { gate } = open(undefined, { fresh: () => now })
    const names = ask('').names
    const cursors = cursorIn(factsOf(gate, 'declare c cursor for select id from people'))
    const portal = factsOf(gate, 'select id from people')
    now = newer
    expect(codeOf(gate.judge(ask('fetch c', { names: { ...names, cursors: () => cursors } })))).toBe('CATALOG_STALE')
    expect(codeOf(gate.judge(ask('select id from people', { moment: 'run', facts: portal })))).toBe('CATALOG_STALE')
  })
})

describe('R-6.15: a denied text keeps back what any of its statements keeps back', () => {
  it.each([
    ["update people set ssn = '111-22-9999' where id = 2; delete from people", '111-22-9999'],
    [
      "delete from people; select id from people where ssn is null and name = 'x'; select upper('s3cret'), ssn from people",
      's3cret',
    ],
    ["delete from people; alter role app password 'HuNter7Secret'", 'HuNter7Secret'],
  ])('%s', (text, kept) => {
    const { gate, entries } = open()
    expect(codeOf(gate.judge(ask(text)))).not.toBe('allowed')
    expect(entries).toHaveLength(1)
    expect(JSON.stringify(entries)).not.toContain(kept)
  })
})

describe('rules in shadow mode', () => {
  it('bind nobody, and are recorded where they would have changed the decision', () => {
    const { gate, entries } = open(
      `[{ name: read, effect: allow, callers: { any: true }, operations: [select] },
        { name: no-people, effect: deny, objects: [public.people], mode: shadow },
        { name: may-delete, effect: allow, callers: { any: true }, operations: [delete], mode: shadow }]`,
    )
    expect(codeOf(gate.judge(ask('select id from people')))).toBe('allowed')
    expect(codeOf(gate.judge(ask('select 1')))).toBe('allowed')
    expect(codeOf(gate.judge(ask('delete from people')))).toBe('POLICY_UNCOVERED')
    const shadow = (rule: string, effect: string) => [{ policy: 'p', version: 1, rule, effect }]
    expect(entries).toMatchObject([
      { kind: 'intent', shadow: shadow('no-people', 'deny') },
      { kind: 'intent' },
      { kind: 'denied', shadow: shadow('may-delete', 'allow') },
    ])
    expect(entries[1]).not.toHaveProperty('shadow')
  })
})

describe('names that may have changed', () => {
  const names = ask('').names
  it.each<[string, string, Partial<JudgeRequest['names']>, string]>([
    ['nothing can be asked', 'select id from people', { catalog: 'none' }, 'CATALOG_STALE'],
    ['the same, but only transaction control', 'rollback', { catalog: 'none' }, 'allowed'],
    ['the same, but no object is named', 'select 1', { catalog: 'none' }, 'allowed'],
    [
      'the same, and a function of which there may be another',
      `select upper('a')`,
      { catalog: 'none' },
      'CATALOG_STALE',
    ],
    [
      'the same, and an operator of which there may be another',
      `select 'a' like 'b'`,
      { catalog: 'none' },
      'CATALOG_STALE',
    ],
    ['the same, but only a setting', `set timezone = 'UTC'`, { catalog: 'none' }, 'allowed'],
    ['objects changed, a function of which there may be another', `select upper('a')`, { catalog: 'own' }, 'unsettled'],
    ['objects changed, but only a setting', 'show timezone', { catalog: 'own' }, 'allowed'],
    ['objects changed, answers due', 'select id from people', { catalog: 'own' }, 'unsettled'],
    ['the same, but only transaction control', 'commit', { catalog: 'own' }, 'allowed'],
    ['the same, and a name that nobody else has', 'select 1 from fresh', { catalog: 'own' }, 'unsettled'],
    [
      'the path changed, and a rollback stands before',
      'rollback; select id from people',
      { pathTouched: true },
      'STATEMENT_UNKNOWN',
    ],
    [
      'the path changed, a rollback stands before, and a function of which there may be another',
      `rollback; select upper('a')`,
      { pathTouched: true },
      'STATEMENT_UNKNOWN',
    ],
    ['the path did not change before the rollback', 'rollback; select id from people', {}, 'allowed'],
  ])('%s: %s', (_, text, changes, expected) => {
    expect(codeOf(open().gate.judge(ask(text, { names: { ...names, ...changes } })))).toBe(expected)
  })

  it('R-3.14: objects that only the session sees are judged by what its own connection says', async () => {
    const known = testCatalog()
    const own = { ...known, version: 'own', relations: known.relations.map((one) => ({ ...one, name: 'fresh' })) }
    const asked: unknown[] = []
    const read = async (...asking: unknown[]) => {
      asked.push(asking)
      return own
    }
    const place = { block: true, unsynced: false }
    const touched = { ...names, catalog: 'own', objectsVersion: 7 } as const
    const at = (reading: JudgeRequest['reading']) => ask('select id from fresh', { names: touched, reading })
    const { gate } = open(readAll, { own: { ...noOwnCatalog, read } })
    expect(codeOf(await gate.judge(at(place)))).toBe('allowed')
    expect(asked).toEqual([[touched, place]])
    expect(codeOf(await gate.judge(at('impossible')))).toBe('CATALOG_STALE')
    const failing = open(readAll, { own: { ...noOwnCatalog, read: () => Promise.reject(new Error('said no')) } })
    expect(codeOf(await failing.gate.judge(at(place)))).toBe('CATALOG_STALE')
    const kept = open(readAll, { own: { ...noOwnCatalog, fresh: (wanted) => (wanted === touched ? own : undefined) } })
    expect(codeOf(kept.gate.judge(at('unsettled')))).toBe('allowed')
  })

  it.each<[string, string, boolean, string]>([
    ['a statement', 'prepare p as select id from people', false, 'allowed'],
    ['a cursor', 'declare c cursor for select id from people', false, 'allowed'],
    ['a statement, when the session is full', 'prepare p as select id from people', true, 'STATEMENT_TOO_LONG'],
    ['a cursor, when the session is full', 'declare c cursor for select id from people', true, 'STATEMENT_TOO_LONG'],
    ['nothing, when the session is full', 'select id from people; deallocate all', true, 'allowed'],
    ['a statement of a reserved name', 'prepare _sallyport_path as select id from people', false, 'REQUEST_INVALID'],
    ['a cursor of a reserved name', 'declare "_sallyport_c" cursor for select 1', false, 'REQUEST_INVALID'],
  ])('keeps %s', (_, text, isFull, expected) => {
    expect(codeOf(open().gate.judge(ask(text, { names: { ...names, isFull } })))).toBe(expected)
  })

  it('R-1.21: EXECUTE is judged as the body that was prepared, by its name alone', () => {
    const { gate } = open()
    const bodies = new Map([
      ['a', 'select ssn from people'],
      ['b', 'select upper(ssn) from people'],
    ])
    const prepared = { ...names, prepared: (name: string) => bodies.get(name), preparedNames: bodies.keys() }
    expect(codeOf(gate.judge(ask('execute a', { names: prepared })))).toBe('allowed')
    expect(codeOf(gate.judge(ask('EXECUTE B', { names: { ...prepared, preparedNames: bodies.keys() } })))).not.toBe(
      'allowed',
    )
    expect(codeOf(gate.judge(ask('execute c', { names: { ...prepared, preparedNames: bodies.keys() } })))).not.toBe(
      'allowed',
    )
  })
})
