// What other commands printed with --json, read again: `apply` takes what `scan --json` and its own dry run print, whole.
import { LabelDocument } from '@sallyport/policy/document'
import { z } from 'zod'

/** What `scan --json` prints, as far as apply cares. */
const ScanDocuments = z.object({ documents: z.array(LabelDocument) })

/** The result in what a command printed with --json; null when the text is no such thing. */
export function resultIn<S extends z.ZodType>(text: string, result: S): z.output<S> | null {
  const parsed = z.object({ v: z.literal(1), ok: z.literal(true), result: z.unknown() }).safeParse(jsonOf(text))
  return parsed.success ? (result.safeParse(parsed.data.result).data ?? null) : null
}

/** One document after the other. JSON is YAML (YAML 1.2.2, "Relation to JSON"). */
export const documentsText = (documents: readonly LabelDocument[]): string =>
  documents.length === 0
    ? '# nothing to label\n'
    : documents.map((document) => `---\n${JSON.stringify(document, null, 2)}\n`).join('')

/** The text of the documents in an envelope; any other text is left as it is. */
export function unwrapped(text: string): string {
  if (!text.trimStart().startsWith('{')) return text
  const scanned = resultIn(text, ScanDocuments)
  return scanned === null ? text : documentsText(scanned.documents)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
