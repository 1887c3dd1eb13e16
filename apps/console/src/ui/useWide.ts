// Whether the window has room for a list and its detail side by side.
import { useSyncExternalStore } from 'react'

const query = window.matchMedia('(min-width: 64rem)')
const subscribe = (listener: () => void) => {
  query.addEventListener('change', listener)
  return () => query.removeEventListener('change', listener)
}

export const useWide = (): boolean => useSyncExternalStore(subscribe, () => query.matches)
