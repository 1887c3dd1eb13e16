// How many days something is good for.
import { Field, fieldShape } from './Field.tsx'

/** A whole number from 1 on, as somebody types it. */
export const isDays = (days: string, daysMax: number): boolean =>
  /^[1-9][0-9]{0,3}$/.test(days) && Number(days) <= daysMax

export function DaysField({
  days,
  daysMax,
  hint,
  onChange,
}: {
  readonly days: string
  readonly daysMax: number
  readonly hint: string
  readonly onChange: (days: string) => void
}) {
  return (
    <Field
      label="Good for, in days"
      hint={hint}
      error={isDays(days, daysMax) ? undefined : `A number from 1 to ${daysMax}.`}
    >
      {(props) => (
        <input
          {...props}
          className={fieldShape}
          inputMode="numeric"
          value={days}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  )
}
