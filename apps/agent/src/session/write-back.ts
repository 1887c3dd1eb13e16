// Refuses writes that send a masked value back to its column: in constants and parameters before the statement runs, and in
// the rows of COPY FROM STDIN while they pass. It looks only where the caller's masks cover a column that is written.
import { SallyportError } from '@sallyport/base/errors'
import type { ProtectedColumn } from '@sallyport/mask/plan'
import { isMaskedText } from '@sallyport/mask/recognise'
import { methodsOf, writeBackWords, writtenBack, writtenProtected } from '@sallyport/policy/write-back'
import type { StatementFacts } from '@sallyport/sql/facts'
import { type BoundParameters, noParameters } from './recorded.ts'

const refusalOf = (column: ProtectedColumn): SallyportError => {
  const { message, hint } = writeBackWords(column)
  return new SallyportError('WRITE_BACK', message, { hint })
}

export function writeBackRefusal(
  facts: StatementFacts,
  columns: () => readonly ProtectedColumn[],
  { values, formats, bytes = [] }: BoundParameters,
): SallyportError | null {
  // What is prepared runs by another text, which has its constants no more.
  for (const effect of facts.session)
    if (effect.kind === 'prepare') {
      const refused = writeBackRefusal(effect.body, columns, noParameters)
      if (refused !== null) return refused
    }
  if (facts.written === undefined) return null
  const binary = bytes.filter((_, index) => formats[index] === 1)
  const found = writtenBack(facts, columns(), { texts: values, binary })
  return found === null ? null : refusalOf(found)
}

/** Follows the rows of one COPY FROM STDIN. */
export interface CopyGuard {
  /** Why the COPY has to fail; null while nothing was found. */
  take(bytes: Uint8Array): SallyportError | null
}

/** Null where COPY writes no protected column. */
export function copyGuard(facts: StatementFacts, columns: readonly ProtectedColumn[]): CopyGuard | null {
  if (!facts.session.some((effect) => effect.kind === 'copy' && effect.direction === 'in')) return null
  const written = writtenProtected(facts, columns)
  return written.length === 0 ? null : guardOf(written)
}

/** Longer fields are no masked value; what is kept of one between two messages, in characters. */
const fieldCharsMax = 300
/** Between fields in text and CSV format, whatever the delimiter; a field of binary format ends in neither. */
const between = /[\t\n\r,;|"]+/

function guardOf(written: readonly ProtectedColumn[]): CopyGuard {
  const decoder = new TextDecoder()
  let rest = ''
  return {
    take(bytes) {
      const fields = (rest + decoder.decode(bytes, { stream: true })).split(between)
      rest = (fields.pop() ?? '').slice(-fieldCharsMax - 1)
      for (const field of fields) {
        if (field.length < 4 || field.length > fieldCharsMax) continue
        const found = written.find((column) => methodsOf(column).some((method) => isMaskedText(method, field)))
        if (found !== undefined) return refusalOf(found)
      }
      return null
    },
  }
}
