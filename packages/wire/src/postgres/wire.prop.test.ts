// Properties of the codec: decode undoes encode, any split of the bytes gives the same messages, any bytes give messages or
// ProtocolError, and an independent reader understands what we write.
import fc from 'fast-check'
import { Parser } from 'pg-protocol/dist/parser.js'
import { expect, test } from 'vitest'
import { ProtocolError } from '../protocol-error.ts'
import { dataRowSpans, dataRowValueBytes, decodeBackend, decodeFrontend, decodeStartup } from './decode.ts'
import { encodeBackend, encodeFrontend, encodeStartup } from './encode.ts'
import { encodedFrame, type Frame, FrameSplitter, StartupSplitter } from './frames.ts'
import type { Authentication, BackendMessage, Format, FrontendMessage, StartupPacket } from './messages.ts'
import { backendBytes, backendCaps, frontendBytes, frontendCaps } from './names.ts'
import { traceBackend, traceFrontend } from './trace.ts'

const runs = { numRuns: process.env.SALLYPORT_TEST === 'full' ? 4_000 : 200 }

const text = fc.string({ unit: 'binary', maxLength: 80 }).map((any) => any.replaceAll('\0', '0'))
const named = fc.oneof(
  fc.constant(''),
  fc.string({ maxLength: 20 }).map((any) => any.replaceAll('\0', '0')),
)
const bytes = fc.uint8Array({ maxLength: 60 }).map((any) => Buffer.from(any))
const value = fc.option(bytes, { nil: null })
const values = fc.array(value, { maxLength: 8 })
const format = fc.constantFrom<Format>(0, 1)
const oid = fc.integer({ min: 0, max: 0xffff_ffff })
const oids = fc.array(oid, { maxLength: 8 })
const int16 = fc.integer({ min: -0x8000, max: 0x7fff })
const int32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff })
const key = fc.uint8Array({ minLength: 4, maxLength: 256 }).map((any) => Buffer.from(any))
const what = fc.constantFrom('statement' as const, 'portal' as const)

/** Values with none, one or as many formats. */
const formatted = values.chain((all) =>
  fc.record({
    values: fc.constant(all),
    formats: fc.oneof(
      fc.constant([] as Format[]),
      fc.array(format, { minLength: 1, maxLength: 1 }),
      fc.array(format, { minLength: all.length, maxLength: all.length }),
    ),
  }),
)
const bare = <T extends string>(...types: readonly T[]) => fc.constantFrom(...types).map((type) => ({ type }))

const frontend: fc.Arbitrary<FrontendMessage> = fc.oneof(
  fc.record({ type: fc.constant('query' as const), text }),
  fc.record({ type: fc.constant('parse' as const), name: named, text, parameterTypes: oids }),
  fc
    .tuple(named, named, formatted, fc.array(format, { maxLength: 8 }))
    .map(([portal, statement, bound, resultFormats]) => ({
      type: 'bind' as const,
      portal,
      statement,
      parameterFormats: bound.formats,
      parameters: bound.values,
      resultFormats,
    })),
  fc.record({ type: fc.constantFrom('describe' as const, 'close' as const), what, name: named }),
  fc.record({ type: fc.constant('execute' as const), portal: named, rowsMax: int32 }),
  bare('flush', 'sync', 'copyDone', 'terminate'),
  fc.tuple(oid, formatted, format).map(([functionOid, call, resultFormat]) => ({
    type: 'functionCall' as const,
    functionOid,
    argumentFormats: call.formats,
    arguments: call.values,
    resultFormat,
  })),
  fc.record({ type: fc.constantFrom('copyData' as const, 'password' as const), bytes }),
  fc.record({ type: fc.constant('copyFail' as const), reason: text }),
)

const letter = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code))
const column = fc.record({
  name: text,
  tableOid: oid,
  attributeNumber: int16,
  typeOid: oid,
  typeSize: int16,
  typeModifier: int32,
  format,
})
const asked: fc.Arbitrary<Authentication> = fc.oneof(
  fc.constantFrom({ kind: 'ok' as const }, { kind: 'cleartext' as const }, { kind: 'unsupported' as const, code: 7 }),
  fc.uint8Array({ minLength: 4, maxLength: 4 }).map((salt) => ({ kind: 'md5' as const, salt: Buffer.from(salt) })),
  fc.array(text.filter(Boolean), { maxLength: 4 }).map((mechanisms) => ({ kind: 'sasl' as const, mechanisms })),
  fc.record({ kind: fc.constantFrom('saslContinue' as const, 'saslFinal' as const), bytes }),
)
const fields = fc.array(fc.tuple(letter, text), { maxLength: 8 })

const backend: fc.Arbitrary<BackendMessage> = fc.oneof(
  fc.record({ type: fc.constant('authentication' as const), authentication: asked }),
  fc.record({ type: fc.constant('backendKeyData' as const), processId: int32, key }),
  bare('bindComplete', 'closeComplete', 'copyDone', 'emptyQueryResponse', 'noData', 'parseComplete', 'portalSuspended'),
  fc.record({ type: fc.constant('commandComplete' as const), tag: text }),
  fc.record({ type: fc.constant('copyData' as const), bytes }),
  fc.record({
    type: fc.constantFrom('copyInResponse' as const, 'copyOutResponse' as const, 'copyBothResponse' as const),
    format,
    columnFormats: fc.array(format, { maxLength: 8 }),
  }),
  fc.record({ type: fc.constant('dataRow' as const), values }),
  fc.record({ type: fc.constantFrom('errorResponse' as const, 'noticeResponse' as const), fields }),
  fc.record({ type: fc.constant('functionCallResponse' as const), value }),
  fc.record({
    type: fc.constant('negotiateProtocolVersion' as const),
    minor: fc.integer({ min: 0, max: 0xffff }),
    unknownOptions: fc.array(text, { maxLength: 4 }),
  }),
  fc.record({ type: fc.constant('notificationResponse' as const), processId: int32, channel: text, payload: text }),
  fc.record({ type: fc.constant('parameterDescription' as const), parameterTypes: oids }),
  fc.record({ type: fc.constant('parameterStatus' as const), name: text, value: text }),
  fc.record({
    type: fc.constant('readyForQuery' as const),
    status: fc.constantFrom('I' as const, 'T' as const, 'E' as const),
  }),
  fc.record({ type: fc.constant('rowDescription' as const), columns: fc.array(column, { maxLength: 6 }) }),
)

const startup: fc.Arbitrary<StartupPacket> = fc.oneof(
  fc.constantFrom({ type: 'sslRequest' as const }, { type: 'gssEncRequest' as const }),
  fc.record({ type: fc.constant('cancelRequest' as const), processId: int32, key }),
  fc.record({
    type: fc.constant('startup' as const),
    major: fc.constant(3),
    minor: fc.integer({ min: 0, max: 0xffff }),
    parameters: fc.array(fc.tuple(text.filter(Boolean), text), { maxLength: 6 }),
  }),
)

/** Cuts bytes at these places, whatever they are. */
function cut(whole: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [...new Set(places.map((place) => place % (whole.length + 1)))].sort((a, b) => a - b)
  const ends = [...sorted, whole.length]
  return ends.map((end, at) => whole.subarray(ends[at - 1] ?? 0, end))
}
const places = fc.array(fc.nat(), { maxLength: 40 })

const framesOf = (splitter: FrameSplitter, chunks: readonly Buffer[]): Frame[] =>
  chunks.flatMap((chunk) => splitter.push(Buffer.from(chunk)))

test('decode undoes encode, in both directions and in the start-up phase', () => {
  fc.assert(
    fc.property(frontend, backend, startup, (asks, answers, first) => {
      const [frame] = new FrameSplitter(frontendCaps()).push(encodeFrontend(asks))
      expect(decodeFrontend(frame!)).toEqual(asks)
      const [back] = new FrameSplitter(backendCaps()).push(encodeBackend(answers))
      expect(decodeBackend(back!)).toEqual(answers)
      const packet = new StartupSplitter().push(encodeStartup(first))
      expect(decodeStartup(packet!.body)).toEqual(first)
    }),
    runs,
  )
})

test('any split of the bytes gives the same messages', () => {
  fc.assert(
    fc.property(fc.array(backend, { maxLength: 12 }), places, (messages, at) => {
      const whole = Buffer.concat(messages.map(encodeBackend))
      const splitter = new FrameSplitter(backendCaps())
      expect(framesOf(splitter, cut(whole, at)).map(decodeBackend)).toEqual(messages)
      expect(splitter.pendingBytes).toBe(0)
    }),
    runs,
  )
})

test('one byte at a time gives the same messages', () => {
  fc.assert(
    fc.property(fc.array(frontend, { maxLength: 4 }), (messages) => {
      const whole = Buffer.concat(messages.map(encodeFrontend))
      const chunks = [...whole].map((byte) => Buffer.from([byte]))
      expect(framesOf(new FrameSplitter(frontendCaps()), chunks).map(decodeFrontend)).toEqual(messages)
    }),
    runs,
  )
})

test('a stream can be handed on at any byte: what was read and not used is given back', () => {
  fc.assert(
    fc.property(fc.array(backend, { minLength: 1, maxLength: 6 }), fc.nat(), (messages, at) => {
      const whole = Buffer.concat(messages.map(encodeBackend))
      const place = at % (whole.length + 1)
      const first = new FrameSplitter(backendCaps())
      const frames = first.push(whole.subarray(0, place))
      const leftover = Buffer.concat([...frames.map(encodedFrame), first.takePending()])
      expect(leftover.equals(whole.subarray(0, place))).toBe(true)
      expect(first.pendingBytes).toBe(0)
    }),
    runs,
  )
})

test('a start-up packet is found in any split, and what follows it is kept apart', () => {
  fc.assert(
    fc.property(startup, bytes, places, (packet, behind, at) => {
      const splitter = new StartupSplitter()
      const rest: Buffer[] = []
      let found: Buffer | undefined
      for (const chunk of cut(Buffer.concat([encodeStartup(packet), behind]), at)) {
        if (found !== undefined) rest.push(chunk)
        else {
          const frame = splitter.push(chunk)
          if (frame === undefined) continue
          found = frame.body
          rest.push(frame.rest)
        }
      }
      expect(decodeStartup(found!)).toEqual(packet)
      expect(Buffer.concat(rest).equals(behind)).toBe(true)
    }),
    runs,
  )
})

/** A frame of a type that exists, with any body: random bytes, or a real message with one byte changed, cut or added. */
const nearly = (whole: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(whole, fc.nat(), fc.nat({ max: 255 }), fc.constantFrom('change', 'cut', 'add'))
    .map(([real, at, byte, how]) => {
      const body = Buffer.from(real.subarray(5))
      const place = at % (body.length + 1)
      if (how === 'cut') return Buffer.concat([real.subarray(0, 5), body.subarray(0, place)])
      if (how === 'add') return Buffer.concat([real, Buffer.from([byte])])
      if (place < body.length) body[place] = byte
      return Buffer.concat([real.subarray(0, 5), body])
    })

function onlyProtocolErrors(run: () => void): void {
  try {
    run()
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(ProtocolError)
  }
}

test('any bytes give messages or ProtocolError, and what is decoded is encoded to the same bytes', () => {
  const frontendTypes = fc.constantFrom(...Object.values(frontendBytes))
  const backendTypes = fc.constantFrom(...Object.values(backendBytes))
  const anyBody = (types: fc.Arbitrary<number>) =>
    fc
      .tuple(types, fc.uint8Array({ maxLength: 60 }))
      .map(([type, body]) => Buffer.concat([Buffer.from([type, 0, 0, 0, 0]), body]))
  fc.assert(
    fc.property(
      fc.oneof(anyBody(frontendTypes), nearly(frontend.map(encodeFrontend))),
      fc.oneof(anyBody(backendTypes), nearly(backend.map(encodeBackend))),
      (asks, answers) => {
        onlyProtocolErrors(() => {
          const message = decodeFrontend({ typeByte: asks[0]!, body: asks.subarray(5) })
          expect(encodeFrontend(message).subarray(5).equals(asks.subarray(5))).toBe(true)
        })
        onlyProtocolErrors(() => {
          const message = decodeBackend({ typeByte: answers[0]!, body: answers.subarray(5) })
          // Both forms of a version and methods that are refused by number have one form of ours.
          if (message.type === 'negotiateProtocolVersion') return
          if (message.type === 'authentication' && message.authentication.kind === 'unsupported') return
          expect(encodeBackend(message).subarray(5).equals(answers.subarray(5))).toBe(true)
        })
      },
    ),
    { ...runs, numRuns: runs.numRuns * 5 },
  )
})

test('any bytes at all go through the splitters or are a ProtocolError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), places, (any, at) => {
      const chunks = cut(Buffer.from(any), at)
      onlyProtocolErrors(() => void framesOf(new FrameSplitter(frontendCaps()), chunks).map(decodeFrontend))
      onlyProtocolErrors(() => void framesOf(new FrameSplitter(backendCaps()), chunks).map(decodeBackend))
      const first = new StartupSplitter()
      onlyProtocolErrors(() => {
        for (const chunk of chunks) {
          const frame = first.push(chunk)
          if (frame !== undefined) return void decodeStartup(frame.body)
        }
      })
    }),
    runs,
  )
})

test('the fast path of rows finds what decodeBackend finds', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        values.map((all) => encodeBackend({ type: 'dataRow', values: all }).subarray(5)),
        bytes,
      ),
      (body) => {
        const spans = new Int32Array(2 * 64)
        const slow = () => decodeBackend({ typeByte: backendBytes.dataRow, body })
        let count: number
        try {
          count = dataRowSpans(body, 0, body.length, spans)
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(ProtocolError)
          expect(slow).toThrow(ProtocolError)
          expect(() => dataRowValueBytes(body, 0, body.length, -1)).toThrow(ProtocolError)
          return
        }
        const found = Array.from({ length: count }, (_, at) => {
          const [start, length] = [spans[at * 2]!, spans[at * 2 + 1]!]
          return length < 0 ? null : body.subarray(start, start + length)
        })
        expect(slow()).toEqual({ type: 'dataRow', values: found })
        const sum = found.reduce((all, each) => all + (each?.length ?? 0), 0)
        const among = Buffer.concat([Buffer.from('before'), body, Buffer.from('behind')])
        const [start, end] = [6, 6 + body.length]
        expect(dataRowValueBytes(among, start, end, -1)).toBe(sum)
        const there = new Int32Array(2 * 64)
        expect(dataRowSpans(among, start, end, there)).toBe(count)
        for (let at = 0; at < count; at++) {
          expect(there[at * 2]).toBe(spans[at * 2]! + start)
          expect(there[at * 2 + 1]).toBe(spans[at * 2 + 1])
        }
        expect(dataRowValueBytes(among, start, end, count)).toBe(sum)
        expect(dataRowValueBytes(among, start, end, count + 1)).toBe(-1)
      },
    ),
    runs,
  )
})

test('a trace with hidden values holds no value and no password', () => {
  const secret = 'hunter2-Zebra'
  const hidden = { values: 'hidden' } as const
  const bytesOfSecret = Buffer.from(secret)
  const messages: readonly FrontendMessage[] = [
    { type: 'bind', portal: '', statement: '', parameterFormats: [], parameters: [bytesOfSecret], resultFormats: [] },
    { type: 'copyData', bytes: bytesOfSecret },
    { type: 'copyFail', reason: secret },
    { type: 'functionCall', functionOid: 1, argumentFormats: [], arguments: [bytesOfSecret], resultFormat: 0 },
  ]
  for (const message of messages) expect(traceFrontend(message, hidden)).not.toContain(secret)
  for (const values of ['shown', 'hidden'] as const)
    expect(traceFrontend({ type: 'password', bytes: bytesOfSecret }, { values })).toBe('Password <13 bytes>')
  const answers: readonly BackendMessage[] = [
    { type: 'dataRow', values: [bytesOfSecret] },
    { type: 'copyData', bytes: bytesOfSecret },
    {
      type: 'errorResponse',
      fields: [
        ['C', '23505'],
        ['M', secret],
        ['D', secret],
      ],
    },
    { type: 'noticeResponse', fields: [['M', secret]] },
    { type: 'notificationResponse', processId: 1, channel: 'c', payload: secret },
    { type: 'functionCallResponse', value: bytesOfSecret },
  ]
  for (const message of answers) expect(traceBackend(message, hidden)).not.toContain(secret)
})

test('a trace is one line that cannot move a cursor, whatever the message holds', () => {
  fc.assert(
    fc.property(frontend, backend, (asks, answers) => {
      for (const line of [traceFrontend(asks, { values: 'shown' }), traceBackend(answers, { values: 'shown' })])
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    }),
    runs,
  )
})

test('pg-protocol reads the messages of a server that we write', () => {
  // What pg-protocol knows: not the two of protocol 3.2, of functions and of replication.
  const known = backend.filter(
    ({ type }) => !['negotiateProtocolVersion', 'functionCallResponse', 'copyBothResponse'].includes(type),
  )
  const names: Partial<Record<BackendMessage['type'], string>> = {
    errorResponse: 'error',
    noticeResponse: 'notice',
    notificationResponse: 'notification',
    emptyQueryResponse: 'emptyQuery',
    noData: 'noData',
    backendKeyData: 'backendKeyData',
  }
  fc.assert(
    fc.property(fc.array(known, { maxLength: 8 }), (messages) => {
      const read: any[] = []
      const whole = Buffer.concat(
        messages
          // It throws on methods that it does not know.
          .filter((one) => one.type !== 'authentication' || one.authentication.kind === 'ok')
          .map(encodeBackend),
      )
      new Parser().parse(whole, (message: any) => read.push(message))
      const ours = messages.filter((one) => one.type !== 'authentication' || one.authentication.kind === 'ok')
      expect(read.length).toBe(ours.length)
      ours.forEach((message, at) => {
        const theirs = read[at]
        const name = message.type === 'authentication' ? 'authenticationOk' : (names[message.type] ?? message.type)
        expect(theirs.name).toBe(name)
        if (message.type === 'commandComplete') expect(theirs.text).toBe(message.tag)
        if (message.type === 'readyForQuery') expect(theirs.status).toBe(message.status)
        if (message.type === 'copyData') expect(Buffer.from(theirs.chunk).equals(message.bytes)).toBe(true)
        if (message.type === 'dataRow')
          expect(theirs.fields).toEqual(
            message.values.map((one) => (one === null ? null : Buffer.from(one).toString('utf8'))),
          )
        if (message.type === 'rowDescription')
          expect(
            theirs.fields.map((field: any) => [
              field.name,
              field.tableID,
              field.columnID,
              field.dataTypeID,
              field.dataTypeSize,
              field.dataTypeModifier,
            ]),
          ).toEqual(
            message.columns.map((one) => [
              one.name,
              one.tableOid,
              one.attributeNumber,
              one.typeOid,
              one.typeSize,
              one.typeModifier,
            ]),
          )
        if (message.type === 'parameterStatus')
          expect([theirs.parameterName, theirs.parameterValue]).toEqual([message.name, message.value])
        if (message.type === 'notificationResponse')
          expect([theirs.processId, theirs.channel, theirs.payload]).toEqual([
            message.processId,
            message.channel,
            message.payload,
          ])
        if (message.type === 'parameterDescription') expect(theirs.dataTypeIDs).toEqual(message.parameterTypes)
      })
    }),
    runs,
  )
})

test('memory is bounded: what is kept of a message is no more than has arrived of it, however it arrives', () => {
  fc.assert(
    fc.property(fc.array(frontend, { minLength: 1, maxLength: 8 }), places, fc.nat(), (messages, at, end) => {
      const encoded = messages.map(encodeFrontend)
      const whole = Buffer.concat(encoded)
      const arrived = whole.subarray(0, end % (whole.length + 1))
      const splitter = new FrameSplitter(frontendCaps())
      const frames = framesOf(splitter, cut(arrived, at))
      const taken = frames.reduce((sum, { body }) => sum + body.length + 5, 0)
      expect(splitter.pendingBytes).toBe(arrived.length - taken)
      expect(splitter.pendingBytes).toBeLessThan(encoded[frames.length]?.length ?? 1)
    }),
    runs,
  )
})
