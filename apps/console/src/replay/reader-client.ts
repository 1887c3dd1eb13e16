// Asks the reading worker. One worker for the page, started with the first question; when it fails, all that wait for it
// are told, and the next question starts another.
import type { ReaderAnswer, ReaderRequest } from './reader.ts'
import type { IndexPage, ReadEntries } from './reading.ts'

interface Waiting {
  readonly settle: (answer: ReaderAnswer) => void
  readonly fail: (reason: Error) => void
}

let worker: Worker | null = null
let asked = 0
const waiting = new Map<number, Waiting>()

/** The page of an index that these bytes are. They are handed over and gone here. */
export async function indexOfBytes(bytes: ArrayBuffer): Promise<IndexPage> {
  const answer = await ask('index', bytes)
  if (answer.kind === 'index') return answer.page
  throw new Error(answer.kind === 'unreadable' ? answer.reason : 'the answer is no index')
}

/** The entries that these bytes are. They are handed over and gone here. */
export async function entriesOfBytes(bytes: ArrayBuffer): Promise<ReadEntries> {
  const answer = await ask('entries', bytes)
  if (answer.kind === 'entries') return answer.read
  throw new Error(answer.kind === 'unreadable' ? answer.reason : 'the answer is no list of entries')
}

async function ask(reading: ReaderRequest['reading'], bytes: ArrayBuffer): Promise<ReaderAnswer> {
  const reader = worker ?? start()
  worker = reader
  asked += 1
  const request: ReaderRequest = { number: asked, reading, bytes }
  return await new Promise((settle, fail) => {
    waiting.set(request.number, { settle, fail })
    reader.postMessage(request, [bytes])
  })
}

function start(): Worker {
  const started = new Worker(new URL('./reader.ts', import.meta.url), { type: 'module' })
  started.addEventListener('message', (event: MessageEvent<ReaderAnswer>) => {
    const { number } = event.data
    waiting.get(number)?.settle(event.data)
    waiting.delete(number)
  })
  started.addEventListener('error', () => {
    started.terminate()
    worker = null
    for (const { fail } of waiting.values()) fail(new Error('the reading program did not run'))
    waiting.clear()
  })
  return started
}
