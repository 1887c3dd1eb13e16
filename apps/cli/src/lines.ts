// A stream of text as its lines, split at line feeds only: other line ends belong to the line (a record is bytes).

/** A line longer than `charsMax` comes cut at that length; the rest of it is dropped. */
export async function* splitLines(chunks: AsyncIterable<string>, charsMax: number): AsyncGenerator<string> {
  let rest = ''
  for await (const chunk of chunks) {
    const parts = chunk.split('\n')
    for (const [index, part] of parts.entries()) {
      rest = `${rest}${part}`.slice(0, charsMax)
      if (index === parts.length - 1) break
      yield rest
      rest = ''
    }
  }
  if (rest !== '') yield rest
}
