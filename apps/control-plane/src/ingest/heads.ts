// Judges the head of a batch: the agent's signature, its enrolled record key, and its place in the agent's own chain.
// A counter that is left out or used twice is an alarm, not a guess (THREATS ).
import { toHex } from '@sallyport/ledger/bytes'
import type { Head } from '@sallyport/ledger/entry'
import { headHash, headMessage } from '@sallyport/ledger/head'
import { parseHead } from '@sallyport/ledger/shape'
import { type AgentChain, type Refusal, refused, type ShownBatch, type Tools } from './check.ts'

/** `next`: follows the agent's last head. `seen`: its counter was used before; the same head is a repetition. */
export interface JudgedHead {
  readonly kind: 'next' | 'seen'
  readonly head: Head
  readonly hash: string
}

/** PostgreSQL's int4, in which sequences are stored. */
const seqMax = 2_147_483_647

export function checkHead(batch: ShownBatch, agent: AgentChain, tools: Tools): JudgedHead | Refusal {
  const parsed = parseHead(batch.head)
  if (!parsed.ok) return refused(parsed.reason)
  const head = parsed.value
  if (head.agent !== agent.id) return refused('the head is of another agent than the connection')
  if (head.key !== agent.recordKeyFingerprint) return refused('the head names another record key than the enrolled one')
  if (!tools.verifySignature(agent.recordKey, headMessage(batch.head), batch.signature))
    return refused("the head is not signed by the agent's record key")
  if (head.seq > seqMax) return refused('the session has more entries than can be stored')
  const hash = toHex(headHash(tools.sha256, batch.head))
  if (head.counter <= agent.headCounter) return { kind: 'seen', head, hash }
  if (head.counter > agent.headCounter + 1)
    return refused(`heads ${agent.headCounter + 1} to ${head.counter - 1} of this agent are missing`)
  if (head.previous !== agent.headHash) return refused(`head ${head.counter} does not follow the head before it`)
  return { kind: 'next', head, hash }
}
