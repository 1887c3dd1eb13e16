// Which targets are open to a person, and where to reach them. A target that no policy opens is answered like one that
// does not exist (THREATS ).
import { createHash } from 'node:crypto'
import { SallyportError } from '@sallyport/base/errors'
import type { Chain } from '@sallyport/base/identity'
import type { LoginCapability } from '@sallyport/policy/capabilities'
import { admits, type CompiledPolicies, compilePolicies } from '@sallyport/policy/decide'
import { type Document, isHttpTarget, type TargetDocument } from '@sallyport/policy/document'
import type { Deps } from '../deps.ts'
import type { Actor } from '../http/actor.ts'
import { readLiveGrants, type TargetGrant } from '../policies/live-grants.ts'
import { missingFor } from '../policies/select.ts'
import { readDocuments } from '../policies/store.ts'
import { addressOf } from './rules.ts'
import { readAdvertised } from './store.ts'

/** A document with the version that entries and traces name. */
export interface Versioned {
  readonly document: Document
  readonly version: number
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** The policies of a target as an agent would compile them. The agent's floor is not known here. */
export function compileFor(
  target: TargetDocument,
  all: readonly Versioned[],
  granted: readonly TargetGrant[] = [],
): CompiledPolicies {
  const grants = granted.filter((grant) => grant.target === target.metadata.name)
  const policies = all.flatMap(({ document, version }) => (document.kind === 'Policy' ? [{ document, version }] : []))
  const labels = all.flatMap(({ document }) => (document.kind === 'Label' ? [document] : []))
  return compilePolicies({ target, policies, labels, floor: null, sha256, grants })
}

/** A person who calls directly. */
export const chainOf = (actor: Pick<Actor, 'issuer' | 'subject' | 'display' | 'groups'>): Chain => ({
  initiator: {
    kind: 'user',
    issuer: actor.issuer,
    subject: actor.subject,
    groups: actor.groups,
    claims: {},
    display: actor.display,
    assurance: 'verified',
  },
  actors: [],
})

type OpenDeps = Pick<Deps, 'db' | 'clock'>

/** Targets that some policy opens to this person, in order of name. */
export const openTargets = async (deps: OpenDeps, actor: Actor): Promise<TargetDocument[]> =>
  (await openWith(deps, actor)).targets

async function openWith(deps: OpenDeps, actor: Actor) {
  const nowMs = deps.clock.nowMs()
  const granted = await readLiveGrants(deps.db, new Date(nowMs))
  const all = await readDocuments(deps.db, ['Target', 'Policy', 'Label'])
  const targets = all.flatMap(({ document }) => (document.kind === 'Target' ? [document] : []))
  return {
    all,
    targets: targets.filter((target) => admits(compileFor(target, all, granted), chainOf(actor), nowMs).ok),
  }
}

/** The target of this name, if it is open to this person. Throws TARGET_UNKNOWN. */
export const openTarget = async (deps: OpenDeps, actor: Actor, name: string): Promise<TargetDocument> =>
  (await openTargetWith(deps, actor, name)).target

/** The same, with the documents by which it is. */
export async function openTargetWith(
  deps: OpenDeps,
  actor: Actor,
  name: string,
): Promise<{ readonly target: TargetDocument; readonly all: readonly Versioned[] }> {
  const { targets, all } = await openWith(deps, actor)
  const target = targets.find((candidate) => candidate.metadata.name === name)
  if (target !== undefined) return { target, all }
  throw new SallyportError('TARGET_UNKNOWN', 'no target of this name is open to you', {
    hint: '"sallyport targets" lists those that are; a policy opens more',
  })
}

/** Where a target is reached; null while no agent that serves it has joined, or none that serves its protocol. */
export async function connectionOf(deps: Pick<Deps, 'db'>, target: TargetDocument) {
  return (await reach(deps, target, null)).address
}

/** `login`: how somebody will log in there. `missing`: what the agents that are there would have to understand for it. */
async function reach(deps: Pick<Deps, 'db'>, target: TargetDocument, login: LoginCapability | null) {
  const missing = new Set<string>()
  const agents = await readAdvertised(deps.db, target.spec.agents)
  const documents = agents.length === 0 ? [] : await readDocuments(deps.db, ['Policy', 'Label'])
  for (const agent of agents) {
    const address = addressOf(isHttpTarget(target) ? agent.advertiseHttp : agent.advertise)
    if (address === null) continue
    const lacks: readonly string[] = missingFor({ document: target }, documents, agent.capabilities)
    const needs = login === null || agent.capabilities.includes(login) ? lacks : [...lacks, login]
    if (needs.length === 0) return { address, missing }
    for (const need of needs) missing.add(need)
  }
  return { address: null, missing }
}

/** The same. Throws AGENT_NOT_ENROLLED where there is nothing to reach, and AGENT_OUTDATED where nothing there understands enough. */
export async function reachableAt(
  deps: Pick<Deps, 'db'>,
  target: TargetDocument,
  login: LoginCapability | null = null,
) {
  const { address, missing } = await reach(deps, target, login)
  if (address !== null) return address
  if (missing.size > 0)
    throw new SallyportError(
      'AGENT_OUTDATED',
      `the agents of "${target.metadata.name}" are of an earlier release and lack: ${[...missing].sort().join(', ')}`,
      { hint: 'an administrator upgrades one of them' },
    )
  throw new SallyportError('AGENT_NOT_ENROLLED', `no agent that serves "${target.metadata.name}" has joined yet`, {
    hint: 'an administrator makes a join token and starts the agent with it',
  })
}
