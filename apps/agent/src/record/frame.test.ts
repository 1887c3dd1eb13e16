// Frames: whole ones come back, torn and damaged ones end the scan where they begin.
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeFrame, scanFrames } from './frame.ts'

const payloads = (bytes: Buffer) => scanFrames(bytes, 1_000).payloads.map(({ payload }) => payload.toString())
const two = Buffer.concat([encodeFrame(Buffer.from('one')), encodeFrame(Buffer.from('two'))])

test('a frame is its length, the CRC-32 of its payload, and the payload', () => {
  // CRC-32 of "123456789" is cbf43926 (the check value of the polynomial).
  expect(encodeFrame(Buffer.from('123456789')).toString('hex')).toBe(
    `00000009cbf43926${Buffer.from('123456789').toString('hex')}`,
  )
  expect(crc32('123456789')).toBe(0xcbf43926)
})

test.each([
  ['nothing', Buffer.alloc(0), [], 'end'],
  ['two frames', two, ['one', 'two'], 'end'],
  ['a frame and half a header', two.subarray(0, 15), ['one'], 'torn'],
  ['a frame and one that lacks its last byte', two.subarray(0, 21), ['one'], 'torn'],
  ['a frame and zeros', Buffer.concat([two.subarray(0, 11), Buffer.alloc(64)]), ['one'], 'damaged'],
  ['a frame past the limit', encodeFrame(Buffer.alloc(1_001, 1)), [], 'damaged'],
])('%s', (_name, bytes, found, stopped) => {
  expect(payloads(bytes)).toEqual(found)
  expect(scanFrames(bytes, 1_000).stopped).toBe(stopped)
})

test('a frame of exactly the limit is read', () => {
  expect(payloads(encodeFrame(Buffer.alloc(1_000, 'x')))).toHaveLength(1)
})

test('a flipped bit is damage, and what comes before it counts', () => {
  for (let bit = 11 * 8; bit < two.length * 8; bit++) {
    const flipped = Buffer.from(two)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    const scan = scanFrames(flipped, 1_000)
    expect(scan.payloads.map(({ payload }) => payload.toString())).toEqual(['one'])
    expect(scan.stopped).not.toBe('end')
    expect(scan.end).toBe(11)
  }
})

test('any bytes are scanned without an exception, and frames lie within them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const scan = scanFrames(Buffer.from(bytes), 1_000)
      expect(scan.end).toBeLessThanOrEqual(bytes.length)
    }),
    { numRuns: process.env.SALLYPORT_TEST === 'full' ? 5_000 : 200 },
  )
})
