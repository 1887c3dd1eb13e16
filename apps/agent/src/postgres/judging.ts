// What the statements of one session are judged by, whatever its connection to the target: who asks, where, and by which
// analysis. It decides nothing.
import type { SessionId } from '@sallyport/base/ids'
import type { DecisionContext } from '@sallyport/policy/decide'
import { analysisOf } from '@sallyport/policy/document'
import type { Admitted } from '../session/admit.ts'
import { createAnalyser, type FactsCache } from '../session/analysis.ts'
import type { AssessDeps } from '../session/assess.ts'
import type { SessionDeps } from '../session/deps.ts'
import type { SessionState } from '../session/outlasting.ts'
import { judgeStartSettings } from '../session/start-settings.ts'
import type { SharedCatalog } from './catalogs.ts'
import type { Greeting } from './handshake.ts'

/** A session that is admitted, before there is a connection for it. */
export interface Admission {
  readonly admitted: Admitted
  readonly id: SessionId
  readonly address: string
  readonly greeting: Greeting
  readonly deps: SessionDeps
  readonly facts: FactsCache
}

export function judgingOf(admission: Admission): AssessDeps {
  const { admitted, deps, facts } = admission
  const { metadata, spec } = admitted.target.document
  const { initiatorSetting } = spec
  const analysis = { ...analysisOf(spec), isMasked: admitted.isMasked }
  return {
    snapshots: deps.snapshots,
    target: metadata.name,
    chain: admitted.chain,
    ...(initiatorSetting === undefined ? {} : { initiatorSetting }),
    session: sessionFacts(admission),
    analyser: createAnalyser(deps.parser, analysis, facts, `${metadata.name}\u0000${admitted.upstreamRole}`),
    clock: deps.clock,
    sessionState: sessionStateOf(admitted),
  }
}

/** Where connections are shared by the transaction. */
const sessionStateOf = ({ target }: Admitted): SessionState | undefined => {
  const { pool } = target.document.spec
  return pool.mode === 'transaction' ? pool.sessionState : undefined
}

/** What conditions see of the session. */
export function sessionFacts({ admitted, address, greeting, id }: Admission): DecisionContext['session'] {
  return {
    id,
    upstreamRole: admitted.upstreamRole,
    database: admitted.target.document.spec.database,
    clientAddress: address,
    applicationName: greeting.startup.applicationName,
    tls: greeting.encrypted,
    authentication: greeting.authentication,
  }
}

/** Throws what the first setting of the start-up packet is refused with that SET may not give this session. */
export async function judgeStart(admission: Admission, catalog: SharedCatalog): Promise<void> {
  const { judged } = admission.greeting.startup
  if (judged.size === 0) return
  const { sessionState, ...judging } = judgingOf(admission)
  // A setting that does not go from one connection to the next pins none before there is a statement: it is refused.
  const deps: AssessDeps = { ...judging, sessionState: sessionState === undefined ? undefined : 'refuse' }
  judgeStartSettings(deps, judged, catalog.fresh() ?? (await catalog.read()))
}
