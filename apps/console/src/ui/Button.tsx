// The one button. A disabled one says why (`why` becomes its description) and keeps the focus, never just greys out.
import { LoaderCircle } from 'lucide-react'
import type { ComponentProps, ReactNode } from 'react'
import { useId } from 'react'
import { Keycap } from './Keycap.tsx'

type Kind = 'primary' | 'plain' | 'quiet' | 'danger' | 'deny' | 'approve'
const kinds: Readonly<Record<Kind, string>> = {
  primary: 'bg-accent text-accent-ink border-transparent hover:brightness-110',
  approve: 'bg-allow text-surface border-transparent hover:brightness-110',
  deny: 'bg-deny text-surface border-transparent hover:brightness-110',
  danger: 'bg-surface text-deny border-deny/40 hover:bg-deny-soft hover:border-deny',
  plain: 'bg-surface text-ink border-line hover:border-line-strong hover:bg-surface-2',
  quiet: 'bg-transparent text-ink-2 border-transparent hover:bg-surface-2 hover:text-ink',
}

interface ButtonProps extends ComponentProps<'button'> {
  readonly kind?: Kind
  readonly icon?: ReactNode
  /** Shortcut to show. */
  readonly keys?: string
  /** Why it cannot be pressed. Given, it disables the button and stands under it. */
  readonly why?: string
  readonly large?: boolean
  /** At work: shows a turning wheel and takes no second press. */
  readonly busy?: boolean
}

export function Button({
  kind = 'plain',
  icon,
  keys,
  why,
  large = false,
  busy = false,
  className = '',
  children,
  onClick,
  ...rest
}: ButtonProps) {
  const id = useId()
  const size = large ? 'min-h-11 px-4 text-[15px]' : 'min-h-9 px-3 text-sm'
  const dead = why !== undefined || busy
  const button = (
    <button
      type="button"
      {...rest}
      onClick={dead ? (event) => event.preventDefault() : onClick}
      aria-disabled={dead ? true : undefined}
      aria-busy={busy ? true : undefined}
      aria-describedby={why === undefined ? rest['aria-describedby'] : id}
      className={`inline-flex items-center justify-center gap-2 rounded-lg border font-medium whitespace-nowrap transition-[filter,border-color,background-color] disabled:opacity-55 ${why === undefined ? '' : 'cursor-not-allowed! opacity-55'} ${size} ${kinds[kind]} ${className}`}
    >
      {busy ? <LoaderCircle aria-hidden size={16} className="animate-spin" /> : icon}
      {children}
      {keys === undefined ? null : (
        <span aria-hidden className="ml-1 hidden opacity-80 sm:inline">
          <Keycap keys={keys} />
        </span>
      )}
    </button>
  )
  if (why === undefined) return button
  return (
    <span className="inline-flex flex-col items-start">
      {button}
      <span id={id} className="mt-1 text-xs text-ink-3">
        {why}
      </span>
    </span>
  )
}
