// Windows of entries are asked for once each, again when the record grows or an answer failed, and are bounded.
import type { Entry } from '@sallyport/ledger/entry'
import { chainEntries, testBody } from '@sallyport/ledger/testing-record'
import { expect, test } from 'vitest'
import { sha256 } from './sha256.ts'
import { EntryShelf } from './shelf.ts'
import { entryOfItem } from './story.ts'

const session = 'ab'.repeat(16)
const [opened] = chainEntries(sha256, session, [testBody.opened()])
const first = entryOfItem(JSON.parse(new TextDecoder().decode(opened?.bytes)))
const entryAt = (seq: number): Entry => {
  if (first === null) throw new Error('the opening is no entry')
  return { ...first, ...testBody.denied(seq), seq } as Entry
}

/** A shelf over a record that answers at once, or fails while `isDown`. */
function shelfOf() {
  const asked: number[] = []
  const state = { isDown: false, drawn: 0 }
  const shelf = new EntryShelf(async (from) => {
    asked.push(from)
    if (state.isDown) throw new Error('not now')
    return { from, entries: [entryAt(from)], unreadable: from === 0 ? 1 : 0 }
  })
  shelf.subscribe(() => {
    state.drawn += 1
  })
  return { shelf, asked, state }
}
const settled = () => new Promise<void>((resolve) => setTimeout(resolve))

test('a window is asked for once, and with it the next one at its border', async () => {
  const { shelf, asked, state } = shelfOf()
  shelf.want([5, 7, 198], 1_000)
  shelf.want([6], 1_000)
  await settled()
  expect(asked).toEqual([0, 100, 200])
  expect([...shelf.entries.keys()]).toEqual([0, 100, 200])
  expect(shelf.texts.has(100)).toBe(true)
  expect(state.drawn).toBe(3)
})

test('nothing past the tip is asked for; a window that grows is, and counts its unreadable items once', async () => {
  const { shelf, asked } = shelfOf()
  shelf.want([99], 99)
  await settled()
  expect(asked).toEqual([0])
  shelf.want([10], 99)
  await settled()
  expect(asked).toEqual([0])
  const growing = shelfOf()
  growing.shelf.want([10], 50)
  await settled()
  growing.shelf.want([10], 60)
  await settled()
  expect(growing.asked).toEqual([0, 0])
  expect(growing.shelf.unreadable).toBe(1)
})

test('what failed says so, and is asked for again', async () => {
  const { shelf, asked, state } = shelfOf()
  state.isDown = true
  shelf.want([300], 1_000)
  await settled()
  expect(shelf.error).toBeInstanceOf(Error)
  expect(state.drawn).toBe(1)
  state.isDown = false
  shelf.retry()
  expect(shelf.error).toBeNull()
  await settled()
  expect(asked).toEqual([300, 300])
  expect(shelf.entries.has(300)).toBe(true)
})

test('the oldest of more than 200 windows go, and are asked for anew', async () => {
  const { shelf, asked } = shelfOf()
  const starts = Array.from({ length: 201 }, (_, at) => at * 100)
  shelf.want(starts, 1_000_000)
  await settled()
  expect(shelf.entries.size).toBe(200)
  expect([shelf.entries.has(0), shelf.texts.has(0), shelf.entries.has(20_000)]).toEqual([false, false, true])
  shelf.want([0], 1_000_000)
  await settled()
  expect(asked.filter((from) => from === 0)).toHaveLength(2)
})
