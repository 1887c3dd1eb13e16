// Whether a text still means what was judged. The target looks names up when a statement begins, and again after each wait for
// a lock: whoever changed objects meanwhile has changed what runs (THREATS ). Called for answers that come late.
import type { Catalog } from '@sallyport/sql/catalog'
import type { StatementFacts } from '@sallyport/sql/facts'
import type { GateDeps, Judged, JudgeRequest } from './gate.ts'
import { pathFits } from './path-fits.ts'

/**
 * Null for a session that has a catalog of its own: nobody else changes its temporary objects, and its connection cannot be asked
 * while it runs something. INVARIANT: what cannot be told has changed.
 */
export function meansTheSame(
  deps: Pick<GateDeps, 'catalog' | 'analyser'>,
  { text, facts, names }: JudgeRequest,
  all: readonly Judged[],
  catalog: Catalog,
): (() => Promise<boolean>) | null {
  if (names.catalog !== 'shared') return null
  return async () => {
    const now = deps.catalog.fresh() ?? (await deps.catalog.read())
    if (now.version === catalog.version) return true
    // A portal is what it was bound as: the gate refuses to run one under another catalog as well.
    if (facts !== null) return false
    if (!pathFits(names, now)) return false
    const analysis = deps.analyser.analyse(text, now, names)
    return (
      analysis.kind === 'facts' &&
      analysis.statements.length === all.length &&
      analysis.statements.every((one, at) => meaning(one) === meaning(all[at]?.facts))
    )
  }
}

/** All that a judgement is made of, but the text. */
const meaning = (facts: StatementFacts | undefined): string =>
  JSON.stringify(facts, (key, value: unknown) => (key === 'text' || key === 'shape' ? undefined : value))
