// One of a few, as a field of a form.
import type { ReactNode } from 'react'
import { Field, fieldShape } from './Field.tsx'

export interface Option<T extends string | number> {
  readonly value: T
  readonly label: string
}

export function SelectField<T extends string | number>({
  value,
  options,
  isFirst = false,
  onChange,
  ...field
}: {
  readonly label: string
  readonly hint?: ReactNode
  readonly error?: string | undefined
  readonly value: T
  readonly options: readonly Option<T>[]
  /** The dialog begins here. */
  readonly isFirst?: boolean
  readonly onChange: (value: T) => void
}) {
  return (
    <Field {...field}>
      {(props) => (
        <select
          {...props}
          {...(isFirst ? { 'data-first': true } : {})}
          className={fieldShape}
          value={value}
          onChange={({ target }) => {
            const chosen = options[target.selectedIndex]
            if (chosen !== undefined) onChange(chosen.value)
          }}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}
