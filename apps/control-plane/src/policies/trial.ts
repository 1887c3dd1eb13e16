// Recorded statements, decided again: under the applied documents and under a draft, each as its caller and at its time.
// What differs between the two is what the draft would change. What a record cannot decide is counted by its reason and
// never guessed. Runs nothing and stores nothing.
import type { PolicyTrialRequest, PolicyTrialResult } from '@sallyport/api/policies'
import { SallyportError } from '@sallyport/base/errors'
import type { Chain, Principal } from '@sallyport/base/identity'
import { limits } from '@sallyport/base/limits'
import type { EntryPrincipal } from '@sallyport/ledger/entry'
import type { Decision } from '@sallyport/policy/decide'
import { judge } from '@sallyport/policy/judge'
import type { Catalog } from '@sallyport/sql/catalog'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { Versioned } from '../targets/open.ts'
import { type Court, catalogs, courts, databaseOf, documentsFor, factsOf, type JudgingDeps } from './judging.ts'
import { type OpenedEntry, type RecordedOne, recordedStatements, type StatementEntry } from './recorded-store.ts'

type Change = PolicyTrialResult['changes'][number]

/** Kinds of change that the answer lists. */
const changesListedMax = 500

export async function tryPolicies(deps: JudgingDeps, asked: PolicyTrialRequest): Promise<PolicyTrialResult> {
  const span = {
    fromMs: Date.parse(asked.since),
    toMs: asked.until === undefined ? deps.clock.nowMs() + 1 : Date.parse(asked.until),
    target: asked.target ?? null,
  }
  if (span.fromMs >= span.toMs) throw new SallyportError('REQUEST_INVALID', '"since" is not before "until"')
  const applied = await documentsFor(deps, undefined)
  const drafted = await documentsFor(deps, asked.yaml)
  const trial = newTrial(deps, applied, drafted)
  const counts = { statements: 0, unchanged: 0, changed: 0, outdated: 0, truncated: false }
  const undecided = new Map<string, number>()
  const changes = new Map<string, Change>()
  for await (const one of recordedStatements(deps.db, span)) {
    if (counts.statements >= limits.trialStatementsMax) {
      counts.truncated = true
      break
    }
    counts.statements += 1
    const came = await trial(one)
    if (came.kind === 'undecided') undecided.set(came.reason, (undecided.get(came.reason) ?? 0) + 1)
    else {
      if (came.from.decision !== recordedDecision(one.entry)) counts.outdated += 1
      if (came.from.decision === came.to.decision) counts.unchanged += 1
      else {
        counts.changed += 1
        addChange(changes, one, came)
      }
    }
  }
  return {
    ...counts,
    undecided: [...undecided].map(([reason, statements]) => ({ reason, statements })),
    changes: [...changes.values()].sort((left, right) => right.statements - left.statements).slice(0, changesListedMax),
  }
}

type Outcome = Change['from']
type Came =
  | { readonly kind: 'undecided'; readonly reason: string }
  | { readonly kind: 'decided'; readonly from: Outcome; readonly to: Outcome }

const undecided = (reason: string): Came => ({ kind: 'undecided', reason })

function newTrial(deps: JudgingDeps, applied: readonly Versioned[], drafted: readonly Versioned[]) {
  const before = courts(applied)
  const after = courts(drafted)
  const unreadable = { before: unreadableRules(applied), after: unreadableRules(drafted) }
  const catalogOf = catalogs(deps)
  const known = new Map<string, readonly StatementFacts[] | null>()
  const factsFor = (text: string, catalog: Catalog, court: Court): readonly StatementFacts[] | null => {
    const key = `${court.target.metadata.name} ${catalog.version} ${text}`
    const found = known.get(key)
    if (found !== undefined) return found
    const made = readFacts(deps, text, catalog, court)
    if (known.size < factsKeptMax) known.set(key, made)
    return made
  }
  return async ({ opened, entry }: RecordedOne): Promise<Came> => {
    if (entry.textTruncated) return undecided('the text is recorded in part only')
    const old = courtOr(before, opened.target)
    const next = courtOr(after, opened.target)
    if (old === null || next === null) return undecided('the target is no longer there')
    const catalog = await catalogOf(opened.target, opened.upstreamRole).catch(() => null)
    if (catalog === null) return undecided('no agent has sent the schema of the target')
    const facts = factsFor(withPlaceholders(entry.text), catalog, old)
    if (facts === null) return undecided('the recorded text cannot be read without what was taken out of it')
    if (facts.some(({ unknowns }) => unknowns.length > 0))
      return undecided('its names mean nothing by themselves today: objects, cursors or prepared statements are gone')
    const from = decideText(old, facts, opened, entry, catalog)
    const to = decideText(next, facts, opened, entry, catalog)
    const lacks = lacking(entry, from.trace, unreadable.before) ?? lacking(entry, to.trace, unreadable.after)
    if (lacks !== null) return undecided(lacks)
    return { kind: 'decided', from: shown(from), to: shown(to) }
  }
}

/** Texts whose facts are kept. */
const factsKeptMax = 20_000

function courtOr(court: (name: string) => Court, name: string): Court | null {
  try {
    return court(name)
  } catch {
    return null
  }
}

function readFacts(deps: JudgingDeps, text: string, catalog: Catalog, court: Court): readonly StatementFacts[] | null {
  try {
    return factsOf(deps, text, catalog, databaseOf(court.target))
  } catch {
    return null
  }
}

/** What stands in a record for a literal that it does not keep. */
const taken = '‹const›'
const withPlaceholders = (text: string): string => text.replaceAll(taken, "'…'")

/** The strictest statement of a text speaks for it. */
function decideText(
  { policies }: Court,
  facts: readonly StatementFacts[],
  opened: OpenedEntry,
  entry: StatementEntry,
  catalog: Catalog,
): Decision {
  const context = {
    chain: chainOfRecord(entry.chain ?? opened),
    session: {
      id: entry.session,
      upstreamRole: opened.upstreamRole,
      database: opened.database,
      clientAddress: opened.clientAddress,
      applicationName: opened.applicationName,
      tls: opened.tls,
      authentication: opened.authentication,
    },
    parameters: entry.parameters,
    nowMs: entry.atMs,
  }
  const all = facts.map((one) => judge(policies, one, context, catalog).decision)
  const order = { allow: 0, hold: 1, deny: 2 } as const
  const [first, ...rest] = all
  if (first === undefined) throw new SallyportError('STATEMENT_SYNTAX', 'the text holds no statement')
  return rest.reduce((found, next) => (order[next.kind] > order[found.kind] ? next : found), first)
}

const chainOfRecord = ({ initiator, actors }: Pick<OpenedEntry, 'initiator' | 'actors'>): Chain => ({
  initiator: principalOf(initiator),
  actors: actors.map(principalOf),
})
const principalOf = (recorded: EntryPrincipal): Principal => ({ ...recorded, claims: {} })

/** Rules whose condition reads what not every record holds, by what it is. */
interface Unreadable {
  readonly claims: ReadonlySet<string>
  readonly literals: ReadonlySet<string>
}

function unreadableRules(documents: readonly Versioned[]): Unreadable {
  const claims = new Set<string>()
  const literals = new Set<string>()
  for (const { document } of documents) {
    if (document.kind !== 'Policy') continue
    for (const { name, when = '' } of document.spec.rules) {
      const rule = `${document.metadata.name}/${name}`
      if (/\.claims\b/.test(when)) claims.add(rule)
      if (/\bstatement\.(text|parameters)\b/.test(when)) literals.add(rule)
    }
  }
  return { claims, literals }
}

/** Why the decision cannot be trusted: a condition was looked at whose facts the record does not keep. */
function lacking(entry: StatementEntry, trace: Decision['trace'], rules: Unreadable): string | null {
  const asked = trace.filter(({ outcome }) => outcome !== 'not-matched').map(({ policy, rule }) => `${policy}/${rule}`)
  if (asked.some((rule) => rules.claims.has(rule)))
    return 'a condition reads claims of the caller, which no record keeps'
  const lacks = entry.text.includes(taken) || entry.parameters.some((value) => value !== null && /^‹/.test(value))
  if (lacks && asked.some((rule) => rules.literals.has(rule)))
    return 'a condition reads literals or parameters that the record does not keep, because they may be protected values'
  return null
}

function shown(decision: Decision): Outcome {
  const { kind, policy, rule } = decision
  const message = kind === 'allow' ? '' : decision.message
  return { decision: kind, rule: policy === '' ? rule : `${policy}/${rule}`, message }
}

const recordedDecision = (entry: StatementEntry): Outcome['decision'] =>
  entry.kind === 'denied' ? 'deny' : entry.kind === 'held' || entry.decision === 'approved' ? 'hold' : 'allow'

function addChange(
  changes: Map<string, Change>,
  { opened, entry }: RecordedOne,
  { from, to }: Extract<Came, { kind: 'decided' }>,
): void {
  const { target } = opened
  const { initiator } = entry.chain ?? opened
  const who = `${initiator.issuer} ${initiator.subject}`
  const key = JSON.stringify([target, who, entry.fingerprint, from.decision, from.rule, to.decision, to.rule])
  const known = changes.get(key)
  if (known !== undefined) {
    changes.set(key, { ...known, statements: known.statements + 1 })
    return
  }
  if (changes.size >= changesKeptMax) return
  changes.set(key, {
    statements: 1,
    target,
    initiator: initiator.display === '' ? who : initiator.display,
    verb: entry.verb,
    objects: [...new Set(entry.effects.map(({ object }) => object))].slice(0, 10),
    text: entry.text.slice(0, 500),
    from,
    to,
    session: entry.session,
    statement: entry.statement,
    at: new Date(entry.atMs).toISOString(),
  })
}

/** Kinds of change that are told apart; all are counted. */
const changesKeptMax = 5_000
