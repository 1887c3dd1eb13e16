// Heads of an export: keys, signatures, and each agent's chain of counters (THREATS ).
import type { Sha256 } from './bytes.ts'
import { toHex } from './bytes.ts'
import type { Head } from './entry.ts'
import type { ExportAgent, ExportScope } from './export.ts'
import { headHash, headMessage, noHead, type VerifySignature } from './head.ts'
import type { AgentReport, Findings } from './report.ts'
import { parseHead } from './shape.ts'

/** A key that an auditor took from the agent itself. With `agent`, it counts for that agent alone. */
export interface PinnedKey {
  readonly fingerprint: string
  readonly agent?: string
}

export interface VerifyTools {
  readonly sha256: Sha256
  readonly verifySignature: VerifySignature
  /** Without any, keys are believed as the file gives them, and the report says so. */
  readonly pinnedKeys?: readonly PinnedKey[]
}

/** A head whose signature is good, and the line it stands in. */
export interface GoodHead {
  readonly head: Head
  readonly line: number
}

interface AgentState {
  readonly agent: ExportAgent
  readonly pinned: boolean
  readonly isUsable: boolean
  heads: number
  firstCounter: number | null
  last: { readonly counter: number; readonly hash: string } | undefined
}

export class HeadCheck {
  /** Good heads by session, in order of their lines. */
  readonly bySession = new Map<string, GoodHead[]>()
  readonly #agents = new Map<string, AgentState>()
  readonly #tools: VerifyTools
  readonly #scope: ExportScope
  readonly #findings: Findings

  constructor(agents: readonly ExportAgent[], scope: ExportScope, tools: VerifyTools, findings: Findings) {
    this.#tools = tools
    this.#scope = scope
    this.#findings = findings
    const ofKey = new Map<string, string>()
    for (const agent of agents) {
      const other = ofKey.get(agent.fingerprint)
      if (other !== undefined || this.#agents.has(agent.id))
        findings.problem('key-shared', 1, {}, `agent "${agent.id}" shares its key or id with another of the header`)
      ofKey.set(agent.fingerprint, agent.id)
      this.#agents.set(agent.id, this.#stateOf(agent))
    }
  }

  #stateOf(agent: ExportAgent): AgentState {
    const { sha256, pinnedKeys = [] } = this.#tools
    const isUsable = toHex(sha256(agent.recordKey)) === agent.fingerprint
    if (!isUsable)
      this.#findings.problem(
        'key-mismatch',
        1,
        {},
        `the key of agent "${agent.id}" does not have the fingerprint beside it`,
      )
    const pinned = pinnedKeys.some(
      (key) => key.fingerprint === agent.fingerprint && (key.agent === undefined || key.agent === agent.id),
    )
    if (!pinned && pinnedKeys.length > 0)
      this.#findings.problem('key-not-pinned', 1, {}, `the key of agent "${agent.id}" is none of those that you pinned`)
    return { agent, pinned, isUsable, heads: 0, firstCounter: null, last: undefined }
  }

  /** Takes the head of one line. */
  take(line: number, bytes: Uint8Array, signature: Uint8Array): void {
    const parsed = parseHead(bytes)
    if (!parsed.ok) {
      this.#findings.problem('head-malformed', line, {}, parsed.reason)
      return
    }
    const head = parsed.value
    const at = { session: head.session, seq: head.seq }
    const state = this.#agents.get(head.agent)
    if (state === undefined)
      this.#findings.problem('agent-unknown', line, at, `the header has no key of agent "${head.agent}"`)
    else if (!this.#isSigned(state, head, headMessage(bytes), signature))
      this.#findings.problem('head-signature', line, at, `head ${head.counter} is not signed by its agent's key`)
    else if (this.#scope.kind === 'session' && head.session !== this.#scope.session)
      this.#findings.problem('head-out-of-scope', line, at, 'the head is of another session than the file')
    else this.#follow(state, head, line, toHex(headHash(this.#tools.sha256, bytes)))
  }

  #isSigned(state: AgentState, head: Head, message: Uint8Array, signature: Uint8Array): boolean {
    if (!state.isUsable || head.key !== state.agent.fingerprint) return false
    return this.#tools.verifySignature(state.agent.recordKey, message, signature)
  }

  /** The agent's chain: counters grow by one, and each names the one before. */
  #follow(state: AgentState, head: Head, line: number, hash: string): void {
    const at = { session: head.session, seq: head.seq }
    const { last } = state
    state.heads++
    if (last !== undefined && head.counter <= last.counter) {
      const isFork = head.counter === last.counter && hash !== last.hash
      if (isFork) this.#findings.problem('head-fork', line, at, `two different heads have counter ${head.counter}`)
      else this.#findings.problem('head-order', line, at, `head ${head.counter} comes after head ${last.counter}`)
      return
    }
    state.firstCounter ??= head.counter
    state.last = { counter: head.counter, hash }
    const previous = last ?? { counter: 0, hash: noHead }
    const isNext = head.counter === previous.counter + 1
    if (isNext && head.previous !== previous.hash)
      this.#findings.problem('head-chain', line, at, `head ${head.counter} does not follow the head before it`)
    // One session's heads are a selection of its agent's; a span of time holds all of them.
    if (!isNext && last !== undefined && this.#scope.kind === 'range')
      this.#findings.problem('head-gap', line, at, `heads ${last.counter + 1} to ${head.counter - 1} are missing`)
    const heads = this.bySession.get(head.session)
    if (heads === undefined) this.bySession.set(head.session, [{ head, line }])
    else heads.push({ head, line })
  }

  report(): AgentReport[] {
    return [...this.#agents.values()].map(({ agent, pinned, heads, firstCounter, last }) => ({
      id: agent.id,
      name: agent.name,
      fingerprint: agent.fingerprint,
      pinned,
      heads,
      firstCounter,
      lastCounter: last?.counter ?? null,
    }))
  }
}
