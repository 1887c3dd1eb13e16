// The documents of a scan as a text for apply, and back: `apply` takes what `scan --json` prints, whole.
import { LabelDocument } from '@sallyport/policy/document'
import { z } from 'zod'

/** What `scan --json` prints, as far as apply cares. */
const Envelope = z.object({
  v: z.literal(1),
  ok: z.literal(true),
  result: z.object({ documents: z.array(LabelDocument) }),
})

/** One document after the other. JSON is YAML (YAML 1.2.2, "Relation to JSON"). */
export const documentsText = (documents: readonly LabelDocument[]): string =>
  documents.length === 0
    ? '# nothing to label\n'
    : documents.map((document) => `---\n${JSON.stringify(document, null, 2)}\n`).join('')

/** The text of the documents in an envelope; any other text is left as it is. */
export function unwrapped(text: string): string {
  if (!text.trimStart().startsWith('{')) return text
  const parsed = Envelope.safeParse(jsonOf(text))
  return parsed.success ? documentsText(parsed.data.result.documents) : text
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
