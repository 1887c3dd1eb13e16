// The injected credential in what comes back: every form, at every split.
import { Secret } from '@sallyport/base/secret'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { echoScan, holdsNeedle, needlesFor, needlesOf } from './echo.ts'

const text = 'pa"ss/wörd+0123456789'
const needles = needlesOf([new Secret(text)])

/** What goes on, or null when it was found. */
function scanned(chunks: readonly Buffer[]): Buffer | null {
  const scan = echoScan(needles)
  const out: Buffer[] = []
  for (const chunk of chunks) {
    const next = scan.push(chunk)
    if (next === null) return null
    out.push(next)
  }
  return Buffer.concat([...out, scan.end()])
}

const forms: readonly [string, string][] = [
  ['plain', text],
  ['percent-encoded', encodeURIComponent(text)],
  ['percent-encoded in lower case', encodeURIComponent(text).replace(/%../g, (code) => code.toLowerCase())],
  ['in JSON with slashes escaped', JSON.stringify({ a: text }).replaceAll('/', '\\/')],
  ['in JSON as ASCII', JSON.stringify({ a: text }).replace('ö', '\\u00f6')],
  ['in JSON as ASCII with slashes escaped', JSON.stringify({ a: text }).replace('ö', '\\u00f6').replaceAll('/', '\\/')],
  ['in JSON', JSON.stringify({ a: text })],
  ...['', 'x', 'xy', 'xyz'].map((before): [string, string] => [
    `in base64 behind ${before.length}`,
    Buffer.from(`${before}${text}after`).toString('base64'),
  ]),
  ['in base64url', Buffer.from(`?>${text}`).toString('base64url')],
  ['at the end of base64', Buffer.from(text).toString('base64')],
]

it.each(forms)('%s is found at every split', (_, form) => {
  const bytes = Buffer.from(`before ${form} behind`)
  for (let at = 0; at <= bytes.length; at++) expect(scanned([bytes.subarray(0, at), bytes.subarray(at)])).toBeNull()
  expect(scanned([...bytes].map((byte) => Buffer.from([byte])))).toBeNull()
})

it('anything else goes on unchanged, however it is split', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 }), (parts) => {
      const chunks = parts.map((part) => Buffer.from(part))
      const all = Buffer.concat(chunks)
      fc.pre(!holdsNeedle(needles, all))
      expect(scanned(chunks)).toEqual(all)
    }),
  )
})

it('the beginning of a credential waits, and nothing else does', () => {
  const scan = echoScan(needles)
  expect(scan.push(Buffer.from('data: 1\n\n'))?.toString()).toBe('data: 1\n\n')
  expect(scan.push(Buffer.from(`x${text.slice(0, 4)}`))?.toString()).toBe('x')
  expect(scan.push(Buffer.from('!'))?.toString()).toBe(`${text.slice(0, 4)}!`)
})

it('one that is too short is not looked for', () => {
  expect(needlesOf([new Secret('abc')])).toEqual([])
})

describe('many needles', () => {
  it('are found as one by one: at any place, and no others', () => {
    const needles = needlesOf(Array.from({ length: 20 }, (_, at) => new Secret(`credential-${at}-of-some-target`)))
    expect(needles.length).toBeGreaterThan(8)
    for (const needle of needles)
      for (const [before, after] of [
        [0, 0],
        [1, 0],
        [0, 3],
        [200, 200],
      ] as const)
        expect(holdsNeedle(needles, Buffer.concat([Buffer.alloc(before, 'c'), needle, Buffer.alloc(after, 'x')]))).toBe(
          true,
        )
    for (const text of ['', 'cre', 'credential-', 'credential-5-of-some-targe', 'xxxx'])
      expect(holdsNeedle(needles, Buffer.from(text))).toBe(false)
  })
})

it('needles of one owner are made once, and anew for other secrets', () => {
  const owner = {}
  const first = needlesFor(owner, [new Secret(text)])
  expect(needlesFor(owner, [new Secret(text)])).toBe(first)
  const other = needlesFor(owner, [new Secret(`${text}!`)])
  expect(other).toEqual(needlesOf([new Secret(`${text}!`)]))
  expect(needlesFor(owner, [])).toEqual([])
  expect(needlesFor(owner, [new Secret(text), new Secret('another one')])).toHaveLength(
    needlesOf([new Secret(text), new Secret('another one')]).length,
  )
})
