// Two promises about any text: the work is bounded by its length, and findings do not depend on the chunks in which it
// comes. The texts are made of the pieces that detectors begin to read and give up.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allDetectors, DetectorStream, detect, detectIn, type Finding } from './detect.ts'
import type { Chars } from './finding.ts'
import { hideIn, hidingStream } from './hide.ts'
import { pieceMax } from './pieces.ts'

/** A text that counts how often it is read. */
class CountedText implements Chars {
  reads = 0
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }
  get length(): number {
    return this.#text.length
  }
  charCodeAt(index: number): number {
    this.reads += 1
    return this.#text.charCodeAt(index)
  }
}

/** Reads of one character at most, on average: digits in short groups cost the most. */
const readsPerCharMax = 100
const readsFixed = 2_000

const lures = [
  'a',
  '@',
  '.',
  '-',
  '_',
  ' ',
  '1',
  '4',
  '0',
  '+',
  '(',
  ')',
  '/',
  '=',
  '%40',
  '%',
  ':',
  '~',
  ',',
  '\n',
  'Z',
  'eyJ',
  'eyJhbGciOiJIUzI1NiJ9.',
  'DE89',
  'GB29NWBK',
  'a@',
  '@a.',
  'a.',
  '4111',
  ' 1',
  '1 ',
  '12-',
  '-----',
  '-----BEGIN ',
  '-----BEGIN PRIVATE KEY-----',
  'PRIVATE KEY',
  '-----END',
  'sk-',
  'SG.',
  'AccountKey=',
  'ya29.',
  'gl',
  'ghp_',
  'xoxb-',
  'AKIA',
  'ABCD ',
  '+1 ',
  '00',
  'é',
  '\u00a0',
  '\u2013',
  '\ud83d\ude00',
  '中',
] as const

const seedText = fc.array(fc.constantFrom(...lures), { minLength: 1, maxLength: 12 }).map((parts) => parts.join(''))
/** Long runs of one short pattern are what makes matching go wrong. */
const nastyUpTo = (charsMax: number) =>
  fc
    .tuple(fc.array(seedText, { maxLength: 3 }), seedText, fc.array(seedText, { maxLength: 3 }))
    .map(([before, pattern, after]) => [...before, pattern.repeat(charsMax / pattern.length), ...after].join(''))
const nasty = nastyUpTo(2_000)
const nastyOfWindows = nastyUpTo(pieceMax * 2)

const realistic = fc
  .array(
    fc.oneof(
      seedText,
      fc.constantFrom(
        'ann@example.com',
        '4111 1111 1111 1111',
        'DE89 3704 0044 0532 0130 00',
        '219-09-9999',
        '+1 (415) 555-2671',
        'AKIAIOSFODNN7EXAMPLE',
        'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl',
        '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----',
      ),
      fc.constantFrom(' ', ', ', '\n', '"', '; '),
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''))

const runs = 200
/** Of texts that are longer than a window. */
const longRuns = 12

describe('the work', () => {
  it('is linear in the text, whatever it is (no ReDoS)', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const counted = new CountedText(text)
        detectIn(counted, allDetectors)
        expect(counted.reads).toBeLessThanOrEqual(text.length * readsPerCharMax + readsFixed)
      }),
      { numRuns: runs },
    )
  })

  it.each([...lures, '1 1-', '12 ', '1234 5678 ', 'eyJ-', 'eyJ.', 'a.a@', 'sk-proj-', '4111 1111 1111 111'])(
    'is linear for %j repeated over many windows',
    (pattern) => {
      const text = pattern.repeat(Math.ceil((pieceMax * 1.5) / pattern.length))
      const counted = new CountedText(text)
      detectIn(counted, allDetectors)
      expect(counted.reads).toBeLessThanOrEqual(text.length * readsPerCharMax + readsFixed)
    },
  )
})

const inOrder = (findings: readonly Finding[], length: number): boolean =>
  findings.every(({ start, end }, index) => start >= (findings[index - 1]?.end ?? 0) && end > start && end <= length)

/** The text cut at these places. */
function chunksOf(text: string, cuts: readonly number[]): string[] {
  const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((left, right) => left - right)
  return [...places, text.length].map((place, index) => text.slice(places[index - 1] ?? 0, place))
}

describe('a stream', () => {
  it.each([
    ['ordinary', realistic, runs],
    ['nasty', nasty, runs],
    ['long', nastyOfWindows, longRuns],
  ])('finds in %s texts what is found in the whole, whatever the chunks', (_, texts, numRuns) => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(), { maxLength: 20 }), (text, cuts) => {
        const stream = new DetectorStream()
        const findings: Finding[] = []
        let settled = 0
        for (const answer of [...chunksOf(text, cuts).map((chunk) => stream.push(chunk)), stream.end()]) {
          // What was let go before never becomes part of a finding.
          expect(answer.findings.every(({ start }) => start >= settled)).toBe(true)
          expect(answer.findings.every(({ end }) => end <= answer.settled)).toBe(true)
          expect(answer.settled).toBeGreaterThanOrEqual(settled)
          settled = answer.settled
          findings.push(...answer.findings)
        }
        expect(settled).toBe(text.length)
        expect(inOrder(findings, text.length)).toBe(true)
        expect(findings).toEqual(detect(text))
      }),
      { numRuns },
    )
  })

  it('holds back one window at most', () => {
    fc.assert(
      fc.property(nastyOfWindows, (text) => {
        const stream = new DetectorStream()
        let given = 0
        for (const chunk of chunksOf(text, [1_000, 7_000, 19_000])) {
          given += chunk.length
          expect(given - stream.push(chunk).settled).toBeLessThanOrEqual(pieceMax + 128)
        }
      }),
      { numRuns: longRuns },
    )
  })

  it('hides the same in chunks and at once, one character at a time too', () => {
    fc.assert(
      fc.property(realistic, (text) => {
        const hide = (_: string, { kind }: Finding) => `[${kind}]`
        const stream = hidingStream(hide)
        const pieces = Array.from({ length: text.length }, (_, index) => stream.push(text.charAt(index)))
        expect(pieces.join('') + stream.end()).toBe(hideIn(text, hide).text)
      }),
      { numRuns: runs },
    )
  })
})
