// What a scan of a target tells: names of relations and columns, and counts. INVARIANT: nothing in a report can hold a
// value of the target; a report with any other field is refused.
import { z } from 'zod'
import { type DetectorName, detectorNames } from './rule.ts'

/** Names in PostgreSQL have at most 63 bytes (NAMEDATALEN). */
const name = z.string().min(1).max(63)
const count = z.number().int().nonnegative().max(1_000_000)

export const ScanColumn = z.strictObject({
  schema: name,
  relation: name,
  column: name,
  /** Values of the sample that were not NULL. */
  values: count,
  /** Values in which each detector found something; absent means none. */
  hits: z.partialRecord(z.enum(detectorNames), count),
})
export type ScanColumn = z.infer<typeof ScanColumn>

export const ScanReport = z.strictObject({
  v: z.literal(1),
  target: z.string().min(1).max(63),
  /** Of the agent's own connection. */
  role: name,
  catalogVersion: z.string().max(64),
  /** Relations that were read, and columns of them that can hold text. */
  relations: count,
  columns: count,
  /** Relations that the role may not read, or that were not read in time. */
  unread: z.array(z.strictObject({ schema: name, relation: name })).max(10_000),
  /** The scan ended before every relation was looked at. */
  isCut: z.boolean(),
  /** Columns with a hit or a telling name. */
  found: z.array(ScanColumn).max(20_000),
})
export type ScanReport = z.infer<typeof ScanReport>

/** A label that a scan proposes, and why. */
export interface ScanProposal {
  readonly column: ScanColumn
  readonly label: string
  /** `values`: what was read looks like it. `name`: only the column's name does. */
  readonly evidence: 'values' | 'name'
  /** Of the values that were read, the share with a hit. */
  readonly share: number
}

/** Labels of what detectors find. */
const labelOfDetector: Readonly<Record<DetectorName, string>> = {
  email: 'pii.email',
  card: 'pii.card',
  iban: 'pii.iban',
  phone: 'pii.phone',
  'us-ssn': 'pii.us-ssn',
  jwt: 'secret.token',
  'private-key': 'secret.private-key',
  'aws-key': 'secret.token',
  'gcp-key': 'secret.token',
  'azure-key': 'secret.token',
  'github-token': 'secret.token',
  'gitlab-token': 'secret.token',
  'slack-token': 'secret.token',
  'stripe-key': 'secret.token',
  'api-token': 'secret.token',
}

/** Words of a column's name that tell what is in it, however they are divided: `card_number`, `cardNumber`. */
const tellingNames: readonly (readonly [label: string, words: readonly string[]])[] = [
  ['pii.email', ['email', 'emails', 'mail', 'e mail']],
  ['pii.phone', ['phone', 'phones', 'telephone', 'mobile', 'msisdn', 'fax']],
  ['pii.us-ssn', ['ssn', 'social security', 'social security number']],
  ['pii.card', ['card number', 'cc number', 'credit card', 'pan']],
  ['pii.iban', ['iban']],
  ['pii.birth-date', ['birth date', 'date of birth', 'birthdate', 'birthday', 'dob']],
  ['secret.password', ['password', 'passwd', 'pwd']],
  ['secret.token', ['token', 'api key', 'apikey', 'secret', 'access key']],
]

/** The label that the name of a column suggests, or null. */
export function labelOfName(column: string): string | null {
  const words = column
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[^A-Za-z0-9]+/g, ' ')
    .toLowerCase()
  const padded = ` ${words.trim()} `
  return tellingNames.find(([, names]) => names.some((one) => padded.includes(` ${one} `)))?.[0] ?? null
}

/** From this share of hits on, the column is taken to hold them; below it, a text mentions one now and then. */
const shareMin = 0.2

/** One proposal a column at most: what its values say, else what its name says. */
export function proposalsOf(report: ScanReport): ScanProposal[] {
  return report.found.flatMap((column): ScanProposal[] => {
    const byValues = labelByValues(column)
    if (byValues !== null && byValues.share >= shareMin) return [{ column, ...byValues, evidence: 'values' }]
    const label = labelOfName(column.column)
    return label === null ? [] : [{ column, label, share: byValues?.share ?? 0, evidence: 'name' }]
  })
}

function labelByValues({ hits, values }: ScanColumn): { label: string; share: number } | null {
  const sums = new Map<string, number>()
  for (const detector of detectorNames) {
    const label = labelOfDetector[detector]
    const found = hits[detector] ?? 0
    if (found > 0) sums.set(label, (sums.get(label) ?? 0) + found)
  }
  const [best] = [...sums].sort(([, left], [, right]) => right - left)
  return best === undefined ? null : { label: best[0], share: Math.min(1, best[1] / Math.max(1, values)) }
}
