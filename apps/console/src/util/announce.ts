// Words for those who do not see the page change: one polite and one urgent live region, which Frame draws.
import { createStore } from './store.ts'

export interface Announcement {
  readonly text: string
  readonly urgent: boolean
  /** The same words twice are still two announcements. */
  readonly id: number
}

let lastId = 0
export const announcements = createStore<Announcement>({ text: '', urgent: false, id: 0 })

/** Says it once, politely; `urgent` interrupts, for what runs out in seconds. */
export function announce(text: string, urgent = false): void {
  lastId += 1
  announcements.set({ text, urgent, id: lastId })
}
