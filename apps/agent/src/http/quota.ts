// What is left of the limits, as fields of an answer (draft-ietf-httpapi-ratelimit-headers-10): structured fields, each limit
// by its name.
import type { Fields } from '@sallyport/wire/http/fields'
import type { Quota } from '../limits/request.ts'

/** None without limits. */
export function quotaFields(quotas: readonly Quota[]): Fields {
  if (quotas.length === 0) return []
  const unitOf = ({ unit }: Quota): string => (unit === 'requests' ? '' : `;qu="${unit}"`)
  return [
    [
      'ratelimit-policy',
      quotas.map((one) => `"${one.name}";q=${one.quota};w=${one.windowSeconds}${unitOf(one)}`).join(', '),
    ],
    ['ratelimit', quotas.map(({ name, left, resetSeconds }) => `"${name}";r=${left};t=${resetSeconds}`).join(', ')],
  ]
}
