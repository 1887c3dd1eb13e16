// A link to a whole address of the console, search parameters included, that does not load the page anew.
import { useRouter } from '@tanstack/react-router'
import type { MouseEvent, ReactNode } from 'react'

export function InAppLink({
  href,
  className = 'link',
  children,
}: {
  readonly href: string
  readonly className?: string
  readonly children: ReactNode
}) {
  const router = useRouter()
  const follow = (event: MouseEvent) => {
    // A new tab or window is the browser's to open.
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    router.history.push(href)
  }
  return (
    <a href={href} className={className} onClick={follow}>
      {children}
    </a>
  )
}
