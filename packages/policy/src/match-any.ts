// One matcher of several, which remembers its answers.
import type { Matcher } from './match.ts'

/** Names whose answer is remembered; a caller can invent settings and channels without end. */
const rememberedNamesMax = 1_000

/** One matcher of several, which remembers its answers: statements name the same objects again and again. */
export function anyOf(matchers: readonly Matcher[]): Matcher {
  const remembered = new Map<string, boolean>()
  return (name) => {
    const known = remembered.get(name)
    if (known !== undefined) return known
    const answer = matchers.some((matches) => matches(name))
    if (remembered.size >= rememberedNamesMax) remembered.clear()
    remembered.set(name, answer)
    return answer
  }
}
