// Errors keep code, message and hint over gRPC; causes stay at home; foreign text is made harmless.
import { Metadata } from '@grpc/grpc-js'
import { SallyportError, surfacesOf } from '@sallyport/base/errors'
import { expect, test } from 'vitest'
import { errorOfStatus, statusOf } from './status.ts'

test('an error that went over the wire is the same error, without its cause', () => {
  const error = new SallyportError('JOIN_TOKEN_USED', 'used already – here', {
    hint: 'make another … please',
    cause: new Error('secret detail'),
  })
  const status = statusOf(error)
  expect(status.code).toBe(surfacesOf('JOIN_TOKEN_USED').grpc)
  expect(JSON.stringify([status.details, status.metadata.toJSON()])).not.toContain('secret detail')
  expect(errorOfStatus(Object.assign(new Error('x'), status))).toMatchObject({
    code: 'JOIN_TOKEN_USED',
    message: 'used already – here',
    hint: 'make another … please',
  })
})

const withCode = (code: string): Metadata => {
  const metadata = new Metadata()
  metadata.set('sallyport-code', code)
  return metadata
}

test.each([
  ['unavailable', { code: 14, details: 'x', metadata: new Metadata() }, 'CONTROL_PLANE_UNREACHABLE'],
  ['deadline exceeded', { code: 4, details: 'x', metadata: new Metadata() }, 'CONTROL_PLANE_UNREACHABLE'],
  ['a code that we do not have', { code: 7, details: 'x', metadata: withCode('MADE_UP') }, 'INTERNAL'],
  ['a name of every object', { code: 7, details: 'x', metadata: withCode('toString') }, 'INTERNAL'],
  ['no status at all', 'text', 'INTERNAL'],
])('%s becomes %#', (_, thrown, code) => {
  expect(errorOfStatus(thrown).code).toBe(code)
})

test('control and format characters of the other side do not reach a terminal', () => {
  const details = `a\u001b[31mb\u202ec\nd${'e'.repeat(1_000)}`
  const { message } = errorOfStatus({ code: 7, details, metadata: withCode('NOT_FOUND') })
  expect(message.startsWith('a?[31mb?c?de')).toBe(true)
  expect(message).toHaveLength(500)
})
