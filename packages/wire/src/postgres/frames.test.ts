// Lengths are judged at header time, at the limit and one past it, and what is declared is not allocated.
import { limits } from '@sallyport/base/limits'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../protocol-error.ts'
import { FrameSplitter, StartupSplitter } from './frames.ts'
import { backendCaps, frontendCaps } from './names.ts'

function header(type: string, length: number): Buffer {
  const bytes = Buffer.alloc(5)
  bytes.write(type, 'latin1')
  bytes.writeInt32BE(length, 1)
  return bytes
}

describe('a message at its cap is awaited and one past it is refused (R-1.13)', () => {
  test.each([
    ['Q', limits.clientMessageBytesMax, frontendCaps()],
    ['P', limits.clientMessageBytesMax, frontendCaps()],
    ['d', 5_000, frontendCaps(5_000)],
    ['D', 10_000, frontendCaps()],
    ['X', 10_000, frontendCaps()],
    ['p', limits.tokenBytesMax + 1_024, frontendCaps()],
    ['D', limits.upstreamMessageBytesMax, backendCaps()],
    ['E', 5_000, backendCaps(5_000)],
    ['Z', 30_000, backendCaps()],
  ] as const)('%s at %i', (type, cap, caps) => {
    expect(new FrameSplitter(caps).push(header(type, cap))).toEqual([])
    expect(() => new FrameSplitter(caps).push(header(type, cap + 1))).toThrow(ProtocolError)
    // The same when the header arrives in pieces.
    const slow = new FrameSplitter(caps)
    slow.push(header(type, cap + 1).subarray(0, 3))
    expect(() => slow.push(header(type, cap + 1).subarray(3))).toThrow(ProtocolError)
  })

  test('a header that declares 256 MiB takes no memory for it', () => {
    const splitter = new FrameSplitter(backendCaps())
    const before = process.memoryUsage().arrayBuffers
    splitter.push(header('D', limits.upstreamMessageBytesMax))
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000)
    expect(splitter.pendingBytes).toBe(5)
  })
})

describe('a start-up packet (R-1.5)', () => {
  const packet = (length: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(length)
    return bytes
  }
  test('of 10000 bytes behind its length is awaited, of 10001 is refused', () => {
    expect(new StartupSplitter().push(packet(limits.startupBytesMax + 4))).toBeUndefined()
    expect(() => new StartupSplitter().push(packet(limits.startupBytesMax + 5))).toThrow(ProtocolError)
  })
  test('of 8 bytes is the shortest', () => {
    expect(new StartupSplitter().push(packet(8))).toBeUndefined()
    expect(() => new StartupSplitter().push(packet(7))).toThrow(ProtocolError)
  })
  test('shows what stands behind it', () => {
    const bytes = Buffer.concat([packet(8), Buffer.from([1, 2, 3, 4]), Buffer.from('behind')])
    expect(new StartupSplitter().push(bytes)?.rest.toString()).toBe('behind')
  })
})
