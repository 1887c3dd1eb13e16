// Pages of a list: a cursor is the place after the last row, opaque to callers and checked when it comes back.
import { SallyportError } from '@sallyport/base/errors'
import type { z } from 'zod'

export const encodeCursor = (place: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(place)).toString('base64url')

/** The place of a cursor; null without one. Throws REQUEST_INVALID for what is not a cursor of this list. */
export function decodeCursor<T>(schema: z.ZodType<T>, cursor: string | undefined): T | null {
  if (cursor === undefined) return null
  const parsed = schema.safeParse(jsonOf(Buffer.from(cursor, 'base64url').toString('utf8')))
  if (!parsed.success)
    throw new SallyportError('REQUEST_INVALID', '"cursor" is not the "next" of an earlier page of this list')
  return parsed.data
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `limit + 1` rows were asked for: one too many means that there is a next page. */
export function pageOfRows<Row, Item>(
  rows: readonly Row[],
  limit: number,
  show: (row: Row) => Item,
  cursorOf: (last: Row) => string,
): { items: Item[]; next: string | null } {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return { items: shown.map(show), next: rows.length > limit && last !== undefined ? cursorOf(last) : null }
}
