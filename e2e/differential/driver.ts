// What the three drivers have in common: a place to connect to, and a session that runs scripts there.
import type { Script, Verb } from './script.ts'
import type { Trace } from './trace.ts'

export interface Place {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
  /** PEM of the authority to verify with, and a file with it. */
  readonly ca: string
  readonly caFile: string
  /** Settles once the target runs a statement that begins so. */
  readonly running: (text: string) => Promise<void>
}

export interface Driver {
  /** On a connection that is as new: kept from script to script where nothing of the last one can be left on it. */
  run(place: Place, script: Script): Promise<Trace>
  close(): Promise<void>
}

/** Printable as it is, or in hexadecimal. */
export function bytesShown(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? text : `\\x${bytes.toString('hex')}`
}

export const stepMsMax = 10_000

/** A step that hangs is an answer, too: it must not hang the test. */
export async function bounded<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer after ${stepMsMax} ms: ${what}`)), stepMsMax)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

const untidy: readonly Verb[] = ['prepared', 'pipeline', 'notified', 'cancel', 'other']

/** May the connection be used again after DISCARD ALL? Drivers keep books on prepared statements of their own. */
export const isTidy = (script: Script): boolean =>
  script.steps.every(({ verb, text }) => !untidy.includes(verb) && !/DISCARD|DEALLOCATE|PREPARE|LISTEN/.test(text))

/** What takes everything of a script off its connection. */
export const tidyUp = ['ROLLBACK', 'DISCARD ALL'] as const
