// Problems of the control plane stand where the author looks for them.
import { parseDocuments } from '@sallyport/policy/parse'
import { describe, expect, it } from 'vitest'
import { placeProblems } from './problem-place.ts'
import { scanYaml, stepsOf } from './scan.ts'

const text = `# comment
apiVersion: sallyport.dev/v1
kind: Group
metadata: { name: eng }
spec:
  members:
    - { issuer: "https://i", claim: eng }
---
apiVersion: sallyport.dev/v1
kind: Policy
metadata:
  name: orders
spec:
  targets: { names: [orders] }
  rules:
  - name: read
    effect: allow
    callers: { groups: [nobody] }
    message: |
      when: this is text
      - and no item
  - name: write
    effect: deny
    when: "nope("
`
const shown = (line: number | null, path: string) => {
  const [placed] = placeProblems(text, [{ code: 'DOCUMENT_INVALID', line, path, message: 'm' }])
  return `${placed?.line} ${text.slice(placed?.from, placed?.to)}`
}

describe('where a problem stands', () => {
  it.each([
    ['a line and a path that agree', 24, 'Policy/orders spec.rules[1].when', '24 when: "nope("'],
    ['a path alone', null, 'Policy/orders spec.rules[0].callers.groups', '18 callers: { groups: [nobody] }'],
    ['a path whose end does not stand there', null, 'Policy/orders spec.rules[1].approval.wait', '22 name: write'],
    ['another document', null, 'Group/eng spec.members[0]', '7 { issuer: "https://i", claim: eng }'],
    ['a line alone', 12, '', '12 name: orders'],
    ['a line past the end', 99, '', '25 '],
    ['nothing', null, '', '1 # comment'],
    ['a document alone', 9, 'Policy/orders', '9 apiVersion: sallyport.dev/v1'],
  ])('%s', (_, line, path, expected) => {
    expect(shown(line, path)).toBe(expected)
  })

  it('every problem of the parser lies on its line, in the order of the text', () => {
    const broken = text.replace('effect: allow', 'effect: alow').replace('metadata: {', 'metadata: { extra: 1,')
    const { problems } = parseDocuments(broken)
    const placed = placeProblems(broken, problems)
    expect(placed.length).toBe(2)
    expect(placed.map((problem) => problem.line)).toEqual(
      problems.map((problem) => problem.line).toSorted((a, b) => a! - b!),
    )
    for (const problem of placed) expect(broken.slice(problem.from, problem.to).trim()).not.toBe('')
  })
})

describe('the scan of a text', () => {
  it('finds items in and below their key, and nothing inside text', () => {
    const paths = scanYaml(text).entries.map((entry) => `${entry.document} ${entry.path.join('.')}`)
    expect(paths).toContain('1 spec.rules.0.message')
    expect(paths).toContain('1 spec.rules.1.when')
    expect(paths).toContain('0 spec.members.0')
    expect(paths.filter((path) => path.includes('this is text') || path.endsWith('message.when'))).toEqual([])
  })

  it('reads paths as the parser writes them', () => {
    expect(stepsOf('spec.rules[2].callers.groups[0]')).toEqual(['spec', 'rules', 2, 'callers', 'groups', 0])
    expect(stepsOf('')).toEqual([])
  })
})
