// Sends a verdict for exactly what was shown, and turns a lost race into the news of who decided.
import type { Approval } from '@sallyport/api/approvals'
import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query'
import { useEffect, useReducer, useRef, useState } from 'react'
import { z } from 'zod'
import { change } from '../api/client.ts'
import { RequestError } from '../api/errors.ts'
import { useToast } from '../ui/Toast.tsx'
import { announce } from '../util/announce.ts'
import { type Act, armedMsMax, type Deciding, decide, looking, type Rules } from './decide.ts'

export interface VerdictState {
  readonly deciding: Deciding
  readonly act: (act: Act) => void
  /** It changed or was decided by somebody else between look and press. */
  readonly raced: boolean
}

type Sending = Extract<Deciding, { step: 'sending' }>

export interface Decided {
  readonly rules: Omit<Rules, 'nowMs'>
  readonly send: (sending: Sending) => Promise<unknown>
  /** What has a new answer afterwards. */
  readonly stale: readonly QueryKey[]
}

/** Of a held statement or request. */
export const useVerdict = (approval: Approval, isHighRisk: boolean): VerdictState =>
  useDecision({
    rules: { isHighRisk, reasonRequired: approval.reason === 'required', digest: approval.approvalDigest },
    send: ({ verdict, reason, digest: approvalDigest }) =>
      change(
        'POST',
        `/api/v1/approvals/${encodeURIComponent(approval.id)}/verdict`,
        { verdict, reason, approvalDigest },
        z.unknown(),
      ),
    stale: [['approval', approval.id], ['approvals'], ['overview']],
  })

export function useDecision({ rules, send, stale }: Decided): VerdictState {
  const queries = useQueryClient()
  const say = useToast()
  const [raced, setRaced] = useState(false)
  const [deciding, dispatch] = useReducer(
    (state: Deciding, { act, rules }: { readonly act: Act; readonly rules: Rules }) => decide(state, act, rules),
    looking,
  )
  // The rules of the render that drew the button: what was on the screen when it was pressed.
  const act = (next: Act) => dispatch({ act: next, rules: { ...rules, nowMs: Date.now() } })
  const { mutate } = useMutation({
    mutationFn: send,
    onSuccess: (_, { verdict }) => announce(verdict === 'approved' ? 'Approved' : 'Denied'),
    onError: (error) => {
      if (error instanceof RequestError && error.problem?.code === 'CONFLICT') setRaced(true)
      else say('failed', error instanceof RequestError ? `Not decided: ${error.message}` : 'Not decided; try again')
    },
    onSettled: async () => {
      await Promise.all(stale.map((queryKey) => queries.invalidateQueries({ queryKey })))
      act({ do: 'answered' })
    },
  })
  const sent = useRef<Deciding | null>(null)
  useEffect(() => {
    // Once for each step, also where an effect runs twice.
    if (deciding.step !== 'sending' || sent.current === deciding) return
    sent.current = deciding
    mutate(deciding)
  }, [deciding, mutate])
  const latest = useRef(act)
  latest.current = act
  useEffect(() => {
    if (deciding.step !== 'armed') return
    const timer = setTimeout(() => latest.current({ do: 'back' }), armedMsMax)
    return () => clearTimeout(timer)
  }, [deciding])
  return { deciding, act, raced }
}
