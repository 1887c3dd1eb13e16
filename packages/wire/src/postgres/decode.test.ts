// The corpus: every message that exists, and every way to break one that we know of. Bytes come from testdata, which our
// encoder did not write, and from pg-protocol, which we did not write.
import { readFileSync } from 'node:fs'
import { serialize } from 'pg-protocol'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../protocol-error.ts'
import {
  dataRowSpans,
  decodeBackend,
  decodeFrontend,
  decodePassword,
  decodeSaslInitial,
  decodeStartup,
} from './decode.ts'
import { encodeBackend, encodeFrontend, encodeStartup, passwordBytes, saslInitialBytes } from './encode.ts'
import { type Frame, FrameSplitter, StartupSplitter } from './frames.ts'
import { backendCaps, frontendCaps } from './names.ts'
import { traceBackend, traceFrontend, traceStartup } from './trace.ts'

const shown = { values: 'shown' } as const
const read = (name: string): string => readFileSync(new URL(`./testdata/${name}`, import.meta.url), 'utf8')

/** `51 00 'select 1' 00` */
function bytesOf(notation: string): Buffer {
  const parts = notation.match(/'[^']*'|[0-9a-f]{2}/g) ?? []
  return Buffer.concat(
    parts.map((part) => (part.startsWith("'") ? Buffer.from(part.slice(1, -1)) : Buffer.from(part, 'hex'))),
  )
}

/** Decodes what stands in the corpus: how it reads, and what our encoder makes of it. */
function readOne(direction: string, bytes: Buffer): { trace: string; again: Buffer } {
  if (direction === 'C1') {
    const frame = new StartupSplitter().push(bytes)
    if (frame === undefined) throw new Error('incomplete')
    const packet = decodeStartup(frame.body)
    return { trace: traceStartup(packet), again: encodeStartup(packet) }
  }
  const [frame] = new FrameSplitter(direction === 'C>' ? frontendCaps() : backendCaps()).push(bytes)
  if (frame === undefined) throw new Error('incomplete')
  if (direction === 'C>') {
    const message = decodeFrontend(frame)
    return { trace: traceFrontend(message, shown), again: encodeFrontend(message) }
  }
  const message = decodeBackend(frame)
  return { trace: traceBackend(message, shown), again: encodeBackend(message) }
}

describe('what a peer may send', () => {
  const cases = [...read('accepted.txt').matchAll(/^(C>|<S|C1) (.*)\n {3}= (.*)$/gm)].map(
    ([, direction, bytes, trace]) => ({
      direction: direction ?? '',
      bytes: bytesOf(bytes ?? ''),
      trace: trace ?? '',
    }),
  )

  test('the corpus has every message of both directions', () => {
    const types = (direction: string) =>
      new Set(cases.filter((one) => one.direction === direction).map(({ bytes }) => bytes[0]))
    expect(types('C>').size).toBe(14)
    expect(types('<S').size).toBe(24)
  })

  test.each(cases)('$direction $trace', ({ direction, bytes, trace }) => {
    const result = readOne(direction, bytes)
    expect(result.trace).toBe(trace)
    // Two messages have more than one form on the wire: the short form of NegotiateProtocolVersion, and what is refused
    // by number alone. They are never sent on.
    if (!/^NegotiateProtocolVersion 3.2|unsupported 8|StartupMessage 2/.test(trace))
      expect(result.again.toString('hex')).toBe(bytes.toString('hex'))
  })
})

describe('what breaks the protocol (R-1.5, R-1.13, R-1.14, R-1.15)', () => {
  const cases = [...read('refused.txt').matchAll(/^([a-z0-9-]+): (C>|<S|C1) (.*)\n {3}! (.*)$/gm)].map(
    ([, name, direction, bytes, why]) => ({
      name: name ?? '',
      direction: direction ?? '',
      bytes: bytesOf(bytes ?? ''),
      why: why ?? '',
    }),
  )

  test('the corpus is read whole', () => expect(cases.length).toBeGreaterThan(65))

  test.each(cases)('$name is a ProtocolError: $why', ({ direction, bytes, why }) => {
    expect(() => readOne(direction, bytes)).toThrow(ProtocolError)
    expect(() => readOne(direction, bytes)).toThrow(why)
  })

  test('a row of 1664 columns is read and one of 1665 is refused', () => {
    const row = (columns: number) => {
      const body = Buffer.alloc(2 + columns * 4, 0xff)
      body.writeUInt16BE(columns, 0)
      return { typeByte: 0x44, body }
    }
    expect(decodeBackend(row(1664))).toMatchObject({ type: 'dataRow', values: new Array(1664).fill(null) })
    expect(() => decodeBackend(row(1665))).toThrow('1665 items; at most 1664')
  })
})

describe('bytes of another encoder (pg-protocol)', () => {
  const decode = (bytes: Buffer): string => {
    const frames = new FrameSplitter(frontendCaps()).push(bytes)
    return frames.map((frame) => traceFrontend(decodeFrontend(frame), shown)).join('; ')
  }
  test.each([
    [serialize.query('select 1'), 'Query "select 1"'],
    [serialize.parse({ name: 'a', text: 'select $1', types: [20] }), 'Parse "a" "select $1" types 20'],
    [
      serialize.bind({ portal: 'p', statement: 'a', values: ['1', null, Buffer.from([0])] }),
      'Bind "p" "a" as text,text,binary ("1", null, \\x00) results text',
    ],
    [serialize.bind({ statement: 'a', values: [], binary: true }), 'Bind "" "a" () results binary'],
    [serialize.describe({ type: 'S', name: 'a' }), 'Describe statement "a"'],
    [serialize.execute({ portal: 'p', rows: 10 }), 'Execute "p" at most 10 rows'],
    [serialize.close({ type: 'P', name: 'p' }), 'Close portal "p"'],
    [serialize.password('secret'), 'Password <7 bytes>'],
    [serialize.copyData(Buffer.from('x')), 'CopyData "x"'],
    [serialize.copyFail('no'), 'CopyFail "no"'],
    [serialize.copyDone(), 'CopyDone'],
    [serialize.flush(), 'Flush'],
    [serialize.sync(), 'Sync'],
    [serialize.end(), 'Terminate'],
  ])('case %# reads as it was written', (bytes, trace) => expect(decode(bytes)).toBe(trace))

  test('start-up packets read the same', () => {
    const trace = (bytes: Buffer) => traceStartup(decodeStartup(bytes.subarray(4)))
    expect(trace(serialize.requestSsl())).toBe('SSLRequest')
    expect(trace(serialize.cancel(7, 9))).toBe('CancelRequest 7 <4 bytes>')
    expect(trace(serialize.startup({ user: 'ann', database: 'shop' }))).toBe(
      'StartupMessage 3.0 user="ann" database="shop" client_encoding="UTF8"',
    )
  })
})

describe('the bodies of a password message', () => {
  test('a cleartext password comes back as it was', () => {
    expect(decodePassword(passwordBytes('pä ss'))).toBe('pä ss')
    expect(() => decodePassword(Buffer.from('no end'))).toThrow(ProtocolError)
    expect(() => decodePassword(Buffer.from('a\0b\0'))).toThrow('longer than its fields')
  })
  test('no response is not an empty response', () => {
    for (const response of [null, Buffer.alloc(0), Buffer.from('n,,n=,r=x')])
      expect(decodeSaslInitial(saslInitialBytes('SCRAM-SHA-256', response))).toEqual({
        mechanism: 'SCRAM-SHA-256',
        response,
      })
  })
  test('pg-protocol writes the same initial response', () => {
    const bytes = serialize.sendSASLInitialResponseMessage('SCRAM-SHA-256', 'n,,n=*,r=x')
    expect(decodeSaslInitial(bytes.subarray(5))).toEqual({
      mechanism: 'SCRAM-SHA-256',
      response: Buffer.from('n,,n=*,r=x'),
    })
  })
})

describe('dataRowSpans', () => {
  const row: Frame = { typeByte: 0x44, body: bytesOf('00 03 00 00 00 01 37 ff ff ff ff 00 00 00 00') }
  test('finds the values without copying them', () => {
    const spans = new Int32Array(6)
    expect(dataRowSpans(row.body, 0, row.body.length, spans)).toBe(3)
    expect([...spans]).toEqual([6, 1, 11, -1, 15, 0])
  })
  test('refuses more columns than were described, and what decodeBackend refuses', () => {
    expect(() => dataRowSpans(row.body, 0, row.body.length, new Int32Array(4))).toThrow('3 columns; 2 are described')
    for (const body of ['', '00', '00 01', '00 01 00 00 00 02 37', '00 01 ff ff ff fe', '00 00 00'])
      expect(() => dataRowSpans(bytesOf(body), 0, bytesOf(body).length, new Int32Array(8)), body).toThrow(ProtocolError)
  })
})
