// Rows that stand beside each other in one chunk leave as they would be encoded anew, whatever is replaced by what in which of them.
import { ByteWriter } from '@sallyport/wire/bytes/writer'
import { encodeBackend } from '@sallyport/wire/postgres/encode'
import { headerBytes } from '@sallyport/wire/postgres/frames'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Replacements } from './replacements.ts'
import { RowRun } from './row-run.ts'

const runs = process.env['SALLYPORT_TEST'] === 'full' ? 5_000 : 300
const value = fc.option(fc.uint8Array({ maxLength: 90 }), { nil: null })
/** A value, and what stands in its place; undefined: it stays. */
const cell = fc.tuple(value, fc.oneof(value, fc.constant(undefined)))
const row = fc.record({
  cells: fc.array(cell, { minLength: 1, maxLength: 5 }),
  /** Something else is written before it. */
  after: fc.boolean(),
})

it('says what encoding each row anew says', () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 8 }), (rows) => {
      const chunk = Buffer.concat(rows.map(({ cells }) => encodeRow(cells.map(([before]) => before))))
      const writer = new ByteWriter()
      const run = new RowRun(writer)
      const wanted: Buffer[] = []
      let start = 0
      for (const { cells, after } of rows) {
        const end = start + 1 + chunk.readInt32BE(start + 1)
        if (after) {
          run.finish()
          writer.bytes(Buffer.from('between'))
          wanted.push(Buffer.from('between'))
        }
        const changed = replacementsOf(cells, start)
        if (changed.count === 0) run.take(chunk, start, end)
        else run.replace(chunk, start, end, changed)
        wanted.push(encodeRow(cells.map(([before, now]) => (now === undefined ? before : now))))
        start = end
      }
      run.finish()
      expect(writer.take().toString('hex')).toBe(Buffer.concat(wanted).toString('hex'))
    }),
    { numRuns: runs },
  )
})

const encodeRow = (values: readonly (Uint8Array | null)[]): Buffer =>
  encodeBackend({ type: 'dataRow', values: values.map((one) => (one === null ? null : Buffer.from(one))) })

type Cell = readonly [Uint8Array | null, Uint8Array | null | undefined]

function replacementsOf(cells: readonly Cell[], start: number): Replacements {
  const changed = cells.filter(([, now]) => now !== undefined)
  const places: number[] = []
  const ends: number[] = []
  let at = start + headerBytes + 2
  let bodyBytes = 2
  for (const [before, now] of cells) {
    at += 4
    if (now !== undefined) {
      places.push(at)
      ends.push(at + (before?.length ?? 0))
    }
    bodyBytes += 4 + ((now === undefined ? before : now)?.length ?? 0)
    at += before?.length ?? 0
  }
  return {
    places: Int32Array.from(places),
    ends: Int32Array.from(ends),
    values: changed.map(([, now]) => now ?? null),
    count: changed.length,
    bodyBytes,
  }
}
