// For whom single statements of a session were, beside whom the session is for: the first by name, the others by their number.
import type { ServedInitiator } from '@sallyport/api/recordings'
import { VisibleText } from '../ui/VisibleText.tsx'

export function Served({
  initiators,
  count,
  shown,
}: {
  readonly initiators: readonly ServedInitiator[]
  readonly count: number
  readonly shown: number
}) {
  const named = initiators.slice(0, shown)
  const more = count - named.length
  return (
    <>
      {named.map(({ issuer, subject, display, assurance, statements }, index) => (
        <span key={`${issuer} ${subject} ${assurance}`} title={`${issuer} ${subject}: ${statements} statements`}>
          {index === 0 ? '' : ', '}
          <VisibleText text={display} />
          <span className={assurance === 'claimed' ? 'font-medium text-hold' : undefined}>{` (${assurance})`}</span>
        </span>
      ))}
      {more === 0 ? null : `${named.length === 0 ? '' : ' and '}${more} more`}
    </>
  )
}
