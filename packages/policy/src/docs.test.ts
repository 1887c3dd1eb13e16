// docs/policy.md says only what is so: its examples are sound, its lists of names are those of the code.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { compileCondition } from './conditions.ts'
import { operations } from './document.ts'
import { parseDocuments, parseFloor } from './parse.ts'
import { compileDocuments, documentsOf } from './testing.ts'

const page = readFileSync(new URL('../../../docs/policy.md', import.meta.url), 'utf8')
const blocks = [...page.matchAll(/^```yaml( floor)?\n([\s\S]*?)^```$/gm)].map(([, floor, text = '']) => ({
  floor,
  text,
}))

describe('docs/policy.md', () => {
  it('has examples', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(6)
  })

  it.each(blocks.filter(({ floor }) => floor === undefined))('example %# is sound', ({ text }) => {
    expect(parseDocuments(text).problems).toEqual([])
  })

  it.each(blocks.filter(({ floor }) => floor !== undefined))('floor %# is sound', ({ text }) => {
    expect(parseFloor(text).problems).toEqual([])
  })

  it('has examples that work together', () => {
    const text = blocks.filter(({ floor }) => floor === undefined).map((block) => block.text)
    expect(compileDocuments(documentsOf(text.join('---\n'))).rules).toBeGreaterThan(5)
  })

  it('names every operation', () => {
    for (const operation of operations) expect(page).toContain(`\`${operation}\``)
  })

  it('names functions that conditions have, and no others', () => {
    const listed = /^Functions: ([\s\S]*?), `in`, and the loops ([\s\S]*?)\. `like`/m.exec(page)
    const names = [...`${listed?.[1]} ${listed?.[2]}`.matchAll(/`(\w+)`/g)].map(([, name]) => name)
    expect(names.length).toBeGreaterThan(20)
    // A function that exists is refused for its arguments at most, never as unavailable.
    for (const name of names) {
      const asMethod = compileCondition(`statement.text.${name}()`)
      const asFunction = compileCondition(`${name}()`)
      const told = [asMethod, asFunction].map((one) => ('problem' in one ? one.problem.message : ''))
      expect(told.some((message) => !message.includes('is not available'))).toBe(true)
    }
  })
})

describe('docs/guides', () => {
  const guides = new URL('../../../docs/guides/', import.meta.url)
  const yaml = readdirSync(guides).flatMap((name) =>
    [...readFileSync(new URL(name, guides), 'utf8').matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(
      ([, text = '']) => [name, text] as const,
    ),
  )
  const documents = yaml.filter(([, text]) => text.startsWith('apiVersion: sallyport.dev/'))
  const rules = yaml.filter(([, text]) => text.startsWith('rules:'))

  it.each(documents)('%s has documents that are sound', (_, text) => {
    expect(parseDocuments(text).problems).toEqual([])
  })

  it.each(rules)('%s has rules that are sound', (_, text) => {
    const head =
      'apiVersion: sallyport.dev/v1\nkind: Policy\nmetadata: { name: guide }\nspec:\n  targets: { names: [shop] }\n'
    expect(parseDocuments(head + text.replaceAll(/^(?=.)/gm, '  ')).problems).toEqual([])
  })

  it('are five, each with something to apply', () => {
    expect(new Set([...documents, ...rules].map(([name]) => name)).size).toBe(5)
  })
})
