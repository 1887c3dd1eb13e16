// Answers under masks (THREATS ): whatever the split of the bytes, the same bytes go out, and no protected value.
import { createHmac } from 'node:crypto'
import { limits } from '@sallyport/base/limits'
import { detectionOf } from '@sallyport/mask/detect/detection'
import { parseJsonPath } from '@sallyport/mask/json/path'
import type { AnswerMasking } from '@sallyport/policy/answers'
import { mediaOf } from '@sallyport/wire/http/media'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Masker, maskerOf } from './masker.ts'
import { roomOf } from './room.ts'

const hash = (value: Uint8Array) => new Uint8Array(createHmac('sha256', 'key').update(value).digest())
const pathOf = (text: string) => {
  const parsed = parseJsonPath(text)
  if ('problem' in parsed) throw new Error(parsed.problem)
  return parsed.path
}
const detection = detectionOf([{ kinds: ['email', 'card'], method: 'redact', rule: 'p/d' }])
const byPath: AnswerMasking = { parts: [{ path: pathOf('$.ssn'), method: 'redact' }], detection: null, rules: ['p/m'] }
const byDetector: AnswerMasking = { parts: [], detection, rules: ['p/d'] }
const both: AnswerMasking = { ...byPath, detection }

function made(type: string, masking: AnswerMasking): Masker {
  const masker = maskerOf(mediaOf(type), masking, hash, roomOf(limits.httpKeptBodiesBytesMax))
  if (masker === null) throw new Error('cannot be masked')
  return masker
}
async function through(type: string, masking: AnswerMasking, parts: readonly Uint8Array[]): Promise<string> {
  const masker = made(type, masking)
  return Buffer.concat([...parts.map((part) => masker.push(part)), await masker.end()]).toString('utf8')
}
const masked = (type: string, masking: AnswerMasking, text: string): Promise<string> =>
  through(type, masking, [Buffer.from(text, 'utf8')])

const json = 'application/json'
const lines = 'application/x-ndjson'
const events = 'text/event-stream'
const plain = 'text/plain; charset=utf-8'
const hidden = '[redacted]'

describe('an answer of JSON', () => {
  it.each<[string, AnswerMasking, string, string]>([
    ['a member', byPath, '{"ssn":"078-05-1120","n":1}', `{"ssn":"${hidden}","n":1}`],
    ['a member in a list', byPath, '[{"ssn":1},{"ssn":{"a":2}}]', `[{"ssn":"${hidden}"},{"ssn":"${hidden}"}]`],
    ['both of two of one name', byPath, '{"ssn":1,"ssn":2}', `{"ssn":"${hidden}","ssn":"${hidden}"}`],
    ['a name with escapes', byPath, '{"\\u0073sn":1}', `{"\\u0073sn":"${hidden}"}`],
    [
      'a name of an object’s own',
      byPath,
      '{"__proto__":{"ssn":1},"ssn":2}',
      `{"__proto__":{"ssn":1},"ssn":"${hidden}"}`,
    ],
    ['behind a BOM', byPath, '\ufeff{"ssn":1}', `{"ssn":"${hidden}"}`],
    ['null', byPath, '{"ssn":null}', '{"ssn":null}'],
    ['a text', byDetector, '{"a":"mail ann@example.com now"}', `{"a":"mail ${hidden} now"}`],
    ['a text with escapes', byDetector, '{"a":"ann\\u0040example.com"}', `{"a":"${hidden}"}`],
    ['a name', byDetector, '{"ann@example.com":1}', `{"${hidden}":1}`],
    ['a number', byDetector, '{"c":4111111111111111}', `{"c":"${hidden}"}`],
    ['JSON in a text', byDetector, '{"a":"{\\"m\\":\\"ann@example.com\\"}"}', `{"a":"{\\"m\\":\\"${hidden}\\"}"}`],
    ['both', both, '{"ssn":1,"a":"ann@example.com"}', `{"ssn":"${hidden}","a":"${hidden}"}`],
    ['nothing', both, ' {"a" : 1e400, "b":"\\ud800"} ', ' {"a" : 1e400, "b":"\\ud800"} '],
    ['an empty body', both, '', ''],
  ])('%s', async (_, masking, text, expected) => {
    expect(await masked(json, masking, text)).toBe(expected)
  })
  it.each([
    ['text behind it', '{"a":1} {"ssn":1}'],
    ['a comment', '{"a":1/* */}'],
    ['JSONP', 'call({"ssn":1})'],
    ['NDJSON', '{"ssn":1}\n{"ssn":2}'],
    ['what is cut off', '{"ssn":"078'],
    ['a depth nobody needs', `${'['.repeat(10_001)}${']'.repeat(10_001)}`],
    ['a number without end', `[${'1'.repeat(200_000)}]`],
    ['UTF-16', '{\0"\0s\0s\0n\0"\0:\x001\0}\0'],
    ['a body behind spaces alone', '   '],
  ])('%s is refused', async (_, text) => {
    await expect(masked(json, byPath, text)).rejects.toThrow('not the JSON')
  })
  it('that is no UTF-8 is refused', async () => {
    await expect(through(json, byPath, [Buffer.from('{"ssn":"\xff"}', 'latin1')])).rejects.toThrow('not the JSON')
  })
  it('goes out whole, at most so long, and gives back its room', () => {
    const room = roomOf(limits.httpMaskedBodyBytesMax * 2)
    const masker = maskerOf(mediaOf(json), byPath, hash, room)
    const half = Buffer.alloc(limits.httpMaskedBodyBytesMax / 2, ' ')
    expect(masker?.push(half)).toHaveLength(0)
    expect(masker?.push(half)).toHaveLength(0)
    expect(room.used).toBe(limits.httpMaskedBodyBytesMax)
    expect(() => masker?.push(Buffer.from(' '))).toThrow('longer than')
    masker?.release()
    expect(room.used).toBe(0)
  })
  it('takes its turns: others have theirs in between, and the answer is the same', async () => {
    const entry = '{"ssn":"078-05-1120","mail":"ann@example.com"}'
    const text = `[${Array.from({ length: 10_000 }, () => entry).join(',')}]`
    let turns = 0
    let isOver = false
    const other = (): void => {
      turns += 1
      if (!isOver) setImmediate(other)
    }
    setImmediate(other)
    const out = await masked(json, both, text)
    isOver = true
    expect(out).toBe(text.replaceAll('078-05-1120', hidden).replaceAll('ann@example.com', hidden))
    expect(turns).toBeGreaterThanOrEqual(Math.floor(text.length / limits.httpMaskedTurnCharsMax) - 1)
  })
  it('with a text longer than detectors look through at once has it hidden whole', async () => {
    const text = (length: number): string => `{"a":"${'x'.repeat(length - 2)}","b":1}`
    const max = limits.httpMaskedTextCharsMax
    expect(await masked(json, byDetector, text(max))).toBe(text(max))
    expect(await masked(json, byDetector, text(max + 1))).toBe(`{"a":"${hidden}","b":1}`)
    expect(await masked(json, byPath, text(max + 1))).toBe(text(max + 1))
  })
  it('waits for room that others have', () => {
    const room = roomOf(10)
    expect(() => maskerOf(mediaOf(json), byPath, hash, room)?.push(Buffer.alloc(11))).toThrow('as many answers')
    expect(room.used).toBe(0)
  })
})

describe('other answers', () => {
  it.each<[string, string, AnswerMasking, string, string]>([
    [
      'lines',
      lines,
      both,
      '{"ssn":1}\r\n\n{"a":"x"}\n{"ssn":2}',
      `{"ssn":"${hidden}"}\r\n\n{"a":"x"}\n{"ssn":"${hidden}"}`,
    ],
    ['events', events, both, 'id: 1\ndata: {"ssn":\ndata: 1}\n\n', `data: {"ssn":\ndata: "${hidden}"}\nid: 1\n\n`],
    ['the end of a stream', events, both, 'data: [DONE]\n\n', 'data: [DONE]\n\n'],
    ['events of text', events, byDetector, 'data: ann@example.com\n\n', `data: ${hidden}\n\n`],
    ['a number of an event', events, byPath, 'id: ann@example.com\ndata: 1\n\n', `data: 1\nid: ${hidden}\n\n`],
    ['comments', events, byDetector, ': ann@example.com\n\ndata: 1\n\n', '\ndata: 1\n\n'],
    ['text', plain, byDetector, 'to ann@example.com, ü😀', `to ${hidden}, ü😀`],
  ])('%s', async (_, type, masking, text, expected) => {
    expect(await masked(type, masking, text)).toBe(expected)
  })
  it('text in another charset stays in it', async () => {
    const bytes = Buffer.from('gr\xfc\xdfe an ann@example.com', 'latin1')
    const masker = made('text/plain; charset=iso-8859-1', byDetector)
    const out = Buffer.concat([masker.push(bytes), await masker.end()]).toString('latin1')
    expect(out).toBe(`gr\xfc\xdfe an ${hidden}`)
  })
  it.each<[string, string, AnswerMasking]>([
    ['text under paths', plain, byPath],
    ['a form under paths', 'application/x-www-form-urlencoded', byPath],
    ['a form of many parts', 'multipart/form-data; boundary=x', byDetector],
    ['an image', 'image/png', byDetector],
    ['another charset', 'application/json; charset=utf-16', byPath],
    ['text in UTF-7', 'text/plain; charset=utf-7', byDetector],
    ['JSON text sequences', 'application/json-seq', byPath],
  ])('%s cannot be masked', (_, type, masking) => {
    expect(maskerOf(mediaOf(type), masking, hash, roomOf(1))).toBeNull()
  })
  it.each<[string, string, AnswerMasking, string]>([
    ['a line that is none', lines, byPath, '{"ssn":1\n'],
    ['two documents in a line', lines, byPath, '{"a":1}\r{"ssn":1}\n'],
    ['an event that is no JSON', events, byPath, 'data: ssn=1\n\n'],
    ['text with NUL', plain, byDetector, 'a\0n\0n\0@\0e\0x\0.\0d\0e\0'],
  ])('%s is refused', async (_, type, masking, text) => {
    await expect(masked(type, masking, text)).rejects.toThrow(/masks apply|line|event/)
  })
  it('text that is no UTF-8 is refused', async () => {
    await expect(through(plain, byDetector, [Buffer.from('\xff\xfea\0', 'latin1')])).rejects.toThrow('charset')
  })
})

describe('any split of the bytes', () => {
  const value = fc.stringMatching(/^SECRET-[a-zü😀"\\\n]{1,12}$/u)
  const filler = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !text.includes('SECRET'))
  const document = fc
    .tuple(value, filler, fc.jsonValue({ maxDepth: 2 }), fc.boolean())
    .map(([secret, text, any, spaced]) =>
      JSON.stringify({ any, ssn: secret, text, list: [{ ssn: 1 }] }, null, spaced ? 1 : 0),
    )
  const single = document.map((text) => JSON.stringify(JSON.parse(text)))
  const mails = fc
    .array(fc.oneof(filler, fc.constantFrom('ann@example.com', ' 4111 1111 1111 1111 ', '😀')), { maxLength: 12 })
    .map((parts) => parts.join(' '))
  const bodies = fc.oneof(
    document.map((text) => [json, byPath, text] as const),
    fc.array(single, { maxLength: 4 }).map((all) => [lines, both, all.join('\n')] as const),
    fc.array(document, { maxLength: 4 }).map(
      (all) =>
        [
          events,
          byPath,
          all
            .map((one) =>
              one
                .split('\n')
                .map((line) => `data: ${line}\n`)
                .join(''),
            )
            .join('\n'),
        ] as const,
    ),
    mails.map((text) => [plain, byDetector, text.replaceAll('\0', '')] as const),
  )
  it('gives the same bytes, and never a protected value', async () => {
    await fc.assert(
      fc.asyncProperty(bodies, fc.array(fc.nat(), { maxLength: 6 }), async ([type, masking, text], seeds) => {
        const bytes = Buffer.from(text, 'utf8')
        const at = seeds.map((seed) => seed % (bytes.length + 1)).sort((a, b) => a - b)
        const parts = [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length))
        const whole = await through(type, masking, [bytes])
        expect(await through(type, masking, parts)).toBe(whole)
        expect(
          await through(
            type,
            masking,
            Array.from(bytes, (byte) => Buffer.of(byte)),
          ),
        ).toBe(whole)
        expect(whole).not.toContain('SECRET')
        expect(whole).not.toMatch(/ann@example|4111 1111 1111 1111/)
      }),
    )
  })
  it('lets no part out before it is decided', () => {
    const bytes = Buffer.from('to ann@example.com. Bye')
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const masker = made(plain, byDetector)
      const first = Buffer.from(masker.push(bytes.subarray(0, cut))).toString()
      expect('to [redacted]. Bye'.startsWith(first)).toBe(true)
    }
  })
})
