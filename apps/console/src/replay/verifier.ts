// The worker that checks one session: fetches its export as a stream, verifies it line by line, answers with the proof.
// Holds one line at a time; the page stays free meanwhile.
import { Problem } from '@sallyport/api/problem'
import type { PinnedKey } from '@sallyport/ledger/verify'
import { signatureCheck } from './ed25519.ts'
import { CannotCheck, linesOf, proveSession, type SessionProof } from './proof.ts'
import { sha256 } from './sha256.ts'

export interface VerifierRequest {
  /** Path of the export. */
  readonly path: string
  readonly pinnedKeys: readonly PinnedKey[]
}
export type VerifierAnswer =
  | { readonly kind: 'progress'; readonly entries: number }
  | { readonly kind: 'done'; readonly proof: SessionProof }
  | { readonly kind: 'cannot'; readonly reason: string }

const answer = (message: VerifierAnswer, transfer: Transferable[] = []) => self.postMessage(message, { transfer })

self.addEventListener('message', (event: MessageEvent<VerifierRequest>) => void run(event.data))

async function run({ path, pinnedKeys }: VerifierRequest): Promise<void> {
  try {
    const checkSignature = await signatureCheck(globalThis.crypto.subtle)
    const response = await fetch(path, { credentials: 'same-origin', headers: { accept: 'application/x-ndjson' } })
    if (!response.ok || response.body === null) throw new CannotCheck(await refusalOf(response))
    const proof = await proveSession(linesOf(chunksOf(response.body)), {
      sha256,
      checkSignature,
      pinnedKeys,
      progress: (entries) => answer({ kind: 'progress', entries }),
    })
    answer({ kind: 'done', proof }, [proof.hashes.buffer])
  } catch (error) {
    // What breaks the connection half-way comes here as a TypeError of fetch; a wrong record never does: it is a proof with problems.
    answer({
      kind: 'cannot',
      reason: error instanceof CannotCheck ? error.message : 'the export could not be read to its end',
    })
  }
}

async function refusalOf(response: Response): Promise<string> {
  const problem = Problem.safeParse(await response.json().catch(() => null))
  return problem.success ? problem.data.detail : `the export was answered with ${response.status}`
}

// Not every browser can iterate over a stream.
async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    reader.releaseLock()
  }
}
