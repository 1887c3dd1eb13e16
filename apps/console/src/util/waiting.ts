// How much waits for the signed-in person: held statements and what is asked for ahead. Pure.
import type { Overview } from '@sallyport/api/live'

export const waitingForMe = (overview: Pick<Overview, 'approvals' | 'grants'> | undefined): number =>
  (overview?.approvals?.waitingForMe ?? 0) + (overview?.grants?.waitingForMe ?? 0)
