// Any text is one message or an error, and what is written is read as the same again (THREATS R-4.14).
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ProtocolError } from '../protocol-error.ts'
import { messageText, readMessage } from './message.ts'

const bounds = { depthMax: 16, entriesMax: 100 }

const member = fc.oneof(
  fc.tuple(fc.constantFrom('jsonrpc', 'id', 'method', 'params', 'result', 'error', 'Method', 'extra'), fc.jsonValue()),
  fc.constantFrom(
    ['jsonrpc', '2.0'] as const,
    ['method', 'tools/call'] as const,
    ['id', 1] as const,
    ['params', {}] as const,
  ),
)
const nearMessage = fc
  .array(member, { maxLength: 6 })
  .map((members) => `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`)
/** Something like a message with one sign changed. */
const broken = fc
  .tuple(nearMessage, fc.nat(), fc.string({ maxLength: 3 }))
  .map(([text, at, put]) => text.slice(0, at % (text.length + 1)) + put + text.slice((at % (text.length + 1)) + 1))

it('any text gives one message or a ProtocolError, and what is written is read as the same', () => {
  fc.assert(
    fc.property(fc.oneof(nearMessage, broken, fc.string(), fc.json()), (text) => {
      let message: ReturnType<typeof readMessage>
      try {
        message = readMessage(text, bounds)
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(ProtocolError)
        return
      }
      const written = messageText(message)
      expect(readMessage(written, bounds)).toEqual(message)
      // Whoever reads it otherwise, reads the same.
      expect(JSON.parse(written)).toEqual(
        JSON.parse(text.includes('"params"') || message.kind === 'response' ? text : written),
      )
    }),
    { numRuns: 400 },
  )
})
