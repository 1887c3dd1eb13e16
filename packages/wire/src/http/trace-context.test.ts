// The traceparent of W3C Trace Context: what is one, and what is none.
import { describe, expect, it } from 'vitest'
import { readTraceparent, traceparentOf, traceparentText } from './trace-context.ts'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const parent = '00f067aa0ba902b7'

describe('a traceparent', () => {
  it.each([
    ['of version 00', `00-${trace}-${parent}-01`, 1],
    ['that is not sampled', `00-${trace}-${parent}-00`, 0],
    ['with flags that nobody knows', `00-${trace}-${parent}-ff`, 3],
    ['of a later version', `01-${trace}-${parent}-01`, 1],
    ['of a later version with more in it', `cc-${trace}-${parent}-01-what-the-future-will-be`, 1],
  ])('%s is read', (_, text, flags) => {
    expect(readTraceparent(text)).toEqual({ trace, parent, flags })
  })

  it.each([
    ['nothing', ''],
    ['a version that is none', `ff-${trace}-${parent}-01`],
    ['more than version 00 has', `00-${trace}-${parent}-01-more`],
    ['a dash at the end', `00-${trace}-${parent}-01-`],
    ['more digits after a later version', `01-${trace}-${parent}-01a`],
    ['capitals', `00-${trace.toUpperCase()}-${parent}-01`],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${parent}-01`],
    ['a parent of zeros', `00-${trace}-${'0'.repeat(16)}-01`],
    ['a trace that is short', `00-${trace.slice(1)}-${parent}-01`],
    ['flags of one digit', `00-${trace}-${parent}-1`],
    ['blanks', ` 00-${trace}-${parent}-01`],
    ['a line end', `00-${trace}-${parent}-01\n`],
    ['what is far too long', `01-${trace}-${parent}-01-${'a'.repeat(600)}`],
  ])('with %s is none', (_, text) => {
    expect(readTraceparent(text)).toBeNull()
  })

  it('is written in version 00', () => {
    expect(traceparentText({ trace, parent, flags: 1 })).toBe(`00-${trace}-${parent}-01`)
  })

  it('is none where there are two', () => {
    const text = `00-${trace}-${parent}-01`
    expect(traceparentOf([['traceparent', text]])).toMatchObject({ trace })
    expect(
      traceparentOf([
        ['traceparent', text],
        ['traceparent', text],
      ]),
    ).toBeNull()
    expect(traceparentOf([['tracestate', 'a=1']])).toBeNull()
  })
})
