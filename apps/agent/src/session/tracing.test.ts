// Which trace a request and a statement are of, and what goes on in its place.
import { describe, expect, it } from 'vitest'
import { tracedFields, traceOfText } from './tracing.ts'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const parent = '00f067aa0ba902b7'
const said = `00-${trace}-${parent}-00`
const random = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(0xab)

describe('fields of a request', () => {
  it('go on with a new parent in the same trace', () => {
    const { fields, tracing } = tracedFields(
      [
        ['traceparent', said],
        ['tracestate', 'a=1'],
        ['x', '1'],
      ],
      random,
    )
    expect(tracing.entry).toEqual({ trace, parent, span: 'ab'.repeat(8) })
    expect(fields).toEqual([
      ['tracestate', 'a=1'],
      ['x', '1'],
      ['traceparent', `00-${trace}-${'ab'.repeat(8)}-00`],
    ])
  })

  it.each([
    ['without one', []],
    ['with a malformed one', [['traceparent', '00-1']]],
    [
      'with two',
      [
        ['traceparent', said],
        ['traceparent', said],
      ],
    ],
  ] as const)('%s begin a trace, and lose their tracestate', (_, own) => {
    const { fields, tracing } = tracedFields([...own, ['tracestate', 'a=1']], random)
    expect(tracing.entry).toEqual({ trace: 'ab'.repeat(16), parent: '', span: 'ab'.repeat(8) })
    expect(fields).toEqual([['traceparent', `00-${'ab'.repeat(16)}-${'ab'.repeat(8)}-01`]])
  })
})

describe('a text of SQL', () => {
  it.each([
    ['alone', `select 1 /*traceparent='${said}'*/`],
    ['among others', `select 1 /*action='list',traceparent='${said}',route='%2Fa'*/`],
    ['before a semicolon', `select 1 /* traceparent='${said}' */ ;\n`],
  ])('says it in its last comment, %s', (_, text) => {
    expect(traceOfText(text)).toEqual({ trace, parent, span: '' })
  })

  it.each([
    ['elsewhere', `/*traceparent='${said}'*/ select 1`],
    ['twice', `select 1 /*traceparent='${said}',traceparent='${said}'*/`],
    ['malformed', "select 1 /*traceparent='00-1'*/"],
    ['in a literal', `select 'traceparent=''${said}'''`],
    ['with another name', `select 1 /*xtraceparent='${said}'*/`],
    ['far from the end', `select 1 /*traceparent='${said}',b='${'b'.repeat(3_000)}'*/`],
    ['nowhere', 'select 1'],
  ])('says none where it stands %s', (_, text) => {
    expect(traceOfText(text)).toBeNull()
  })
})
