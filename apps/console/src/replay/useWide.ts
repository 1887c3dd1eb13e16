// Whether the page has room for the inspector beside the list. Follows the window.
import { useSyncExternalStore } from 'react'

const wide = window.matchMedia('(min-width: 1024px)')
const subscribe = (listener: () => void) => {
  wide.addEventListener('change', listener)
  return () => wide.removeEventListener('change', listener)
}

export const useWide = (): boolean => useSyncExternalStore(subscribe, () => wide.matches)
