// What somebody pressed may go away by that: a request that is decided, a row that ends. Browsers then put the focus at the top of the
// page. Here it stays in the nearest thing around that can have it, at the latest the content.
import { useEffect } from 'react'

export function useKeptFocus(): void {
  useEffect(() => {
    let around: readonly Element[] = []
    const remember = ({ target }: FocusEvent) => {
      around = target instanceof Element ? [...ancestors(target)] : []
    }
    // Who points elsewhere has left it.
    const forget = () => {
      around = []
    }
    const observer = new MutationObserver(() => {
      if (around[0]?.isConnected !== false || document.activeElement !== document.body) return
      const place = around.find((one) => one.isConnected && one.hasAttribute('tabindex'))
      if (place instanceof HTMLElement) place.focus({ preventScroll: true })
    })
    document.addEventListener('focusin', remember)
    document.addEventListener('pointerdown', forget)
    observer.observe(document.body, { childList: true, subtree: true })
    return () => {
      document.removeEventListener('focusin', remember)
      document.removeEventListener('pointerdown', forget)
      observer.disconnect()
    }
  }, [])
}

function* ancestors(element: Element): Generator<Element> {
  for (let one: Element | null = element; one !== null; one = one.parentElement) yield one
}
