// Cancel keys: THREATS.
import { describe, expect, it } from 'vitest'
import { cancelKeys, cancelRequestsMax } from './cancel.ts'

/** Counts up, so that keys differ and are known. */
function counting(): (bytes: number) => Uint8Array {
  let next = 0
  return (bytes) => Uint8Array.from({ length: bytes }, () => (next = (next + 1) % 256))
}
const here = '192.0.2.1'
const elsewhere = '192.0.2.2'

function issued(minor: 0 | 2) {
  const keys = cancelKeys(counting())
  let cancelled = 0
  const key = keys.issue(minor, here, () => {
    cancelled += 1
  })
  return { keys, key, cancelled: () => cancelled }
}

describe('a cancel key', () => {
  it.each<[string, 0 | 2, number]>([
    ['of protocol 3.0 has four bytes', 0, 4],
    ['of protocol 3.2 has thirty-two', 2, 32],
  ])('%s', (_, minor, length) => {
    expect(issued(minor).key.key).toHaveLength(length)
  })

  it('has a positive process id, for drivers that read it as signed', () => {
    const keys = cancelKeys((bytes) => new Uint8Array(bytes).fill(0xff))
    expect(keys.issue(0, here, () => {}).processId).toBe(0x7fffffff)
  })

  it.each<[string, 0 | 2, (key: Uint8Array) => Uint8Array, string, number]>([
    ['cancels from its address', 0, (key) => key, here, 1],
    ['with four bytes cancels from nowhere else', 0, (key) => key, elsewhere, 0],
    ['with thirty-two bytes cancels from anywhere', 2, (key) => key, elsewhere, 1],
    ['with one bit wrong does nothing', 2, (key) => key.map((byte, at) => (at === 31 ? byte ^ 1 : byte)), here, 0],
    ['cut short does nothing', 2, (key) => key.subarray(0, 31), here, 0],
    ['with more bytes does nothing', 0, (key) => Uint8Array.from([...key, 0]), here, 0],
    ['that is empty does nothing', 0, () => new Uint8Array(), here, 0],
  ])('%s', (_, minor, change, address, expected) => {
    const { keys, key, cancelled } = issued(minor)
    keys.request({ processId: key.processId, key: change(key.key) }, address, 0)
    expect(cancelled()).toBe(expected)
  })

  it('does nothing under another process id, or once its session has ended', () => {
    const { keys, key, cancelled } = issued(2)
    keys.request({ processId: key.processId + 1, key: key.key }, here, 0)
    key.release()
    keys.request({ processId: key.processId, key: key.key }, here, 0)
    expect(cancelled()).toBe(0)
  })

  it('is heard at most so often a second from one address', () => {
    const { keys, key, cancelled } = issued(2)
    for (let count = 0; count < cancelRequestsMax + 5; count += 1) keys.request(key, here, 500)
    expect(cancelled()).toBe(cancelRequestsMax)
    keys.request(key, elsewhere, 500)
    keys.request(key, here, 1_000)
    expect(cancelled()).toBe(cancelRequestsMax + 2)
  })
})
