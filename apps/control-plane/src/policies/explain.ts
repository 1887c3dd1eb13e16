// What would happen to a statement of a caller.
import type { ExplainRequest, ExplainResult } from '@sallyport/api/resources'
import { SallyportError } from '@sallyport/base/errors'
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import type { Actor } from '../http/actor.ts'

export async function explainStatement(
  deps: Deps,
  actor: Actor,
  asked: z.infer<typeof ExplainRequest>,
): Promise<ExplainResult> {
  void [deps, actor, asked]
  throw new SallyportError('FEATURE_UNSUPPORTED', 'not yet')
}
