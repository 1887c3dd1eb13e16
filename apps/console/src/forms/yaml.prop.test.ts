// The emitter against the parser that the control plane reads documents with.
import { readYaml } from '@sallyport/policy/yaml'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { yamlOf } from './yaml.ts'

const runs = 300
/** Members of objects go by name here; a prototype is not a member. */
const name = fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => text !== '__proto__')
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom(
    'yes',
    '~',
    '15m',
    '1e3',
    '0x1f',
    '2026-01-01',
    '- a',
    'a: b',
    'a:',
    '#x',
    'a #b',
    "it's",
    'a\n',
    '\n',
  ),
  fc
    .array(fc.constantFrom('a', ' ', '\n', ':', '-', '|', '#', '"', '\t'), { maxLength: 12 })
    .map((all) => all.join('')),
)
const json = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, tie('leaf'), tie('list'), tie('map')),
  leaf: fc.oneof(
    text,
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
  ),
  list: fc.array(tie('value'), { maxLength: 4 }),
  map: fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
})).value

it('whatever is written is read back as the same value', () => {
  fc.assert(
    fc.property(fc.dictionary(name, json, { minKeys: 1, maxKeys: 4, noNullPrototype: true }), (value) => {
      const { documents, problems } = readYaml(yamlOf(value))
      expect(problems).toEqual([])
      // -0 is 0 in JSON.
      expect(documents[0]?.value).toEqual(JSON.parse(JSON.stringify(value)))
    }),
    { numRuns: runs },
  )
})
