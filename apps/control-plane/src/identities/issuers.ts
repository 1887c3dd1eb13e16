// Keeps the key sets of trusted issuers fresh: each is fetched now and then, the last good one stays when a fetch fails,
// and one that is too old is not used any more.
import type { Clock } from '@sallyport/base/clock'
import { asSallyportError } from '@sallyport/base/errors'
import type { TrustedIssuerDocument } from '@sallyport/policy/document'
import type { Logger } from 'pino'
import type { Db } from '../db.ts'
import { readDocuments } from '../policies/store.ts'
import { putIssuerError, putIssuerKeys, readIssuerKeys, type StoredKeys } from './issuer-store.ts'
import { fetchKeys, isFrom, isUnfetched, type JwksDeps, sourceOf } from './jwks.ts'

/** A key set is fetched anew after, in milliseconds. */
export const issuerKeysFreshMs = 300_000
/** One issuer is asked at most once in, in milliseconds. */
export const issuerAttemptMs = 30_000
/** A key set that could not be refreshed is used for, in milliseconds. */
export const issuerKeysStaleMsMax = 86_400_000
/** Issuers asked at the same time. */
const fetchesAtOnceMax = 8
/** How often it is looked which key sets are due, in milliseconds. */
const lookMs = 30_000

export interface IssuerKeysDeps extends JwksDeps {
  readonly db: Db
  readonly clock: Clock
  readonly log: Logger
  /** Called when some key set changed: agents need new snapshots. */
  readonly changed: () => void
}

export interface IssuerKeys {
  /** Fetches what is missing or due. Called after documents change, and by itself now and then. Never rejects. */
  refresh(): Promise<void>
  /** Key sets that may be used at this moment, by issuer. */
  current(): Promise<Map<string, StoredKeys>>
  stop(): void
}

export function createIssuerKeys(deps: IssuerKeysDeps): IssuerKeys {
  const attempts = new Map<string, number>()
  let running: Promise<void> = Promise.resolve()
  const refresh = (): Promise<void> => {
    running = running
      .then(async () => await refreshDue(deps, attempts))
      .catch((err: unknown) => deps.log.warn({ event: 'issuers-unread', err }))
    return running
  }
  const timer = setInterval(() => void refresh(), lookMs)
  timer.unref()
  return {
    refresh,
    async current() {
      const oldestMs = deps.clock.nowMs() - issuerKeysStaleMsMax
      const usable = (await readIssuerKeys(deps.db)).filter((stored) => stored.fetchedAt.getTime() >= oldestMs)
      return new Map(usable.map((stored) => [stored.issuer, stored]))
    },
    stop: () => clearInterval(timer),
  }
}

async function refreshDue(deps: IssuerKeysDeps, attempts: Map<string, number>): Promise<void> {
  const documents = (await readDocuments(deps.db, ['TrustedIssuer'])).flatMap(({ document }) =>
    document.kind === 'TrustedIssuer' ? [document] : [],
  )
  const stored = new Map((await readIssuerKeys(deps.db)).map((keys) => [keys.issuer, keys]))
  const nowMs = deps.clock.nowMs()
  const due = documents.filter(({ spec }) => {
    if (isUnfetched(spec)) return false
    const known = stored.get(spec.issuer)
    const fetchedMs = known !== undefined && isFrom(known, spec) ? known.fetchedAt.getTime() : 0
    const attemptMs = attempts.get(placeOf(spec)) ?? 0
    return fetchedMs + issuerKeysFreshMs <= nowMs && attemptMs + issuerAttemptMs <= nowMs
  })
  for (let first = 0; first < due.length; first += fetchesAtOnceMax) {
    const batch = due.slice(first, first + fetchesAtOnceMax)
    for (const { spec } of batch) attempts.set(placeOf(spec), nowMs)
    const changes = await Promise.all(
      batch.map((document) => refreshOne(deps, document, stored.get(document.spec.issuer))),
    )
    if (changes.includes(true)) deps.changed()
  }
}

const placeOf = (spec: TrustedIssuerDocument['spec']): string => `${spec.issuer} ${sourceOf(spec) ?? ''}`

/** True when the key set is another one than before. */
async function refreshOne(
  deps: IssuerKeysDeps,
  document: TrustedIssuerDocument,
  before: StoredKeys | undefined,
): Promise<boolean> {
  const { spec } = document
  const { issuer } = spec
  try {
    const keys = await fetchKeys(deps, document)
    await putIssuerKeys(deps.db, issuer, { keys, source: sourceOf(spec) }, new Date(deps.clock.nowMs()))
    if (before === undefined || !isFrom(before, spec)) return true
    return JSON.stringify(sorted(before.jwks.keys)) !== JSON.stringify(sorted(keys))
  } catch (thrown) {
    const error = asSallyportError(thrown)
    deps.log.warn({ event: 'issuer-keys-failed', issuer, code: error.code, reason: error.message })
    await putIssuerError(deps.db, issuer, error.message)
    return false
  }
}

/** The store gives members back in an order of its own. */
const sorted = (keys: readonly Readonly<Record<string, unknown>>[]) =>
  keys.map((key) => Object.entries(key).sort(([left], [right]) => (left < right ? -1 : 1)))
