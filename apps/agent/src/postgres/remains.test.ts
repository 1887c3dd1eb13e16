// What statements leave at their connection, by the real analysis: nothing only where that is proven (THREATS ).
import { analyse } from '@sallyport/sql/analyse'
import { buildCatalog } from '@sallyport/sql/testing-catalog'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadParser } from '../parser.ts'
import { outlasts, sharingRefusal } from '../session/outlasting.ts'
import { remainsOf } from './remains.ts'

let parser: Awaited<ReturnType<typeof loadParser>>
beforeAll(async () => {
  parser = await loadParser()
})

const catalog = buildCatalog({
  relations: {
    'public.people': ['id int4!', 'name text'],
    'public.seeds': ['id int4 = setseed(0.5)', "what text = set_config('app.tenant', 'x', false)"],
    'public.seen': { columns: ['what text'], view: "SELECT set_config('app.tenant', 'x', false) AS what" },
    'public.jobs': {
      columns: ['id int4!', 'what text'],
      triggers: [{ name: 'note', function: 'public.note', events: ['update'] }],
    },
  },
  functions: {
    'public.note()': { returns: 'trigger', language: 'c' },
    'public.dblink_connect(text, text)': { returns: 'text', language: 'c' },
    'public.mine(int4)': { returns: 'int4', language: 'c' },
  },
})

function factsOf(text: string) {
  const context = { searchPath: ['public'], prepared: new Map(), cursors: new Map(), preset: 'none' } as const
  const analysis = analyse(text, catalog, context, parser)
  if (analysis.kind === 'syntax') throw new Error(analysis.message)
  const [only] = analysis.statements
  if (only === undefined) throw new Error('no statement')
  return only
}
const told = (text: string): string => {
  const { level, sets, forgets } = remainsOf(factsOf(text))
  return [level, ...(sets ? ['sets'] : []), ...(forgets ? ['forgets'] : [])].join(' ')
}

describe('a statement leaves', () => {
  it.each([
    'select id, upper(name) from people where id = $1 order by 1 limit 3',
    'update people set name = $1 where id = 1',
    'delete from people where id = 1',
    'truncate people',
    'begin',
    'commit',
    'savepoint s',
    "set local work_mem = '1MB'",
    "select set_config('app.tenant', '1', true)",
    'set transaction isolation level serializable',
    'select pg_advisory_xact_lock(1)',
    'select pg_advisory_unlock(1)',
    'show timezone',
    'declare c cursor for select id from people',
    'copy people to stdout',
    'lock table people',
    'notify jobs',
    'set sallyport.initiator to default',
  ])('nothing: %s', (text) => expect(told(text)).toBe('nothing'))

  it.each([
    'insert into people (name) values ($1)',
    'copy people from stdin',
    'update people set id = default',
    "select nextval('people_id_seq')",
    "select setval('people_id_seq', 1)",
    "with new as (insert into people values (1, 'a') returning id) select id from new",
    "merge into people p using jobs j on p.id = j.id when not matched then insert values (j.id, 'x')",
  ])('what sequences tell: %s', (text) => expect(told(text)).toBe('sequences'))

  it.each([
    ['set timezone = 1', 'nothing sets'],
    ['reset timezone', 'nothing sets'],
    ['reset all', 'nothing sets'],
    ['set session characteristics as transaction read only', 'nothing sets'],
    ["select set_config('work_mem', '1MB', false)", 'nothing sets'],
    ['discard all', 'anything sets forgets'],
    ['deallocate all', 'anything forgets'],
    ['discard plans', 'nothing'],
    ['discard temp', 'anything'],
  ])('settings, or less of what was prepared: %s', (text, expected) => expect(told(text)).toBe(expected))

  it.each([
    'select mine(1)',
    'select nobody(1)',
    'select missing from people',
    'update jobs set what = $1',
    'insert into seeds default values',
    'create table t (a int)',
    'create temporary table t (a int)',
    'drop table people',
    'listen jobs',
    'prepare s as select 1',
    'declare c cursor with hold for select 1',
    'declare c cursor with /* */ hold for select 1',
    'select pg_advisory_lock(1)',
    "select set_config('app.tenant', '1', true), what from seen",
    "select set_config(name, '1', false) from people",
    'do $$ begin end $$',
  ])('anything at all: %s', (text) => expect(told(text)).toMatch(/^(anything|unclean)/))

  it.each(['select setseed(0.5)', 'set seed = 0.5', "select dblink_connect('a', 'b')", "load 'x'", 'vacuum people'])(
    'what no reset undoes: %s',
    (text) => expect(told(text)).toMatch(/^unclean/),
  )
})

describe('where connections are shared', () => {
  it.each([
    'listen jobs',
    'prepare s as select 1',
    'deallocate s',
    'create temporary table t (a int)',
    'declare c cursor with hold for select 1',
    'declare c cursor with -- comment\n hold for select 1',
    'select pg_try_advisory_lock(1)',
    "set app.tenant = '1'",
    "select set_config('app.tenant', '1', false)",
    "load 'x'",
  ])('what outlasts its transaction is refused, or takes the connection: %s', (text) => {
    expect(sharingRefusal(factsOf(text), 'refuse')).toMatchObject({ code: 'FEATURE_UNSUPPORTED' })
    expect(sharingRefusal(factsOf(text), 'pin')).toBeNull()
    expect(outlasts(factsOf(text))).toBe(true)
  })

  it.each([
    'select 1',
    'unlisten *',
    'deallocate all',
    'discard all',
    'create temporary table t (a int) on commit drop',
    'set local app.tenant = 1',
    'set timezone = 1',
    'set sallyport.initiator to default',
  ])('what does not outlast it passes: %s', (text) => expect(sharingRefusal(factsOf(text), 'refuse')).toBeNull())

  it.each([
    'select * from pg_prepared_statements',
    'select name from pg_prepared_statement()',
    'set idle_session_timeout = 1',
  ])('what concerns others never passes: %s', (text) =>
    expect(sharingRefusal(factsOf(text), 'pin')).toMatchObject({ code: 'FEATURE_UNSUPPORTED' }),
  )
})
