// Somebody else saved while this draft was written. Both texts are kept apart until a person has looked.
import type { Resource } from '@sallyport/api/resources'
import { GitCompareArrows } from 'lucide-react'
import { useState } from 'react'
import { Button } from '../ui/Button.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { By } from './By.tsx'
import { DiffTable } from './DiffTable.tsx'
import { documentYaml } from './tidy-document.ts'

interface StaleDraftProps {
  readonly current: Resource
  readonly draft: { readonly text: string; readonly version: number; readonly stored: string }
  readonly onRebase: (version: number, stored: string) => void
  readonly onDiscard: () => void
}

export function StaleDraft({ current, draft, onRebase, onDiscard }: StaleDraftProps) {
  const [shown, setShown] = useState(false)
  const theirs = documentYaml(current.document)
  return (
    <div role="alert" className="rounded-xl border border-hold/50 bg-hold-soft p-4 text-hold">
      <p className="font-semibold">
        <By actor={current.updatedBy} /> saved version {current.version} while you were editing version {draft.version}
      </p>
      <p className="mt-0.5">Nothing is lost. Look at what changed, then go on with one of the two.</p>
      <div className="mt-3 flex flex-wrap gap-2">
        <Button icon={<GitCompareArrows aria-hidden size={16} />} onClick={() => setShown(true)}>
          See their changes
        </Button>
        <Button onClick={onDiscard}>Take theirs, drop mine</Button>
        <Button onClick={() => onRebase(current.version, theirs)}>Keep mine, to replace theirs</Button>
      </div>
      <Dialog
        open={shown}
        onClose={() => setShown(false)}
        title={`What version ${current.version} changed`}
        lead={`Since version ${draft.version}, which your draft began from.`}
        wide
      >
        <DiffTable label={`Version ${draft.version} to ${current.version}`} before={draft.stored} after={theirs} />
      </Dialog>
    </div>
  )
}
