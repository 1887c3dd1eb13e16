// Runs the check of a record in a worker: by itself for records of ordinary size, else when somebody asks. One worker a
// check; it ends with it, and with the page.
import type { PinnedKey } from '@sallyport/ledger/verify'
import { useCallback, useEffect, useMemo, useState } from 'react'
import type { SessionProof } from './proof.ts'
import { exportPath } from './queries.ts'
import type { VerifierAnswer, VerifierRequest } from './verifier.ts'

/** Entries up to which a record is checked without being asked for: an export of a few megabytes. */
export const entriesAutoMax = 5_000

export type ProofState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly entries: number }
  | { readonly kind: 'done'; readonly proof: SessionProof }
  | { readonly kind: 'cannot'; readonly reason: string }

export interface ProofCheck {
  readonly state: ProofState
  readonly check: () => void
}

/** `entries` null: not known yet. */
export function useProof(id: string, entries: number | null, pinned: () => readonly PinnedKey[]): ProofCheck {
  const [state, setState] = useState<ProofState>({ kind: 'idle' })
  const [asked, setAsked] = useState(0)
  const isAutomatic = entries !== null && entries > 0 && entries <= entriesAutoMax
  const check = useCallback(() => setAsked((before) => before + 1), [])
  const wanted = asked > 0 || isAutomatic
  // biome-ignore lint/correctness/useExhaustiveDependencies: pins are read at the start of a check; `asked` starts one
  useEffect(() => {
    if (!wanted) return
    const worker = new Worker(new URL('./verifier.ts', import.meta.url), { type: 'module' })
    setState({ kind: 'running', entries: 0 })
    worker.addEventListener('message', (event: MessageEvent<VerifierAnswer>) => {
      const answer = event.data
      switch (answer.kind) {
        case 'progress':
          setState({ kind: 'running', entries: answer.entries })
          return
        case 'done':
          setState({ kind: 'done', proof: answer.proof })
          break
        case 'cannot':
          setState({ kind: 'cannot', reason: answer.reason })
          break
      }
      worker.terminate()
    })
    worker.addEventListener('error', () => setState({ kind: 'cannot', reason: 'the checking program did not start' }))
    const request: VerifierRequest = { path: exportPath(id), pinnedKeys: pinned() }
    worker.postMessage(request)
    return () => worker.terminate()
  }, [id, wanted, asked])
  return useMemo(() => ({ state, check }), [state, check])
}
