// The whole document behind a page's view of it, as YAML to copy.
import { CodeBlock } from '../ui/Code.tsx'
import { Dialog } from '../ui/Dialog.tsx'
import { documentYaml } from './tidy-document.ts'

export function YamlDialog({
  title,
  lead,
  document,
  onClose,
}: {
  readonly title: string
  readonly lead?: string
  readonly document: unknown
  readonly onClose: () => void
}) {
  return (
    <Dialog open onClose={onClose} title={title} lead={lead} wide>
      <CodeBlock text={documentYaml(document)} what="the document" label="YAML" />
    </Dialog>
  )
}
