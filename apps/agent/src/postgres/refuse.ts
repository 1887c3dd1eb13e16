// How a SallyportError looks in PostgreSQL's protocol, and what of a target's errors and notices a client may see
// (THREATS ). Nothing here decides; it only words.
import { errorDocsUrl, type SallyportError, surfacesOf } from '@sallyport/base/errors'
import type { NoticeFields } from '@sallyport/wire/postgres/messages'

export type Severity = 'ERROR' | 'FATAL'

/** The fields of an ErrorResponse. The code stands in the hint, with the page that explains it. */
export function errorFields(error: SallyportError, severity: Severity, position: number | null = null): NoticeFields {
  const see = `${error.code}, see ${errorDocsUrl(error.code)}`
  const fields: [string, string][] = [
    ['S', severity],
    ['V', severity],
    ['C', surfacesOf(error.code).sqlstate],
    ['M', error.message],
    ['H', error.hint === undefined || error.hint === '' ? see : `${error.hint} (${see})`],
  ]
  return position === null ? fields : [...fields, ['P', String(position)]]
}

/** Value of a field, or empty. */
export const fieldOf = (fields: NoticeFields, code: string): string => fields.find(([name]) => name === code)?.[1] ?? ''

// SQLSTATEs whose text in PostgreSQL's source holds no value and no name that a value could become:
// syntax and transaction state, time-outs, cancellation, shutdown.
const plainTexts = new Set(['25P01', '25P02', '25001', '25006', '40001', '40P01', '55P03', '57014', '57P01', '57P02'])

const classTexts: Readonly<Record<string, string>> = {
  '00': 'a notice of the target was withheld',
  '01': 'a warning of the target was withheld',
  '02': 'no rows',
  '08': 'the connection to the target failed',
  '0A': 'the target does not support this',
  '21': 'more rows than the statement permits',
  '22': 'a value is not valid for its type or function',
  '23': 'a constraint of the target does not permit the change',
  '25': 'the transaction is in a state that does not permit this',
  '28': 'the target refused the authorisation',
  '40': 'the target rolled the transaction back; try again',
  '42': 'the target does not accept the statement, or the role lacks a right',
  '53': 'the target lacks resources',
  '54': 'a limit of the target is reached',
  '55': 'an object of the target is not in the state that the statement needs',
  '57': 'an operator or a time-out of the target intervened',
  '58': 'a system error of the target',
  P0: 'a function of the target raised an error',
  XX: 'an internal error of the target',
}

/** A neutral text for an SQLSTATE, by its class. */
export const neutralText = (sqlstate: string): string =>
  classTexts[sqlstate.slice(0, 2)] ?? 'the target reported an error'

/**
 * keeps S, V, C and P, a neutral M, and a hint that says where the rest is. For every statement that touches a
 * protected column, reads or writes it: DETAIL, CONTEXT, the internal query and object names may hold values.
 */
export function scrubFields(fields: NoticeFields): NoticeFields {
  const sqlstate = fieldOf(fields, 'C')
  const kept = fields.filter(([name]) => name === 'S' || name === 'V' || name === 'C')
  const message = plainTexts.has(sqlstate) ? fieldOf(fields, 'M') : neutralText(sqlstate)
  const position = fields.filter(([name]) => name === 'P')
  return [
    ...kept,
    ['M', message],
    ['H', 'details are withheld because the statement touches protected columns'],
    ...position,
  ]
}

// How PostgreSQL ends a session by itself (postgres.c, ProcessInterrupts and quickdie): the words are fixed and hold no value.
const endingTexts: ReadonlyMap<string, string> = new Map([
  ['25P03', 'terminating connection due to idle-in-transaction timeout'],
  ['25P04', 'terminating connection due to transaction timeout'],
  ['57P01', 'terminating connection due to administrator command'],
  ['57P02', 'terminating connection because of crash of another server process'],
  ['57P05', 'terminating connection due to idle-session timeout'],
])

/** The target's last error as clients know it, never in the words that came; undefined where no fixed words belong to it. */
export function endingFields(sqlstate: string): NoticeFields | undefined {
  const message = endingTexts.get(sqlstate)
  if (message === undefined) return undefined
  return [
    ['S', 'FATAL'],
    ['V', 'FATAL'],
    ['C', sqlstate],
    ['M', message],
  ]
}

/** An error in PostgreSQL's own words and SQLSTATE, where the server's answer would be the same. */
export const protocolFields = (sqlstate: string, message: string): NoticeFields => [
  ['S', 'ERROR'],
  ['V', 'ERROR'],
  ['C', sqlstate],
  ['M', message],
]

/** What the server runs in a failed block (postgres.c, IsTransactionExitStmt), with whatever follows it in the text. */
export const endsBlock = /^\s*(commit|end|rollback|abort|prepare\s+transaction)\b/i
