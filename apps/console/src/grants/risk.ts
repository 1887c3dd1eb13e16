// What is dangerous about a grant, from the rule that it is for. Pure. As with held statements, a high risk asks for a second press.
import type { Grant } from '@sallyport/api/grants'
import { type Flag, isProduction, weightOf } from '../approvals/risk.ts'
import { count } from '../util/format.ts'
import { lengthText } from './words.ts'

/** Longer than this is worth a word, in seconds. */
export const longSeconds = 86_400

type Asked = Pick<Grant, 'operations' | 'objects' | 'targetLabels' | 'seconds'> & {
  readonly history: { readonly firstTime: boolean }
}

export function flagsOfGrant({ operations, objects, targetLabels, seconds, history }: Asked): readonly Flag[] {
  const weights = (operations ?? ['admin']).map(weightOf)
  const flags: Flag[] = []
  const flag = (kind: Flag['kind'], isHigh: boolean, word: string, detail: string) =>
    flags.push({ kind, isHigh, word, detail })
  if (operations === null)
    flag('everything', true, 'Any operation', 'The rule names none: whatever the target can do is granted.')
  else if (weights.includes('schema'))
    flag('schema', true, 'Changes schema', 'It may change definitions or empty whole tables.')
  if (objects === null && operations !== null && weights.some((weight) => weight !== 'read'))
    flag('everything', true, 'Writes anywhere', 'The rule names no objects: it may write to every one of the target.')
  if (isProduction(targetLabels) && weights.some((weight) => weight !== 'read'))
    flag('production', true, 'Writes to production', `The target is labelled "${targetLabels['env']}".`)
  if (seconds > longSeconds)
    flag(
      'long',
      false,
      lengthText(seconds),
      `Any number of statements over ${count(Math.ceil(seconds / 3_600))} hours.`,
    )
  if (history.firstTime) flag('first', false, 'First time', 'This person has not asked for this in the last 30 days.')
  return flags
}
