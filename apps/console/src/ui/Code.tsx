// Text for machines: in a line, or a block to copy. Text nodes only; hidden characters are drawn as marks.
import type { ReactNode } from 'react'
import { CopyButton } from './CopyButton.tsx'
import { VisibleText } from './VisibleText.tsx'

/** A name, an id, a fingerprint, inside a sentence. */
export function Mono({ children }: { readonly children: ReactNode }) {
  return <span className="font-mono text-[0.92em] break-all">{children}</span>
}

/** A block with a copy button. `what` completes "Copy …". Lines wrap; nothing is cut off. */
export function CodeBlock({
  text,
  what,
  label,
}: {
  readonly text: string
  readonly what: string
  readonly label?: string
}) {
  return (
    <figure className="min-w-0 overflow-hidden rounded-lg border border-line bg-canvas">
      <figcaption className="flex min-h-8 items-center justify-between gap-2 border-b border-line py-0.5 pr-1 pl-3 text-xs text-ink-3">
        {label ?? ''}
        <CopyButton text={text} what={what} />
      </figcaption>
      <pre className="px-3 py-2.5 font-mono text-[13px] leading-5 whitespace-pre-wrap [overflow-wrap:anywhere]">
        <VisibleText text={text} inOrder />
      </pre>
    </figure>
  )
}
