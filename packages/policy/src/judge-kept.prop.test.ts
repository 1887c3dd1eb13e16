// What a session is told about a statement that was judged before is what it would be told anew, for every principal, value
// and time (DESIGN §4, Cache).
import { buildCatalog } from '@sallyport/sql/testing-catalog'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { PolicyDocument, Rule } from './document.ts'
import { judge } from './judge.ts'
import { chain, compileDocuments, context, facts, testNowMs } from './testing.ts'

const runs = { numRuns: process.env.SALLYPORT_TEST === 'full' ? 1_000 : 100 }
const catalogs = ['1', '2'].map((version) =>
  buildCatalog({ version, relations: { 's.x': ['id int8!', 'secret text'] } }),
)
const hourMs = 3_600_000

const callers = fc.constantFrom<NonNullable<Rule['callers']>>({ any: true }, { groups: ['a'] }, { kinds: ['workload'] })
const approval = { reviewers: [{ group: 'dba', count: 1 }], expires: '15m', wait: '60s', reason: 'optional' } as const
const scope = {
  operations: fc.option(fc.constantFrom(['select'], ['delete']), { nil: undefined }),
  objects: fc.option(fc.constantFrom(['s.x'], ['s.*'], ['t.p']), { nil: undefined }),
  when: fc.option(
    fc.constantFrom(
      'size(statement.parameters) == 1 && statement.parameters[0] == "1"',
      'now.getHours() < 13',
      'caller.subject == "u"',
      'statement.text == "b"',
    ),
    { nil: undefined, freq: 3 },
  ),
  mode: fc.constantFrom('enforce', 'enforce', 'enforce', 'shadow'),
}
const rule = fc.oneof(
  fc.record({ effect: fc.constant('allow'), callers, ...scope }),
  fc.record({ effect: fc.constant('hold'), callers, approval: fc.constant(approval), ...scope }),
  fc.record({ effect: fc.constant('deny'), callers: fc.option(callers, { nil: undefined }), ...scope }),
)
const documents = fc.array(rule, { maxLength: 4 }).map((drafts): PolicyDocument[] => [
  {
    apiVersion: 'sallyport.dev/v1',
    kind: 'Policy',
    metadata: { name: 'p' },
    spec: {
      targets: { any: true },
      rules: drafts.map((draft, index) => ({ name: `r${index}`, ...draft }) as Rule),
      masks: [],
      limits: [],
    },
  },
])
const effects = [
  'select s.x',
  'delete s.x',
  'select t.c < t.p',
  'derived delete s.x',
  'baseline select pg_catalog.pg_class',
]
const asked = fc.record({
  who: fc.nat(3),
  statement: fc.nat(3),
  text: fc.constantFrom('a', 'b'),
  parameters: fc.constantFrom<(string | null)[]>([], ['1'], ['2'], [null]),
  hours: fc.nat(3),
  rules: fc.nat(1),
  catalog: fc.nat(1),
})

it('a judgement that is remembered is the judgement that would be made', () => {
  fc.assert(
    fc.property(
      fc.tuple(documents, documents),
      fc.array(fc.uniqueArray(fc.constantFrom(...effects), { maxLength: 2 }), { minLength: 4, maxLength: 4 }),
      fc.array(asked, { minLength: 2, maxLength: 25 }),
      (rulebooks, statements, sequence) => {
        const people = [['u in a'], ['v in b'], ['u in a', 'w workload'], ['claimed u in a']] as const
        const sessions = people.map(([first, ...rest]) => chain(first, ...rest))
        const policies = rulebooks.map((each) => compileDocuments(each))
        const shapes = statements.map((list) => facts(list))
        for (const one of sequence) {
          const shape = shapes[one.statement]!
          const statement = one.text === 'a' ? shape : { ...shape, text: one.text, shape }
          const more = { parameters: one.parameters, nowMs: testNowMs + one.hours * hourMs }
          const [rules, catalog, session] = [policies[one.rules]!, catalogs[one.catalog]!, sessions[one.who]!]
          const remembered = judge(rules, statement, context(session, more), catalog)
          // Another object of the same people has nothing that is remembered.
          const anew = judge(rules, { ...statement }, context(structuredClone(session), more), catalog)
          expect(shown(remembered)).toEqual(shown(anew))
        }
      },
    ),
    runs,
  )
})

const shown = (judgement: ReturnType<typeof judge>) => ({
  ...judgement,
  decision: { ...judgement.decision, trace: judgement.decision.trace },
})
