// Checks a draft while it is written: the control plane judges it, a moment after the last key. Old answers are dropped.
import type { ApplyResult } from '@sallyport/api/resources'
import { useEffect, useState } from 'react'
import { RequestError } from '../api/errors.ts'
import { type PlacedProblem, placeProblems } from './problem-place.ts'
import { dryRun, failureText } from './queries.ts'

/** Milliseconds after the last key. */
const quietMs = 300

export type Validation =
  | { readonly kind: 'checking' }
  | { readonly kind: 'sound'; readonly result: ApplyResult }
  | { readonly kind: 'problems'; readonly problems: readonly PlacedProblem[] }
  /** Not checked: no answer, or no right to ask. */
  | { readonly kind: 'unknown'; readonly reason: string }

const checking: Validation = { kind: 'checking' }
const forbidden: Validation = {
  kind: 'unknown',
  reason: 'Only administrators can check changes; Explain works for you.',
}

export function useValidation(text: string, isReadOnly: boolean): Validation {
  const [answered, setAnswered] = useState<{ readonly text: string; readonly validation: Validation } | null>(null)
  useEffect(() => {
    if (isReadOnly) return
    let isCurrent = true
    const timer = setTimeout(() => {
      validate(text).then((validation) => {
        if (isCurrent) setAnswered({ text, validation })
      })
    }, quietMs)
    return () => {
      isCurrent = false
      clearTimeout(timer)
    }
  }, [text, isReadOnly])
  if (isReadOnly) return forbidden
  return answered?.text === text ? answered.validation : checking
}

async function validate(text: string): Promise<Validation> {
  if (text.trim() === '') return problemsOf(text, 'the text holds no document')
  try {
    return { kind: 'sound', result: await dryRun(text) }
  } catch (error) {
    const problem = error instanceof RequestError ? error.problem : null
    if (problem?.problems !== undefined) return { kind: 'problems', problems: placeProblems(text, problem.problems) }
    const isRefused =
      error instanceof RequestError && (error.status === 400 || error.status === 422 || error.status === 413)
    return isRefused ? problemsOf(text, failureText(error)) : { kind: 'unknown', reason: failureText(error) }
  }
}

const problemsOf = (text: string, message: string): Validation => ({
  kind: 'problems',
  problems: placeProblems(text, [{ code: 'DOCUMENT_INVALID', line: null, path: '', message }]),
})
