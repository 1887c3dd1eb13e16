// Which schemas are taken, and that no pattern of theirs takes long.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { regexProblem, schemaProblem } from './body-schema.ts'
import { routesOfOpenapi } from './openapi.ts'

describe('a schema', () => {
  it.each<[unknown, string | null]>([
    [true, null],
    [{ type: 'object', properties: { a: { type: 'string', pattern: '^[a-z]+$' } }, additionalProperties: false }, null],
    [{ anyOf: [{ type: 'null' }, { items: { enum: [1, 'a'] } }] }, null],
    [{ $ref: '#/x' }, '"$ref" is not read'],
    [{ properties: { a: { uniqueItems: true } } }, '"uniqueItems" is not read'],
    [{ items: { pattern: '^(a+)+$' } }, 'may take long'],
    [{ patternProperties: { '(a|a)*': true } }, 'may take long'],
    [{ allOf: [] }, 'list of schemas'],
    [{ properties: [] }, 'by name'],
    ['object', 'true, false or an object'],
    [{ const: 'x'.repeat(70_000) }, 'at most'],
  ])('%j: %s', (schema, problem) => {
    const found = schemaProblem(schema)
    if (problem === null) expect(found).toBeNull()
    else expect(found).toContain(problem)
  })
  it('is no deeper than is read', () => {
    let schema: unknown = true
    for (let at = 0; at < 40; at += 1) schema = { not: schema }
    expect(schemaProblem(schema)).toContain('in one another')
  })
})

describe('a pattern', () => {
  it.each(['^A[0-9]{3}$', '^[^@ ]{1,20}@x', '^\\d+$', '^[A-Z]{2}-\\w*', '^a?b', '^/v1/[a-z]+$', '^x{2,}$'])(
    '%s is taken',
    (pattern) => expect(regexProblem(pattern)).toBeNull(),
  )
  it.each([
    'a+$',
    '^(a+)+$',
    '^a+b+$',
    '^a*a*$',
    '^(?=a)',
    '^a|b',
    '^[a-z]{0,100}[a-z]{0,100}$',
    '^\\1',
    '^.{0,9999}$',
    '^[',
    '^\\b',
  ])('%s is not', (pattern) => expect(regexProblem(pattern)).not.toBeNull())
  it('that is taken does bounded work on any text', () => {
    const piece = fc.constantFrom('a', '[ab]', '\\w', '.', '[^b]', '\\d')
    const repeat = fc.constantFrom('', '*', '+', '?', '{2}', '{0,9}', '{3,}')
    const pattern = fc.array(fc.tuple(piece, repeat), { maxLength: 8 }).map((all) => `^${all.flat().join('')}$`)
    fc.assert(
      fc.property(pattern, fc.constantFrom('a', 'ab', '1', 'a1'), (source, unit) => {
        if (regexProblem(source) !== null) return
        // Linear in the text but for the ways that are counted: it ends, whatever the text is.
        expect(typeof new RegExp(source, 'u').test(`${unit.repeat(5_000)}!`)).toBe('boolean')
      }),
      { numRuns: 200 },
    )
  })
})

describe('an OpenAPI description', () => {
  const description = {
    paths: {
      '/v1/orders': {
        parameters: [{ name: 'page', in: 'query', schema: { type: 'integer', minimum: 1 } }],
        post: {
          operationId: 'createOrder',
          parameters: [{ $ref: '#/components/parameters/dry' }],
          requestBody: {
            required: true,
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Order' } } },
          },
        },
        put: { operationId: 'putOrders', requestBody: { content: { 'text/csv': { schema: {} } } } },
      },
    },
    components: {
      parameters: { dry: { name: 'dry', in: 'query', required: true, schema: { type: 'boolean' } } },
      schemas: {
        Order: {
          type: 'object',
          required: ['amount'],
          properties: {
            amount: { type: 'integer', example: 7, nullable: true },
            sku: { type: 'string', pattern: '(a+)+', 'x-note': 1 },
            parent: { $ref: '#/components/schemas/Order' },
          },
        },
      },
    },
  }
  it('gives schemas written out, looser where they could not be, and says so', () => {
    const { routes, problems } = routesOfOpenapi(description, { schemas: true })
    const create = routes.find(({ name }) => name === 'createOrder')
    expect(create).toMatchObject({
      body: {
        type: 'object',
        required: ['amount'],
        properties: { amount: { anyOf: [{ type: 'integer' }, { type: 'null' }] }, sku: { type: 'string' } },
      },
      query: {
        properties: { page: { type: 'integer', minimum: 1 }, dry: { type: 'boolean' } },
        required: ['dry'],
        additionalProperties: false,
      },
    })
    expect(create?.optionalBody).toBeUndefined()
    expect(schemaProblem(create?.body)).toBeNull()
    expect(problems.join()).toContain('refers to itself')
    expect(problems.join()).toContain('a pattern is left out')
    expect(problems.join()).toContain('putOrders: a body that is not JSON alone')
    expect(routesOfOpenapi(description).routes[0]).toEqual({ name: 'putOrders', methods: ['PUT'], path: '/v1/orders' })
  })
})
