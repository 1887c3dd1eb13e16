// The last look before labels are written: each label that changes, as a whole, and what it means. Writes what was looked at
// or nothing: a label that somebody else changed meanwhile is refused by the control plane.
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from '../ui/Button.tsx'
import { CodeBlock } from '../ui/Code.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { useToast } from '../ui/Toast.tsx'
import { plural } from '../util/format.ts'
import { FormError } from './Field.tsx'
import { apply, failureText } from './queries.ts'
import type { Accepted } from './scans.ts'
import { yamlOf } from './yaml.ts'

interface ScanReviewProps {
  readonly scan: string
  readonly change: Accepted
  readonly onClose: () => void
}

export function ScanReview({ scan, change, onClose }: ScanReviewProps) {
  const queries = useQueryClient()
  const say = useToast()
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const yaml = change.documents.map(yamlOf).join('---\n')
  const save = async () => {
    setBusy(true)
    setFailure(null)
    try {
      await apply(yaml, change.expect)
      say('done', `${plural(change.columns, 'column')} labelled`)
      onClose()
    } catch (error) {
      setFailure(failureText(error))
      setBusy(false)
    }
    // Refused or done, what is stored now is what the page has to show.
    await Promise.all([
      queries.invalidateQueries({ queryKey: ['resources'] }),
      queries.invalidateQueries({ queryKey: ['scan', scan] }),
    ])
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={`Label ${plural(change.columns, 'column')}?`}
      lead="A label hides nothing by itself: masks and rules that name it apply to these columns at once."
      wide
      actions={
        <>
          <Button onClick={onClose}>Go on choosing</Button>
          <Button kind="primary" busy={busy} onClick={() => void save()}>
            Apply
          </Button>
        </>
      }
    >
      <div className="space-y-3">
        <ul className="space-y-1">
          {change.documents.map(({ metadata: { name } }) => (
            <li key={name}>
              <span className="font-mono text-[13px] font-medium">{name}</span>{' '}
              <span className="text-ink-3">{versionText(change, name)}</span>
            </li>
          ))}
        </ul>
        <CodeBlock text={yaml} what="the documents" label="What is applied" />
        {failure === null ? null : <FormError>{failure}</FormError>}
      </div>
    </Dialog>
  )
}

const versionText = ({ expect }: Accepted, label: string): string => {
  const version = expect.find(({ name }) => name === label)?.version ?? 0
  return version === 0 ? 'is new' : `becomes version ${version + 1}`
}
