// The worker that reads answers about sessions: bytes in, what they say out.
import { buffersOf, type IndexPage, type ReadEntries, readEntries, readIndex } from './reading.ts'

export interface ReaderRequest {
  readonly number: number
  readonly reading: 'index' | 'entries'
  readonly bytes: ArrayBuffer
}
export type ReaderAnswer = { readonly number: number } & (
  | { readonly kind: 'index'; readonly page: IndexPage }
  | { readonly kind: 'entries'; readonly read: ReadEntries }
  | { readonly kind: 'unreadable'; readonly reason: string }
)

self.addEventListener('message', (event: MessageEvent<ReaderRequest>) => {
  const { number, reading, bytes } = event.data
  try {
    if (reading === 'entries') return answer({ number, kind: 'entries', read: readEntries(bytes) })
    const page = readIndex(bytes)
    answer({ number, kind: 'index', page }, buffersOf(page))
  } catch (thrown) {
    answer({ number, kind: 'unreadable', reason: thrown instanceof Error ? thrown.message : 'unreadable' })
  }
})

const answer = (said: ReaderAnswer, transfer: Transferable[] = []): void => self.postMessage(said, { transfer })
