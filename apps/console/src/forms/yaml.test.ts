// How YAML looks; yaml.prop.test.ts says that it means the same.
import { readYaml } from '@sallyport/policy/yaml'
import { describe, expect, it } from 'vitest'
import { yamlOf } from './yaml.ts'

const policy = {
  apiVersion: 'sallyport.dev/v1',
  kind: 'Policy',
  metadata: { name: 'orders', description: 'What order functions may do: read, and ask for more' },
  spec: {
    targets: { labels: { env: 'prod' } },
    rules: [
      {
        name: 'engineers-read',
        effect: 'allow',
        callers: { groups: ['engineering'] },
        objects: ['public.orders', 'public.*'],
        when: 'now.getHours("Europe/Berlin") >= 8',
      },
      { name: 'no-unbounded-writes', effect: 'deny', operations: ['update', 'delete'], when: '!statement.filtered' },
    ],
    limits: [],
  },
}

describe('a policy as YAML', () => {
  it('reads as a person would write it', () => {
    expect(yamlOf(policy)).toBe(`apiVersion: sallyport.dev/v1
kind: Policy
metadata:
  name: orders
  description: "What order functions may do: read, and ask for more"
spec:
  targets: { labels: { env: prod } }
  rules:
    - name: engineers-read
      effect: allow
      callers: { groups: [engineering] }
      objects: [public.orders, public.*]
      when: now.getHours("Europe/Berlin") >= 8
    - name: no-unbounded-writes
      effect: deny
      operations: [update, delete]
      when: "!statement.filtered"
  limits: []
`)
  })

  it('is read back as the same document', () => {
    expect(readYaml(yamlOf(policy)).documents[0]?.value).toEqual(policy)
  })

  it.each([
    ['a certificate', '-----BEGIN-----\nMIIB\n-----END-----\n', '|'],
    ['text without a last newline', 'one\ntwo', '|-'],
    ['text with several last newlines', 'one\n\n\n', '|+'],
  ])('keeps %s in a literal block', (_, text, mark) => {
    const written = yamlOf({ text })
    expect(written.split('\n')[0]).toBe(`text: ${mark}`)
    expect(readYaml(written).documents[0]?.value).toEqual({ text })
  })

  it.each([
    'null',
    'yes',
    '15',
    '0x1f',
    '1e3',
    '.inf',
    '2026-01-01',
    '*',
    '@x',
    '`x`',
    '%x',
    'a: b',
    'a #b',
    ' a',
    'é\u0085',
  ])('quotes %j', (text) => {
    expect(yamlOf({ text })).toMatch(/^text: "/)
    expect(readYaml(yamlOf({ text })).documents[0]?.value).toEqual({ text })
  })

  it('leaves durations and paths plain', () => {
    expect(yamlOf({ expires: '15m', file: '/run/secrets/db' })).toBe('expires: 15m\nfile: /run/secrets/db\n')
  })
})
