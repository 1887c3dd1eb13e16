// What a caller is told when a limit stops it: which limit, how much it is, and when to come again. Never a value.
import { SallyportError, surfacesOf } from '@sallyport/base/errors'
import type { CompiledLimit } from '@sallyport/policy/limits'

const nameOf = ({ policy, name }: CompiledLimit): string => `${policy}/${name}`

const told = (limit: CompiledLimit, what: string): string => limit.message ?? `limit "${nameOf(limit)}" ${what}`

/** A budget over time is used up. */
export const limitReached = (limit: CompiledLimit, retryMs: number): SallyportError =>
  new SallyportError('LIMIT_REACHED', told(limit, `is used up: ${limit.text}`), {
    hint: `limit "${nameOf(limit)}": retry after ${Math.ceil(retryMs / 1_000)} s`,
  })

/** As many as may are at it already. */
export const limitFull = (limit: CompiledLimit): SallyportError =>
  new SallyportError('LIMIT_REACHED', told(limit, `is full: ${limit.text}`), {
    hint: `limit "${nameOf(limit)}": retry after 1 s`,
  })

/** As outcomes name it. */
export const limitSqlstate = surfacesOf('LIMIT_REACHED').sqlstate

/** A statement gives more than one statement may. */
export const limitPassed = (limit: CompiledLimit): SallyportError =>
  new SallyportError('LIMIT_REACHED', told(limit, `ends the result: ${limit.text}`), {
    hint: `limit "${nameOf(limit)}": ask for less, for example with LIMIT; later parts are other statements`,
  })

export const copyRefused = (limit: CompiledLimit, to: string): SallyportError =>
  new SallyportError(
    'LIMIT_UNPROVABLE',
    told(limit, `counts rows (${limit.text}), and a copy in "${to}" would not be counted`),
    { hint: `limit "${nameOf(limit)}": write the values themselves, or let its owner name "${to}" among its objects` },
  )

export const packingRefused = (limit: CompiledLimit, construct: string): SallyportError =>
  new SallyportError(
    'LIMIT_UNPROVABLE',
    told(limit, `counts rows (${limit.text}), and ${construct} puts several rows into one`),
    { hint: `limit "${nameOf(limit)}": select the rows themselves` },
  )
