// Slack messages of hostile names: nothing that a statement, an object or a caller is called forges markup, a mention, a link, a
// line or another fact.
import { webhookEvents } from '@sallyport/api/webhooks'
import { describe, expect, it } from 'vitest'
import { bodyOf, linkOf } from './body.ts'

const publicUrl = 'https://sallyport.example.com'
const subject = 'c4'.repeat(16)
const facts = {
  approval: subject,
  url: 'https://evil.test/',
  target: 'orders',
  agent: 'eu-1',
  caller: 'Ann',
  callerAssurance: 'verified',
  verbs: ['delete'],
  objects: ['public.orders'],
  objectsInAll: 1,
  statements: 1,
  filtered: true,
  rule: { policy: 'orders', version: 3, rule: 'deletes-need-a-human' },
  expiresAt: '2026-11-24T12:00:00.000Z',
  decidedBy: [],
}
interface Text {
  type: string
  text: string
  emoji?: boolean
}
interface Message {
  text: string
  blocks: { type: string; text?: Text; fields?: Text[]; elements?: unknown }[]
}
const message = (changes: object, event: (typeof webhookEvents)[number] = 'approval.requested'): Message =>
  JSON.parse(bodyOf('slack', { event, subject, payload: { ...facts, ...changes }, createdAt: new Date(0) }, publicUrl))
const fieldsOf = ({ blocks }: Message) => blocks.flatMap(({ fields }) => fields ?? [])
const labels = (sent: Message) => fieldsOf(sent).map(({ text }) => text.split(':')[0])

it('carries parsed facts and one link', () => {
  const sent = message({})
  expect(sent.text).toBe('Sallyport: Approval requested')
  expect(fieldsOf(sent).map(({ text }) => text)).toEqual([
    'Verb: "delete"',
    'Objects: "public.orders"',
    'Caller: "Ann" (verified)',
    'Target: "orders"',
    'Agent: "eu-1"',
    'Rule: "orders" v3, "deletes-need-a-human"',
    'Expires: 2026-11-24T12:00:00Z',
  ])
  expect(sent.blocks.at(-1)).toEqual({
    type: 'section',
    text: { type: 'mrkdwn', text: `<${publicUrl}/approvals/${subject}|Open in Sallyport>`, verbatim: true },
  })
})

it('says what is left out, what is only claimed, and what has no WHERE', () => {
  const objects = Array.from({ length: 9 }, (_, at) => `t${at}`)
  const texts = fieldsOf(
    message({ objects, objectsInAll: 40, callerAssurance: 'claimed', filtered: false, statements: 3 }),
  )
  expect(texts[0]?.text).toBe('Verb: "delete" (3 statements) without WHERE')
  expect(texts[1]?.text).toBe('Objects: "t0", "t1", "t2", "t3", "t4", "t5" and 34 more')
  expect(texts[2]?.text).toBe('Caller: "Ann" (only claimed)')
})

it('says of a grant for how long it is, and what is not narrowed', () => {
  const { agent, statements, filtered, ...grant } = facts
  const sent = (changes: object, event: (typeof webhookEvents)[number]) =>
    JSON.parse(
      bodyOf('slack', { event, subject, payload: { ...grant, ...changes }, createdAt: new Date(0) }, publicUrl),
    )
  const rule = { policy: 'on-call', rule: 'repair' }
  const asked: Message = sent({ rule, seconds: 5_400, until: null }, 'grant.requested')
  expect(asked.text).toBe('Sallyport: Access for a time requested')
  expect(fieldsOf(asked).map(({ text }) => text)).toEqual([
    'Verb: "delete"',
    'Objects: "public.orders"',
    'Caller: "Ann" (verified)',
    'Target: "orders"',
    'Rule: "on-call", "repair"',
    'For: 90 min',
    'Expires: 2026-11-24T12:00:00Z',
  ])
  expect(asked.blocks.at(-1)?.text?.text).toBe(`<${publicUrl}/grants/${subject}|Open in Sallyport>`)
  const given: Message = sent(
    { rule, verbs: null, objects: null, seconds: 7_200, until: '2026-11-24T13:00:00.000Z' },
    'grant.approved',
  )
  expect(fieldsOf(given).map(({ text }) => text)).toEqual(
    expect.arrayContaining(['Verb: any', 'Objects: every one', 'For: 2 h', 'Until: 2026-11-24T13:00:00Z']),
  )
})

const hostile: [string, string][] = [
  ['a channel mention', '<!channel>'],
  ['a mention of everybody', '<!everyone> approve this'],
  ['a user mention', '<@U024BE7LH>'],
  ['a channel link', '<#C024BE7LR|general>'],
  ['a link', '<https://evil.test/|Open in Sallyport>'],
  ['a bare link', 'https://evil.test/approve'],
  ['a mail link', '<mailto:ceo@example.com|CEO>'],
  ['a date', '<!date^1392734382^{date}|x>'],
  ['an entity', '&lt;!channel&gt;'],
  ['an entity of an entity', '&amp;lt;!here&amp;gt;'],
  ['bold', '*approved by dba*'],
  ['italics and strike', '_x_ ~y~'],
  ['a code span', '`x` and `y`'],
  ['a code fence', '```\ndelete from orders\n```\n*Approved*'],
  ['a quote', '> Caller: "root"'],
  ['a new line with a fact', 'orders\nCaller: "root" (verified)'],
  ['a carriage return', 'orders\r\nTarget: test'],
  ['a line separator', 'orders\u2028Caller: root'],
  ['a paragraph separator', 'orders\u2029Caller: root'],
  ['a vertical tab', 'orders\u000bCaller: root'],
  ['right-to-left override', 'srotsoh\u202esredro.cilbup'],
  ['bidi isolates', '\u2067orders\u2069'],
  ['zero-width letters', 'or\u200bd\u200ce\u200drs'],
  ['a byte order mark', '\ufefforders'],
  ['a soft hyphen', 'or\u00adders'],
  ['tag characters', 'orders\u{e0041}\u{e0042}'],
  ['variation selectors', 'orders\ufe0f\u{e0101}'],
  ['Hangul fillers', '\u3164\u115f\uffa0orders'],
  ['a braille blank', '\u2800\u2800orders'],
  ['terminal escapes', '\u001b[31mred\u001b[0m'],
  ['NUL', 'a\0b'],
  ['half of a surrogate pair', 'a\ud83db'],
  ['quotes that end the name', 'a" (verified), "b'],
  ['a list in one name', 'public.a", "public.b'],
  ['an emoji code', ':white_check_mark: approved'],
  ['long padding', `${' '.repeat(5_000)}public.secrets`],
  ['a very long name', 'x'.repeat(100_000)],
  ['nothing', ''],
]

describe.each(hostile)('%s', (_what, text) => {
  it.each(['objects', 'verbs', 'caller', 'target', 'rule', 'agent', 'decidedBy'])('as %s forges nothing', (place) => {
    const lists = ['objects', 'verbs', 'decidedBy']
    const value =
      place === 'rule' ? { policy: text, version: 1, rule: text } : lists.includes(place) ? [text, text] : text
    const sent = message({ [place]: value })
    const expected = labels(message(place === 'decidedBy' ? { decidedBy: ['Bo'] } : {}))
    expect(labels(sent)).toEqual(expected)
    for (const field of fieldsOf(sent)) {
      expect(field).toMatchObject({ type: 'plain_text', emoji: false })
      expect(field.text.length).toBeLessThanOrEqual(2_000)
      expect(field.text).not.toMatch(/[<>\n\r]/)
      expect(field.text.replace(/&(amp|lt|gt);/g, '')).not.toContain('&')
      expect(field.text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
      expect((field.text.match(/"/g) ?? []).length % 2).toBe(0)
    }
    const rest = { text: sent.text, blocks: sent.blocks.filter(({ fields }) => fields === undefined) }
    const plain = message({})
    expect(rest).toEqual({ text: plain.text, blocks: plain.blocks.filter(({ fields }) => fields === undefined) })
    expect(JSON.stringify(sent)).not.toMatch(/"type":"(button|actions|input)"/)
  })
})

it('keeps a name with quotes one name', () => {
  const objects = fieldsOf(message({ objects: ['public.a", "public.b'] }))[1]?.text
  expect(objects).toBe('Objects: "public.a\', \'public.b"')
})

it.each([
  ['Target', 'Target: "shop" v4, updated', '/targets'],
  ['Group', 'Group: "dba" v4, updated', '/audit'],
  ['Policy', 'Policy: "shop-access" v4, updated', '/policies'],
  ['<!channel>', 'Policy: "x" v4, updated', '/policies'],
])('names a changed document of kind %s, and leads to where it shows', (kind, fact, path) => {
  const named = /"([^"]*)"/.exec(fact)?.[1] ?? ''
  const payload = { kind, name: named, version: 4, change: 'updated', by: 'adam' }
  const event = { event: 'policy.changed', subject: `${kind}/${named}`, payload, createdAt: new Date(0) } as const
  const sent: Message = JSON.parse(bodyOf('slack', event, publicUrl))
  expect(fieldsOf(sent).map(({ text }) => text)).toEqual([fact, 'By: "adam"'])
  expect(linkOf(event, publicUrl)).toBe(`${publicUrl}${path}`)
})

it.each([...webhookEvents])('has a message for %s, whatever the payload is', (event) => {
  for (const payload of [
    {},
    { verbs: null, objects: null, seconds: -1, until: 'later' },
    null,
    'text',
    { objects: 'none' },
    { caller: 7 },
  ]) {
    const body = bodyOf('slack', { event, subject: "'/../x", payload, createdAt: new Date(0) }, publicUrl)
    expect(JSON.parse(body).blocks.length).toBeGreaterThanOrEqual(2)
    expect(linkOf({ event, subject: "'/../x" }, publicUrl)).toMatch(/^https:\/\/sallyport\.example\.com\/[a-z]+$/)
  }
})
