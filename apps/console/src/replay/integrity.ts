// What a check of a record means for the page that shows it. Pure. Anything that does not fit is a failure, never a shrug.
import type { SessionProof } from './proof.ts'
import type { ProofState } from './useProof.ts'

export interface Trouble {
  readonly text: string
  /** Entry to look at. */
  readonly seq: number | null
}

export type Integrity =
  | { readonly kind: 'unchecked' }
  | { readonly kind: 'checking'; readonly entries: number }
  | { readonly kind: 'cannot'; readonly reason: string }
  | {
      readonly kind: 'verified'
      /** Entries that the check covers, and those that came since. */
      readonly entries: number
      readonly newer: number
      /** The key is one that this person took from the agent. */
      readonly pinned: boolean
    }
  | { readonly kind: 'failed'; readonly troubles: readonly Trouble[]; readonly leftOut: number }

/** Troubles that are told; the rest is counted. */
const troublesMax = 50

export interface Shown {
  readonly session: string
  readonly tipSeq: number
  /** Statements of the list; null while it is still loading. */
  readonly statements: number | null
  /** Shown entries whose bytes are not those of the proof. */
  readonly differing: readonly number[]
  /** Items that the page got and that are no entries. */
  readonly unreadable: number
}

export function integrityOf(state: ProofState, shown: Shown): Integrity {
  switch (state.kind) {
    case 'idle':
      return { kind: 'unchecked' }
    case 'running':
      return { kind: 'checking', entries: state.entries }
    case 'cannot':
      return { kind: 'cannot', reason: state.reason }
    case 'done':
      return verdictOf(state.proof, shown)
  }
}

function verdictOf(proof: SessionProof, shown: Shown): Integrity {
  const { report } = proof
  const entries = proof.hashes.length / 32
  const troubles: Trouble[] = report.problems.map(({ detail, seq }) => ({ text: detail, seq }))
  if (report.sessions.length !== 1 || report.sessions[0]?.session !== shown.session)
    troubles.push({ text: 'the exported record is not of this session', seq: null })
  if (entries < shown.tipSeq + 1 && report.sessions[0]?.state !== 'open')
    troubles.push({
      text: `the exported record ends at entry ${entries - 1}, this page goes to ${shown.tipSeq}`,
      seq: null,
    })
  const covers = entries === shown.tipSeq + 1
  if (covers && shown.statements !== null && shown.statements !== proof.statements)
    troubles.push({
      text: `this page lists ${shown.statements} statements, the signed record has ${proof.statements}`,
      seq: null,
    })
  for (const seq of shown.differing)
    troubles.push({ text: `entry ${seq}, as this page got it, is not the one that was signed`, seq })
  if (shown.unreadable > 0)
    troubles.push({ text: `${shown.unreadable} items that this page got are no entries`, seq: null })
  if (troubles.length > 0 || !report.ok)
    return {
      kind: 'failed',
      troubles: troubles.slice(0, troublesMax),
      leftOut: Math.max(0, troubles.length - troublesMax) + report.findingsLeftOut,
    }
  const newer = Math.max(0, shown.tipSeq + 1 - entries)
  return {
    kind: 'verified',
    entries,
    newer,
    pinned: report.agents.length > 0 && report.agents.every((agent) => agent.pinned),
  }
}
