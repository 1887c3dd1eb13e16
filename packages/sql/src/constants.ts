// Which literals of a text an analysis looked at. The tree of the parser is handed out with constants that note every look
// at their value, so that what nobody looked at provably made no difference. Nothing here knows what an analysis does.
import type { SqlParser } from './facts.ts'
import type { Literal, Shape } from './shape.ts'
import { utf8Length } from './tree.ts'

export interface Watched {
  /** The parser to analyse `text` with; other texts (bodies of views and functions) pass unwatched. */
  readonly parser: SqlParser
  /** Indices of literals whose value was looked at, or which are no constant of the tree and count as looked at. */
  seen(): ReadonlySet<number>
}

export function watchConstants(text: string, { literals, beyondAscii }: Shape, parser: SqlParser): Watched {
  const hidden = new Set<number>()
  const looked = new Set<number>()
  const byOffset = offsetsOf(text, literals, beyondAscii)
  const watched: SqlParser = {
    fingerprint: (other) => parser.fingerprint(other),
    parse(other) {
      const tree = parser.parse(other)
      if (other === text) watchTree(tree.stmts, byOffset, hidden, looked)
      return tree
    },
    // A body is no part of the text.
    ...(parser.parsePlpgsql === undefined ? {} : { parsePlpgsql: (body: string) => parser.parsePlpgsql?.(body) }),
  }
  return {
    parser: watched,
    seen: () => new Set(literals.flatMap((_, index) => (hidden.has(index) && !looked.has(index) ? [] : [index]))),
  }
}

/** Byte offsets at which the parser may place a constant: of the literal, or of the minus that it took in. */
function offsetsOf(text: string, literals: readonly Literal[], beyondAscii: boolean): ReadonlyMap<number, number> {
  const offsets = new Map<number, number>()
  let from = 0
  let bytes = 0
  const offsetOf = (index: number): number => {
    if (!beyondAscii) return index
    bytes += utf8Length(text.slice(from, index))
    from = index
    return bytes
  }
  literals.forEach(({ start, sign }, index) => {
    if (sign >= 0) offsets.set(offsetOf(sign), index)
    offsets.set(offsetOf(start), index)
  })
  return offsets
}

const kinds = ['ival', 'fval', 'sval'] as const

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** Walks the whole tree without recursion: its depth is not known yet. */
function watchTree(
  root: unknown,
  byOffset: ReadonlyMap<number, number>,
  hidden: Set<number>,
  looked: Set<number>,
): void {
  const open: unknown[] = [root]
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (!isObject(value)) continue
    const constant = value['A_Const']
    if (isObject(constant)) {
      watchConstant(constant, byOffset, hidden, looked)
      continue
    }
    for (const member of Object.values(value)) if (isObject(member)) open.push(member)
  }
}

function watchConstant(
  constant: Record<string, unknown>,
  byOffset: ReadonlyMap<number, number>,
  hidden: Set<number>,
  looked: Set<number>,
): void {
  const { location } = constant
  const index = typeof location === 'number' ? byOffset.get(location) : undefined
  if (index === undefined) return
  for (const kind of kinds) {
    const inner = constant[kind]
    if (!isObject(inner)) continue
    const value = inner[kind]
    Object.defineProperty(inner, kind, {
      // A copy of the constant is a look at it.
      enumerable: true,
      get() {
        looked.add(index)
        return value
      },
    })
    hidden.add(index)
  }
}
