// How often detectors are wrong: over data as databases hold it and that is none of what they look for, made from a fixed
// seed. The table in docs/detectors.md is this one; a change of a detector that changes a number has to change it there.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type DetectorName, detectorNames } from '../rule.ts'
import { detect } from './detect.ts'

const valuesOfEach = 5_000

/** Numbers from a seed, the same on every machine: xorshift (Marsaglia 2003), 32 bits. */
function numbers(seed: string) {
  let state = [...seed].reduce((sum, character) => (Math.imul(sum, 31) + character.charCodeAt(0)) | 0, 2_463_534_242)
  const next = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
  const below = (limit: number): number => Math.floor(next() * limit)
  const digits = (length: number): string => Array.from({ length }, () => below(10)).join('')
  const from = <T>(list: readonly T[]): T => list[below(list.length)] as T
  const chars = (alphabet: string, length: number): string =>
    Array.from({ length }, () => alphabet.charAt(below(alphabet.length))).join('')
  return { below, digits, from, chars }
}
type Numbers = ReturnType<typeof numbers>

const hex = '0123456789abcdef'
const base64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const two = (value: number): string => String(value).padStart(2, '0')
const words = (
  'the order was shipped on time and customer asked for a refund because box arrived damaged please check stock before ' +
  'we send another one to main street warehouse invoice follows by post gift wrapping included no receipt in parcel'
).split(' ')
const prose = ({ from, below }: Numbers): string => Array.from({ length: 5 + below(20) }, () => from(words)).join(' ')
const date = ({ below }: Numbers): string => `${2000 + below(30)}-${two(1 + below(12))}-${two(1 + below(28))}`
const time = ({ below }: Numbers): string => `${two(below(24))}:${two(below(60))}:${two(below(60))}`

/** GS1 check digit: weights 3 and 1 from the right. */
function ean(body: string): string {
  const sum = [...body].reverse().reduce((total, digit, index) => total + Number(digit) * (index % 2 === 0 ? 3 : 1), 0)
  return body + String((10 - (sum % 10)) % 10)
}

const data: Readonly<Record<string, (numbers: Numbers) => string>> = {
  'prose (order notes)': prose,
  'prose with numbers': (n) =>
    `${prose(n)} ${n.below(1_000)} of ${n.below(100_000)} ${prose(n)} ${2_000 + n.below(30)}`,
  'dates and times': (n) => n.from([date(n), `${date(n)}T${time(n)}Z`, `${date(n)} ${time(n)}.${n.digits(6)}+00`]),
  'dates with dots or slashes': (n) =>
    n
      .from(['.', '/'])
      .concat('')
      .replace(/./, (sign) => [two(1 + n.below(28)), two(1 + n.below(12)), 1990 + n.below(40)].join(sign)),
  'epoch milliseconds': (n) => String(1_500_000_000_000 + n.below(300_000_000) * 1_000),
  'epoch microseconds': (n) => `1${n.from(['5', '6', '7'])}${n.digits(14)}`,
  'order and invoice numbers': (n) =>
    n.from([`INV-${2000 + n.below(30)}-${n.digits(6)}`, `SO${n.digits(8)}`, n.digits(10)]),
  '64-bit ids (snowflakes)': (n) => `${1 + n.below(9)}${n.digits(17)}`,
  '16-digit numbers': (n) => n.digits(16),
  'EAN-13 barcodes': (n) => ean(n.digits(12)),
  UUIDs: (n) => [8, 4, 4, 4, 12].map((length) => n.chars(hex, length)).join('-'),
  'hashes in hex': (n) => n.chars(hex, n.from([32, 40, 64])),
  'random base64': (n) => n.chars(base64, n.from([24, 44, 88])),
  'prices and amounts': (n) =>
    n.from([`${n.below(10_000)}.${n.digits(2)}`, `${n.below(1_000)} EUR`, `-${n.digits(12)}.${n.digits(4)}`]),
  'IP addresses with ports': (n) =>
    `${n.below(256)}.${n.below(256)}.${n.below(256)}.${n.below(256)}:${n.below(65_536)}`,
  versions: (n) => `v${n.below(20)}.${n.below(40)}.${n.below(100)}-${n.from(['rc', 'beta'])}.${n.below(9)}`,
  coordinates: (n) => `${n.below(90)}.${n.digits(6)}, -${n.below(180)}.${n.digits(6)}`,
  'street addresses': (n) =>
    `${1 + n.below(240)} ${n.from(['Mill Lane', 'Castle Hill'])}, ${n.digits(5)} ${n.from(['Lyon', 'Bremen'])}`,
  'paths and URLs': (n) =>
    `https://shop.example.com/${n.from(words)}/${n.digits(6)}?page=${n.below(50)}&ref=${n.chars(hex, 8)}`,
  'part numbers': (n) =>
    n.from([
      `${n.digits(4)}-${n.digits(3)}-${n.digits(3)}`,
      `${n.digits(3)}-${n.digits(2)}-${n.digits(3)}`,
      `A${n.digits(3)} ${n.digits(3)} ${n.digits(2)} ${n.digits(2)}`,
    ]),
  'numbers in columns': (n) => Array.from({ length: 6 }, () => n.digits(1 + n.below(4))).join(' '),
  'log lines': (n) =>
    `${date(n)}T${time(n)}Z INFO ${n.chars(hex, 16)} GET /api/v1/orders/${n.digits(5)} 200 ${n.below(900)}ms`,
}

/** Row of the table: values in 5,000 with a finding, by detector. */
function row(name: string, make: (numbers: Numbers) => string): string {
  const source = numbers(name)
  const counts = new Map<DetectorName, number>()
  for (let index = 0; index < valuesOfEach; index += 1)
    for (const kind of new Set(detect(make(source)).map((finding) => finding.kind)))
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
  const found = detectorNames.flatMap((kind) => (counts.has(kind) ? [`${kind} ${counts.get(kind)}`] : []))
  return `| ${name} | ${found.length === 0 ? '–' : found.join(', ')} |`
}

const page = readFileSync(new URL('../../../../docs/detectors.md', import.meta.url), 'utf8')

describe('the table of false positives', () => {
  it.each(Object.entries(data))('%s', (name, make) => {
    expect(page.split('\n')).toContain(row(name, make))
  })
})
