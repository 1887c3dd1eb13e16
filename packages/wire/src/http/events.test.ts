// Lines and server-sent events: any split of the bytes gives the same ones (THREATS ).
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventText, readEvents, type ServerEvent } from './events.ts'
import { splitLines } from './lines.ts'
import { charsetOf, mediaOf } from './media.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8')
const cuts = (length: number) => fc.uniqueArray(fc.nat(length), { maxLength: 8 }).map((at) => at.sort((a, b) => a - b))
const pieces = (all: Buffer, at: readonly number[]): Buffer[] =>
  [0, ...at].map((from, index) => all.subarray(from, at[index] ?? all.length))

const eventsOf = (parts: readonly Buffer[]): ServerEvent[] => {
  const events = readEvents(1_000)
  return parts.flatMap((part) => [...events.push(part)])
}
const event = (more: Partial<ServerEvent>): ServerEvent => ({ event: null, data: null, id: null, retry: null, ...more })

describe('server-sent events', () => {
  it.each<[string, readonly ServerEvent[]]>([
    ['data: a\n\n', [event({ data: 'a' })]],
    ['data:a\r\rdata:  b\r\r', [event({ data: 'a' }), event({ data: ' b' })]],
    ['data: a\r\ndata: b\r\n\r\n', [event({ data: 'a\nb' })]],
    ['\ufeffdata: a\n\n', [event({ data: 'a' })]],
    ['data\n\n', [event({ data: '' })]],
    [': alive\n\n', [event({})]],
    ['event: x\nid: 7\nretry: 10\ndata: y\nnobody: z\n\n', [event({ event: 'x', id: '7', retry: '10', data: 'y' })]],
    ['id: a\0b\nretry: 1s\n\n', [event({})]],
    ['data: never dispatched\n', []],
  ])('%j', (text, expected) => {
    expect(eventsOf([bytes(text)])).toEqual(expected)
  })

  it('are the same at every split of the bytes', () => {
    const line = fc.oneof(
      fc.constantFrom('data: größe', 'data', 'data:x', ': c', 'event: e', 'id: 1', '', '', 'x: y'),
      fc.string({ unit: 'grapheme', maxLength: 10 }),
    )
    const text = fc
      .array(fc.tuple(line, fc.constantFrom('\n', '\r', '\r\n')), { maxLength: 20 })
      .map((lines) => lines.flat().join(''))
    fc.assert(
      fc.property(
        text.chain((all) => fc.tuple(fc.constant(bytes(all)), cuts(bytes(all).length))),
        ([all, at]) => {
          expect(eventsOf(pieces(all, at))).toEqual(eventsOf([all]))
        },
      ),
    )
  })

  it('are written as they were read, and no value begins a field', () => {
    const made = event({ event: 'a\ndata: b', data: 'x\r\ny\rz', id: '1' })
    expect(eventsOf([bytes(eventText(made))])).toEqual([event({ event: 'adata: b', data: 'x\ny\nz', id: '1' })])
  })

  it.each([
    ['a line past its length', `data: ${'x'.repeat(1_001)}`, 'a line of more than 1000 bytes'],
    ['an event past its length', 'data: x\n'.repeat(200), 'an event of more than 1000 bytes'],
    ['an event that is no UTF-8', 'data: \xff\n', 'no UTF-8'],
  ])('refuses %s', (_, text, message) => {
    expect(() => eventsOf([Buffer.from(text, 'latin1')])).toThrow(message)
  })
})

describe('lines', () => {
  it.each([
    ['a\nb\n', ['a', 'b'], ''],
    ['a\r\nb', ['a\r'], 'b'],
    ['\n\n', ['', ''], ''],
  ])('%j', (text, expected, rest) => {
    const lines = splitLines('lf', 10)
    expect(lines.push(bytes(text)).map((line) => Buffer.from(line).toString())).toEqual(expected)
    expect(Buffer.from(lines.end()).toString()).toBe(rest)
  })
  it('end at a length, and not one before', () => {
    expect(splitLines('lf', 3).push(bytes('abc\n'))).toHaveLength(1)
    expect(() => splitLines('lf', 3).push(bytes('abcd'))).toThrow('3 bytes')
  })
})

describe('a content type', () => {
  it.each([
    ['application/json', 'json', 'utf-8'],
    ['Application/Problem+JSON; charset=UTF-8', 'json', 'utf-8'],
    ['application/json;charset="utf-16"', 'json', null],
    ['application/x-ndjson', 'lines', 'utf-8'],
    ['text/event-stream', 'events', 'utf-8'],
    ['text/html; charset=ISO-8859-1', 'text', 'bytes'],
    ['text/plain; charset=utf-7', 'text', null],
    ['application/xhtml+xml', 'text', 'utf-8'],
    ['application/x-www-form-urlencoded', 'form', 'utf-8'],
    ['application/octet-stream', 'opaque', 'utf-8'],
    ['multipart/form-data; boundary=x', 'opaque', 'utf-8'],
    [undefined, 'opaque', 'utf-8'],
  ])('%s is %s', (text, kind, charset) => {
    const media = mediaOf(text)
    expect(media.kind).toBe(kind)
    expect(charsetOf(media)).toBe(charset)
  })
  it.each(['application/json, text/plain', 'json', '', 'text/plain; charset=utf-8; charset=utf-7', 'text/plain; x'])(
    '%j could be read in two ways',
    (text) => expect(() => mediaOf(text)).toThrow('Content-Type'),
  )
})
