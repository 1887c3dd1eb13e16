// What the clients of the storm saw: what was answered, what was not theirs, what never came back. Every statement has a
// mark of its own, `c3x17`: who asked, and its how-manieth it was; an answer that shows another one is a mixed row.
import { secretOf } from './documents.ts'

export interface Asker {
  /** `c3`, the owner of the rows that it asks for. */
  readonly name: string
  /** Its person reads personal data unmasked. */
  readonly seesSecrets: boolean
  /** The mark of its next statement. */
  mark(): string
}

export interface OwnedRow {
  readonly who: string
  readonly owner: string
  readonly id: number
  readonly secret: string
}

export interface Tally {
  /** Marks of statements whose answer came back whole. */
  readonly answered: Set<string>
  /** Marks of statements that must never have reached the target. */
  readonly denied: Set<string>
  /** Marks of transactions whose COMMIT was answered. */
  readonly committed: Set<string>
  /** Rows that were not the asker's, or not masked as they should. Must stay empty. */
  readonly wrong: string[]
  /** What neither was answered nor failed in time. Must stay empty. */
  readonly hung: string[]
  /** How often what came in the place of an answer, by SQLSTATE or code. */
  readonly failures: Map<string, number>
}

export const newTally = (): Tally => ({
  answered: new Set(),
  denied: new Set(),
  committed: new Set(),
  wrong: [],
  hung: [],
  failures: new Map(),
})

export function newAsker(number: number, seesSecrets: boolean): Asker {
  let turn = 0
  return { name: `c${number}`, seesSecrets, mark: () => `c${number}x${turn++}` }
}

/** Marks in a text: of the target's log, or of an entry. */
export const marksIn = (text: string): readonly string[] => text.match(/\bc\d+x\d+\b/g) ?? []

/** What the asker may see of its row's secret. */
export const shownSecret = (asker: Asker, id: number): string =>
  asker.seesSecrets ? secretOf(asker.name, id) : '[redacted]'

/** Rows 1 to `count` of the asker, each under this mark, masked for whoever may not see. */
export function expectOwn(tally: Tally, asker: Asker, mark: string, rows: readonly OwnedRow[], count: number): void {
  const wrong = (what: string) => void tally.wrong.push(`${mark}: ${what}`)
  if (rows.length !== count) wrong(`${rows.length} rows in the place of ${count}`)
  for (const [index, row] of rows.entries()) {
    if (row.who !== mark) wrong(`a row of "${row.who}"`)
    if (row.owner !== asker.name || row.id !== index + 1) wrong(`row ${row.owner} ${row.id}`)
    const secret = shownSecret(asker, index + 1)
    if (row.secret !== secret) wrong(`the secret "${row.secret}" in the place of "${secret}"`)
  }
  tally.answered.add(mark)
}

/** A code that tells what it was, without anything of this run. */
export function countFailure(tally: Tally, thrown: unknown): void {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown).slice(0, 80)
  tally.failures.set(code, (tally.failures.get(code) ?? 0) + 1)
}

/** Longer than any deadline of the product for what runs here. */
export const answerMsMax = 240_000

/** Settles as `run` does; what takes too long is noted and given up. */
export async function inTime<T>(tally: Tally, what: string, run: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      tally.hung.push(what)
      reject(new Error('no answer in time'))
    }, answerMsMax)
  })
  try {
    return await Promise.race([run, late])
  } finally {
    clearTimeout(timer)
  }
}
