// Copies a text and says that it did.
import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'
import { announce } from '../util/announce.ts'

const copiedMs = 2_000

/** `what` completes "Copy …" and "Copied …": `the psql line`. With `quiet` only the icon shows. */
export function CopyButton({
  text,
  what,
  quiet = false,
}: {
  readonly text: string
  readonly what: string
  readonly quiet?: boolean
}) {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle')
  useEffect(() => {
    if (state === 'idle') return
    const timer = setTimeout(() => setState('idle'), copiedMs)
    return () => clearTimeout(timer)
  }, [state])
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setState('copied')
      announce(`Copied ${what}`)
    } catch {
      setState('failed')
      announce('The browser did not allow copying; select the text instead', true)
    }
  }
  const word = state === 'copied' ? 'Copied' : state === 'failed' ? 'Select it instead' : 'Copy'
  return (
    <button
      type="button"
      aria-label={`Copy ${what}`}
      title={`Copy ${what}`}
      onClick={() => void copy()}
      className="inline-flex min-h-7 min-w-7 shrink-0 items-center justify-center gap-1.5 rounded-md px-1.5 text-xs font-medium text-ink-2 hover:bg-surface-2 hover:text-ink"
    >
      {state === 'copied' ? <Check aria-hidden size={14} className="text-allow" /> : <Copy aria-hidden size={14} />}
      {quiet && state !== 'failed' ? null : <span>{word}</span>}
    </button>
  )
}
