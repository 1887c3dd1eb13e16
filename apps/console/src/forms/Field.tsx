// Fields of forms: a label, what is expected, and what is wrong, tied to the input for those who do not see it.
import { type ReactNode, useId } from 'react'

export const fieldShape =
  'min-h-9 w-full rounded-lg border border-line bg-surface px-3 text-ink placeholder:text-ink-3 hover:border-line-strong aria-[invalid=true]:border-deny'

interface FieldProps {
  readonly label: string
  readonly hint?: ReactNode
  /** What is wrong; shows under the field. */
  readonly error?: string | undefined
  readonly children: (props: {
    readonly id: string
    readonly 'aria-describedby'?: string
    readonly 'aria-invalid'?: true
  }) => ReactNode
}

export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId()
  const described = [hint === undefined ? '' : `${id}-hint`, error === undefined ? '' : `${id}-error`]
    .filter((part) => part !== '')
    .join(' ')
  return (
    <div className="space-y-1">
      <label htmlFor={id} className="block font-medium">
        {label}
      </label>
      {children({
        id,
        ...(described === '' ? {} : { 'aria-describedby': described }),
        ...(error === undefined ? {} : { 'aria-invalid': true }),
      })}
      {hint === undefined ? null : (
        <p id={`${id}-hint`} className="text-xs text-ink-3">
          {hint}
        </p>
      )}
      {error === undefined ? null : (
        <p id={`${id}-error`} role="alert" className="text-xs font-medium text-deny">
          {error}
        </p>
      )}
    </div>
  )
}

/** What went wrong with the whole form. */
export function FormError({ children }: { readonly children: ReactNode }) {
  return (
    <p role="alert" className="rounded-lg border border-deny/40 bg-deny-soft px-3 py-2 text-deny">
      {children}
    </p>
  )
}
