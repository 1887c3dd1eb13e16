// A masked value that comes back in a write of its column: an application that reads a row and stores it whole would put
// the mask in the place of the value. Looks at constants and parameters; for which forms, see mask/recognise. Pure.
import type { ProtectedColumn } from '@sallyport/mask/plan'
import { holdsMaskedText, isMaskedBytes } from '@sallyport/mask/recognise'
import type { MaskMethod } from '@sallyport/mask/rule'
import type { StatementFacts } from '@sallyport/sql/facts'
import { tokens } from '@sallyport/sql/lexer'

/** What was sent: texts, and the bytes of values in binary format. */
export interface SentValues {
  readonly texts: readonly (string | null)[]
  readonly binary: readonly (Uint8Array | null)[]
}

/** Protected columns that the statement writes. */
export function writtenProtected(
  facts: StatementFacts,
  columns: readonly ProtectedColumn[],
): readonly ProtectedColumn[] {
  const { written } = facts
  if (written === undefined || columns.length === 0) return []
  return columns.filter((column) =>
    written.some((ref) => ref.relationOid === column.relationOid && ref.number === column.number),
  )
}

/** The first protected column for which the statement sends what its own mask would have left; null: none. */
export function writtenBack(
  facts: StatementFacts,
  columns: readonly ProtectedColumn[],
  sent: SentValues,
): ProtectedColumn | null {
  const protectedOnes = writtenProtected(facts, columns)
  if (protectedOnes.length === 0) return null
  const texts = [...literalsOf(facts.text), ...sent.texts.filter((text) => text !== null)]
  const binary = sent.binary.filter((bytes) => bytes !== null)
  return (
    protectedOnes.find((column) =>
      methodsOf(column).some(
        (method) =>
          texts.some((text) => holdsMaskedText(method, text)) || binary.some((bytes) => isMaskedBytes(method, bytes)),
      ),
    ) ?? null
  )
}

/** Of a column that is masked in parts, those of its parts. */
export const methodsOf = ({ method, parts }: ProtectedColumn): readonly MaskMethod[] =>
  parts === undefined ? [method] : parts.map((part) => part.method)

/** String constants as the server reads them, near enough for forms that hold no escape. */
export function literalsOf(text: string): string[] {
  return tokens(text)
    .filter(({ kind }) => kind === 'string')
    .map(({ start, end }) => contentOf(text.slice(start, end)))
}

function contentOf(token: string): string {
  const dollar = /^\$[^$]*\$/.exec(token)?.[0]
  if (dollar !== undefined) return token.slice(dollar.length, token.length - dollar.length)
  const quote = token.indexOf("'")
  return token.slice(quote + 1, -1).replaceAll("''", "'")
}

export const writeBackWords = ({ name, rule }: ProtectedColumn) => ({
  message: `refused: the value sent for "${name}" is a masked one, and would replace the real value`,
  hint: `rule "${rule}" masks the column; leave it out of the statement, or send a real value`,
})
