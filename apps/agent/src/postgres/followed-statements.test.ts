// Prepared statements of sessions that share a connection: what is one statement there, and what the connection has (THREATS ).
import { ByteWriter } from '@sallyport/wire/bytes/writer'
import { backendBytes } from '@sallyport/wire/postgres/names'
import { expect, it } from 'vitest'
import type { BackendMemory } from './backend-settings.ts'
import { FollowedStatements, nameAtBackend } from './followed-statements.ts'
import { readingOf } from './parameters.ts'
import type { Prepared } from './state.ts'

const prepared = (text: string): Prepared => ({
  name: 's',
  text,
  parameterTypes: [],
  describedTypes: [],
  pendingSegment: null,
  described: null,
  sensitive: false,
  said: null,
  sets: null,
  place: '',
})
const memoryOf = (): BackendMemory => ({ login: new Map(), baseline: '', statements: new Map(), settings: '' })
const parse = ({ name, text }: Prepared) => ({ type: 'parse', name, text, parameterTypes: [] }) as const
const bindOf = ({ name: statement }: Prepared) =>
  ({ type: 'bind', portal: '', statement, parameterFormats: [], parameters: [], resultFormats: [] }) as const
const described = { columns: [], under: {} as never }

it('R-0.1: one text is one statement under settings that read it in one way, and only there', () => {
  const nameUnder = (...settings: [string, string][]) =>
    nameAtBackend(prepared("select '01/02/2024'::date"), readingOf(new Map(settings)))
  const none = nameUnder()
  expect(nameUnder(['application_name', 'x'], ['statement_timeout', '1s'])).toBe(none)
  expect(nameUnder(['datestyle', 'SQL, DMY'])).toBe(nameUnder(['DateStyle', 'SQL, DMY'], ['application_name', 'x']))
  for (const name of ['DateStyle', 'TimeZone', 'IntervalStyle', 'lc_monetary'])
    expect(nameUnder([name, 'other'])).not.toBe(none)
})

it('what says "now" or "today" is nobody else’s', () => {
  const text = "select * from jobs where day = 'today'"
  const own = prepared(text)
  expect(nameAtBackend(own, '')).toBe(nameAtBackend(own, ''))
  expect(nameAtBackend(own, '')).not.toBe(nameAtBackend(prepared(text), ''))
})

it('R-3.14: at another connection it is described anew, and so is what was prepared anew there', () => {
  const statement = prepared('select * from people')
  const memory = memoryOf()
  const first = new FollowedStatements(memory, new ByteWriter(), '')
  first.forward(parse(statement), statement)
  first.answered(backendBytes.closeComplete, 0)
  first.answered(backendBytes.parseComplete, 0)
  first.forward(bindOf(statement), statement)
  statement.described = described
  first.forward(bindOf(statement), statement)
  expect(statement.described).toBe(described)
  first.end()
  expect(statement.described).toBeNull()
  statement.described = described
  memory.statements.clear()
  new FollowedStatements(memory, new ByteWriter(), '').forward(bindOf(statement), statement)
  expect(statement.described).toBeNull()
})

it('R-2.15: what is dropped behind a Parse is not there, although the Parse is answered later', () => {
  const statement = prepared('select 1')
  const memory = memoryOf()
  const statements = new FollowedStatements(memory, new ByteWriter(), '')
  statements.forward(parse(statement), statement)
  statements.forget()
  statements.answered(backendBytes.closeComplete, 0)
  statements.answered(backendBytes.parseComplete, 0)
  expect([...memory.statements.keys()]).toEqual([])
})
