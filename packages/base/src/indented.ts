// JSON of one line as lines that people can read and compare. The text is only laid out: every character of it stays as it is, also
// numbers and escapes that a parser would change.

/** Deeper levels are not indented further: a text of brackets alone would grow to its square. */
const levelsMax = 40

export function indented(json: string): string {
  let level = 0
  let lines = ''
  let from = 0
  const line = (to: number): void => {
    lines += `${json.slice(from, to)}\n${'  '.repeat(Math.min(level, levelsMax))}`
    from = to
  }
  for (let at = 0; at < json.length; at++) {
    const character = json[at]
    if (character === '"') at = endOfString(json, at)
    else if (character === '{' || character === '[') {
      if (json[at + 1] === '}' || json[at + 1] === ']') at += 1
      else {
        level += 1
        line(at + 1)
      }
    } else if (character === '}' || character === ']') {
      level = Math.max(0, level - 1)
      line(at)
    } else if (character === ',') line(at + 1)
    else if (character === ':') {
      lines += `${json.slice(from, at)}: `
      from = at + 1
    }
  }
  return lines + json.slice(from)
}

function endOfString(json: string, from: number): number {
  let at = from + 1
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at
}
