// The one button. A disabled one says why (`why` becomes its description), never just greys out.
import type { ButtonHTMLAttributes, ReactNode } from 'react'
import { useId } from 'react'

type Kind = 'primary' | 'plain' | 'quiet' | 'danger' | 'approve'
const kinds: Readonly<Record<Kind, string>> = {
  primary: 'bg-accent text-accent-ink border-transparent hover:brightness-110',
  approve: 'bg-allow text-surface border-transparent hover:brightness-110',
  danger: 'bg-deny-soft text-deny border-deny/40 hover:border-deny',
  plain: 'bg-surface text-ink border-line hover:border-line-strong',
  quiet: 'bg-transparent text-ink-2 border-transparent hover:bg-surface-2 hover:text-ink',
}

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly kind?: Kind
  readonly icon?: ReactNode
  /** Shortcut to show. */
  readonly keys?: string
  /** Why it is disabled. */
  readonly why?: string
  readonly large?: boolean
}

export function Button({
  kind = 'plain',
  icon,
  keys,
  why,
  large = false,
  className = '',
  children,
  ...rest
}: ButtonProps) {
  const id = useId()
  const size = large ? 'min-h-11 px-4 text-[15px]' : 'min-h-9 px-3 text-sm'
  return (
    <span className="inline-flex flex-col">
      <button
        type="button"
        {...rest}
        aria-describedby={why === undefined ? undefined : id}
        className={`inline-flex items-center justify-center gap-2 rounded-lg border font-medium whitespace-nowrap transition-[filter,border-color,background-color] disabled:opacity-60 ${size} ${kinds[kind]} ${className}`}
      >
        {icon}
        {children}
        {keys === undefined ? null : (
          <kbd className="ml-1 hidden rounded border border-current/30 px-1.5 text-xs font-normal sm:inline">
            {keys}
          </kbd>
        )}
      </button>
      {why === undefined ? null : (
        <span id={id} className="mt-1 text-xs text-ink-3">
          {why}
        </span>
      )}
    </span>
  )
}
