// The doctor's judgement of clocks, at the limits.
import { expect, test } from 'vitest'
import { clockCheck } from './doctor.ts'
import { splitLines } from './lines.ts'

const at = Date.parse('2026-06-01T12:00:00Z')

test.each([
  ['the same second', 0, 'pass'],
  ['the end of the same second', 999, 'pass'],
  ['a few seconds', 5_900, 'pass'],
  ['more than five seconds', 7_100, 'warn'],
  ['behind by as much', -7_100, 'warn'],
  ['past the leeway of tokens', 62_000, 'fail'],
])('%s', (_, skewMs, state) => {
  expect(clockCheck(at, at + skewMs).state).toBe(state)
})

test('a time that is not said is a warning', () => {
  expect(clockCheck(null, at).state).toBe('warn')
})

async function* chunks(...parts: string[]): AsyncGenerator<string> {
  yield* parts
}

test('lines are split at line feeds alone, however the text comes', async () => {
  const lines: string[] = []
  for await (const line of splitLines(chunks('a\r\nb', 'c\u2028\n', '\n', 'last'), 100)) lines.push(line)
  expect(lines).toEqual(['a\r', 'bc\u2028', '', 'last'])
})

test('a line that is too long comes cut, and the next one whole', async () => {
  const lines: string[] = []
  for await (const line of splitLines(chunks('aaaa', 'aaaa\nb\n'), 5)) lines.push(line)
  expect(lines).toEqual(['aaaaa', 'b'])
})
