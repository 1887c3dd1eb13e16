// What a schema cannot say about the costs of a limit.
import { parseJsonPath } from '@sallyport/mask/json/path'
import { type CheckProblem, type Path, problem } from './check-problem.ts'
import type { LimitRule } from './document-limits.ts'
import { isRoute } from './route.ts'

export function checkWeights({ per, cost, weights }: LimitRule, path: Path): CheckProblem[] {
  if (cost === undefined)
    return weights === undefined
      ? []
      : [problem([...path, 'weights'], 'weights say what "cost" counts; give cost, too')]
  return [
    ...(per === 'statement'
      ? [problem([...path, 'cost'], 'cost is counted over time; limit per initiator, actor or target')]
      : []),
    ...(weights ?? []).flatMap((weight, index) => checkWeight(weight, [...path, 'weights', index])),
  ]
}

function checkWeight(
  { objects, answer, field }: NonNullable<LimitRule['weights']>[number],
  path: Path,
): CheckProblem[] {
  const parsed = answer === undefined ? { path: [] } : parseJsonPath(answer)
  const isOfApi = objects === undefined || objects.every(isRoute)
  return [
    ...('problem' in parsed ? [problem([...path, 'answer'], parsed.problem)] : []),
    ...(answer !== undefined && field !== undefined
      ? [problem([...path, 'field'], 'give answer or field, one of them; another weight may have the other')]
      : []),
    ...((answer !== undefined || field !== undefined) && !isOfApi
      ? [problem([...path, 'objects'], 'only answers of HTTP APIs say what they cost; write routes')]
      : []),
  ]
}
