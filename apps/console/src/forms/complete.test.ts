// Suggestions of the editor, with | as the cursor.
import { describe, expect, it } from 'vitest'
import { completionsAt, type KnownNames } from './complete.ts'

const names: KnownNames = {
  groups: ['engineering', 'dba'],
  targets: ['orders'],
  labels: ['pii.email'],
  agents: ['eu-1'],
}
const head = 'apiVersion: sallyport.dev/v1\nkind: Policy\nmetadata: { name: p }\nspec:\n'
/** `|` is the cursor. */
const at = (text: string) => {
  const whole = head + text
  const position = whole.indexOf('|', head.length)
  const found = completionsAt(whole.replace(/\|/, ''), position, names)
  return found === null ? null : { ...found, labels: found.options.map((option) => option.label) }
}
const labels = (text: string) => at(text)?.labels ?? []

describe('completion', () => {
  it.each<[string, string, readonly string[]]>([
    ['fields of the document', '  |', ['targets', 'rules', 'masks', 'masking', 'limits', 'outward']],
    ['fields that are not there yet', '  rules: []\n  ma|\n', ['masks', 'masking']],
    ['fields of an item behind its dash', '  rules:\n    - na|', ['name']],
    ['values behind a key', '  rules:\n    - name: a\n      effect: |', ['allow', 'hold', 'deny', 'grant']],
    ['operations in brackets', '  rules:\n    - operations: [select, de|', ['delete']],
    ['groups that exist', '  rules:\n    - callers: { groups: [|', ['engineering', 'dba']],
    ['groups on lines of their own', '  rules:\n    - callers:\n        groups:\n          - d|', ['dba']],
    ['reviewers in nested brackets', '  rules:\n    - approval: { reviewers: [{ group: d|', ['dba']],
    ['targets', '  targets: { names: [|', ['orders']],
    ['labels of columns', '  masks:\n    - label: |', ['pii.email']],
    ['modes', '  rules:\n    - mode: |', ['enforce', 'shadow']],
    ['true where a key takes nothing else', '  targets: { any: |', ['true']],
  ])('%s', (_, text, expected) => {
    expect(labels(text)).toEqual(expected)
  })

  it('null among methods is quoted, because YAML reads the bare word as nothing', () => {
    expect(at('  masks:\n    - method: |')?.options.map((option) => option.insert)).toContain('"null"')
  })

  it('a list of items goes on in the next line, a list of words in brackets', () => {
    expect(at('  ru|')?.options[0]?.insert).toBe('rules:\n    - ')
    expect(at('  rules:\n    - name: a\n      oper|')?.options[0]?.insert).toBe('operations: [')
    expect(at('  rules:\n    - name: a\n      approv|')?.options[0]?.insert).toBe('approval:\n        ')
  })

  it('replaces the begun word only', () => {
    const found = at('  rules:\n    - effect: al|')
    expect(found).toMatchObject({ from: head.length + '  rules:\n    - effect: '.length, labels: ['allow'] })
  })

  it.each([
    ['a comment', '  # ru|'],
    ['free text', '  rules:\n    - message: Ask the |'],
    ['a finished word', '  rules:\n    - effect: allow|'],
    ['after the brackets', '  rules:\n    - operations: [select] |'],
  ])('is silent in %s', (_, text) => {
    expect(at(text)).toBeNull()
  })

  it('begins an empty document', () => {
    expect(completionsAt('', 0, names)?.options.map((option) => option.label)).toEqual([
      'apiVersion',
      'kind',
      'metadata',
      'spec',
    ])
    expect(completionsAt('kind: Po', 8, names)?.options.map((option) => option.label)).toEqual(['Policy'])
  })
})
