// A connection that is lent: what the target says goes to who asked, and what it says unasked goes on to the session.
import { encodeBackend } from '@sallyport/wire/postgres/encode'
import { FrameSplitter } from '@sallyport/wire/postgres/frames'
import type { BackendMessage } from '@sallyport/wire/postgres/messages'
import { backendCaps } from '@sallyport/wire/postgres/names'
import { describe, expect, it } from 'vitest'
import { LentConnection } from './lent.ts'

const give = (lent: LentConnection, message: BackendMessage): boolean => {
  const [frame] = new FrameSplitter(backendCaps()).push(encodeBackend(message))
  if (frame === undefined) throw new Error('no message')
  return lent.take(frame)
}
const error = (severity: string): BackendMessage => ({
  type: 'errorResponse',
  fields: [
    ['V', severity],
    ['C', '57P01'],
  ],
})

describe('a lent connection', () => {
  it('takes answers, and leaves the rest to the session', async () => {
    const lent = new LentConnection()
    const lost: Error[] = []
    lent.attach({ write: () => {}, lost: (thrown) => void lost.push(thrown) })
    expect(give(lent, { type: 'parseComplete' })).toBe(false)
    await lent.borrow(10_000, async () => {
      expect(give(lent, { type: 'parameterStatus', name: 'TimeZone', value: 'UTC' })).toBe(false)
      expect(give(lent, { type: 'notificationResponse', processId: 1, channel: 'c', payload: '' })).toBe(false)
      expect(give(lent, { type: 'noticeResponse', fields: [] })).toBe(true)
      expect(give(lent, error('FATAL'))).toBe(false)
      expect(give(lent, error('ERROR'))).toBe(true)
      expect((await lent.next()).type).toBe('errorResponse')
      const waiting = lent.next()
      expect(give(lent, { type: 'bindComplete' })).toBe(true)
      expect((await waiting).type).toBe('bindComplete')
    })
    expect(give(lent, { type: 'bindComplete' })).toBe(false)
    expect(lost).toEqual([])
  })

  it('tells whoever waits that the session is over', async () => {
    const lent = new LentConnection()
    lent.attach({ write: () => {}, lost: () => {} })
    const asked = lent.borrow(10_000, () => lent.next())
    lent.end()
    await expect(asked).rejects.toThrow('the session ended')
  })
})
