// Asks for what a rule grants for a time: which rule, for how long, and why. It shows what the reviewers will see.
import type { Grantable } from '@sallyport/api/grants'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Field, fieldShape } from '../forms/Field.tsx'
import { OneForm } from '../forms/OneForm.tsx'
import { SelectField } from '../forms/SelectField.tsx'
import { ScopeFacts } from '../grants/GrantScope.tsx'
import { askGrant, staleAfter } from '../grants/queries.ts'
import { choicesFor, lengthText, usualFor } from '../grants/words.ts'
import { Environment } from '../ui/Badge.tsx'
import { useToast } from '../ui/Toast.tsx'
import { VisibleText } from '../ui/VisibleText.tsx'

/** As the API takes them. */
const reasonCharactersMax = 2_000

const keyOf = ({ target, policy, rule }: Grantable): string => `${target} ${policy}/${rule}`

const reviewersText = ({ reviewers }: Grantable): string =>
  reviewers.map(({ group, count }) => `${count} of ${group}`).join(' and ')

function Summary({ wanted }: { readonly wanted: Grantable }) {
  return (
    <div className="space-y-2 rounded-lg border border-line bg-canvas px-3 py-2.5">
      <p className="text-[13px] text-ink-2">
        What you may then do on{' '}
        <b className="font-semibold text-ink">
          <VisibleText text={wanted.target} />
        </b>{' '}
        <Environment labels={wanted.targetLabels} />
      </p>
      <ScopeFacts scope={wanted} />
      {wanted.message === '' ? null : (
        <p className="text-[13px] text-ink-2">
          <VisibleText text={wanted.message} />
        </p>
      )}
      <p className="text-[13px] text-ink-2">Decided by {reviewersText(wanted)}; you cannot decide it yourself.</p>
    </div>
  )
}

/** What is asked for, with what was left to its default. `askable` is not empty. */
function useDraft(askable: readonly Grantable[]) {
  const [key, setKey] = useState<string | null>(null)
  const [length, setLength] = useState<number | null>(null)
  const [reason, setReason] = useState('')
  const wanted = askable.find((each) => keyOf(each) === key) ?? askable[0]
  const longest = wanted?.longestSeconds ?? 0
  // What was chosen for another rule may be too long for this one.
  const seconds = length !== null && length <= longest ? length : usualFor(longest)
  const missing = wanted?.reason === 'required' && reason.trim() === ''
  return { wanted, seconds, reason, missing, setKey, setLength, setReason }
}

export function AskGrant({
  askable,
  onClose,
}: {
  readonly askable: readonly Grantable[]
  readonly onClose: () => void
}) {
  const queries = useQueryClient()
  const say = useToast()
  const { wanted, seconds, reason, missing, ...set } = useDraft(askable)
  const [touched, setTouched] = useState(false)
  if (wanted === undefined) return null
  const submit = async () => {
    setTouched(true)
    if (missing) return
    const { target, policy, rule } = wanted
    const made = await askGrant({ target, policy, rule, seconds, reason: reason.trim() })
    await Promise.all(staleAfter(made.id).map((queryKey) => queries.invalidateQueries({ queryKey })))
    say('done', `Asked; ${reviewersText(wanted)} can decide it`)
    onClose()
  }
  return (
    <OneForm title="Ask for access" verb="Ask" onClose={onClose} onSubmit={submit}>
      <SelectField
        label="What"
        isFirst
        value={keyOf(wanted)}
        options={askable.map((each) => ({
          value: keyOf(each),
          label: `${each.target}: ${each.rule} (${each.policy})`,
        }))}
        onChange={set.setKey}
      />
      <Summary wanted={wanted} />
      <LengthField longest={wanted.longestSeconds} seconds={seconds} onChange={set.setLength} />
      <ReasonField
        reason={reason}
        isRequired={wanted.reason === 'required'}
        isMissing={touched && missing}
        onChange={set.setReason}
      />
    </OneForm>
  )
}

function LengthField({
  longest,
  seconds,
  onChange,
}: {
  readonly longest: number
  readonly seconds: number
  readonly onChange: (seconds: number) => void
}) {
  const choices = [...new Set([...choicesFor(longest), seconds])].toSorted((a, b) => a - b)
  return (
    <SelectField
      label="For how long"
      hint={`From the approval on; at most ${lengthText(longest)}.`}
      value={seconds}
      options={choices.map((value) => ({ value, label: lengthText(value) }))}
      onChange={onChange}
    />
  )
}

function ReasonField({
  reason,
  isRequired,
  isMissing,
  onChange,
}: {
  readonly reason: string
  readonly isRequired: boolean
  readonly isMissing: boolean
  readonly onChange: (reason: string) => void
}) {
  return (
    <Field
      label="Why"
      hint={isRequired ? 'Reviewers read it; this rule wants it.' : 'Reviewers read it.'}
      error={isMissing ? 'Say why: the rule wants a reason.' : undefined}
    >
      {(props) => (
        <textarea
          {...props}
          rows={2}
          maxLength={reasonCharactersMax}
          value={reason}
          placeholder="For example the ticket or incident"
          onChange={(event) => onChange(event.target.value)}
          className={`${fieldShape} py-2`}
        />
      )}
    </Field>
  )
}
