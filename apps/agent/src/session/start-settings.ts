// Settings of a start-up packet that stand for more than how a driver reads and writes values: each is judged as the SET that does
// the same, before anything connects to the target. What SET may not do, a connection string does not do either.
import { SallyportError } from '@sallyport/base/errors'
import type { Catalog } from '@sallyport/sql/catalog'
import { parsePath } from '@sallyport/sql/settings'
import { noNames } from './analysis.ts'
import { type AssessDeps, assess } from './assess.ts'
import { isHeld } from './held.ts'
import { noParameters } from './recorded.ts'

/** Throws what SET of the first one that may not be set is answered with. */
export function judgeStartSettings(deps: AssessDeps, settings: ReadonlyMap<string, string>, catalog: Catalog): void {
  for (const [name, value] of settings) {
    if (name === 'search_path' && !isPlainPath(value))
      throw new SallyportError(
        'SETTING_FORBIDDEN',
        'start-up parameter "search_path" has names that may be read in two ways',
        {
          hint: 'leave it out, and use SET once the session is open',
        },
      )
    const assessed = assess(deps, setting(name, value), catalog)
    if (assessed.kind === 'refused') throw refusal(name, assessed.error)
    if (assessed.kind !== 'clear') throw refusal(name, new SallyportError('CATALOG_STALE', 'its names are not known'))
    if (isHeld(assessed.all))
      throw new SallyportError('SETTING_FORBIDDEN', `start-up parameter "${name}" has to be approved by a person`, {
        hint: 'leave it out, and use SET once the session is open',
      })
  }
}

/** With the words of the decision, and for whom they are. */
const refusal = (name: string, { code, message, hint, cause }: SallyportError): SallyportError =>
  new SallyportError(code, `start-up parameter "${name}": ${message}`, {
    cause,
    ...(hint === undefined ? {} : { hint }),
  })

const setting = (name: string, value: string) =>
  ({
    moment: 'query',
    text: setText(name, value),
    facts: null,
    parameters: noParameters,
    names: noNames,
    hold: null,
    reading: 'unsettled',
  }) as const

/** The SET that does what this start-up parameter does. A path is a list of names, where any other value is one text. */
export function setText(name: string, value: string): string {
  const setting = name.split('.').map(quotedName).join('.')
  const path = name === 'search_path' ? parsePath(value) : []
  return `SET ${setting} TO ${path.length === 0 ? quotedText(value) : path.map(quotedName).join(', ')}`
}

/** The server folds and shortens other names by rules of its own. */
const isPlainPath = (path: string): boolean =>
  /^[ -~]*$/.test(path) && parsePath(path).every((name) => name.length <= nameBytesMax)

/** NAMEDATALEN - 1. */
const nameBytesMax = 63

const quotedName = (name: string): string => `"${name.replaceAll('"', '""')}"`
const quotedText = (text: string): string => `'${text.replaceAll("'", "''")}'`
