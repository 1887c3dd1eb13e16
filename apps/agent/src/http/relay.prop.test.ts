// The whole way back of an answer, in every coding that is taken off: whatever the split of the bytes that the target sends, the same
// bytes go to the caller, and no protected value (THREATS ).
import { createHmac } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { limits } from '@sallyport/base/limits'
import { Secret } from '@sallyport/base/secret'
import { detectionOf } from '@sallyport/mask/detect/detection'
import { parseJsonPath } from '@sallyport/mask/json/path'
import type { AnswerMasking } from '@sallyport/policy/answers'
import { isHttpTarget } from '@sallyport/policy/document'
import { parseDocuments } from '@sallyport/policy/parse'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { httpTarget } from '../../test/http-target.ts'
import { AnswerBody } from './answer-body.ts'
import { Ending } from './ending.ts'
import type { Outbound } from './inbound.ts'
import { type Outcome, relay } from './relay.ts'
import { roomOf } from './room.ts'

const credential = 'upstream-secret-0123456789'
const parsed = parseJsonPath('$.ssn')
if ('problem' in parsed) throw new Error(parsed.problem)
const masking: AnswerMasking = {
  parts: [{ path: parsed.path, method: 'redact' }],
  detection: detectionOf([{ kinds: ['email', 'card'], method: 'redact', rule: 'p/d' }]),
  rules: ['p/m', 'p/d'],
}
const byDetector: AnswerMasking = { ...masking, parts: [] }
const [document] = parseDocuments(`${httpTarget('crm', 9)}\n  credential: none`).documents
if (document?.kind !== 'Target' || !isHttpTarget(document)) throw new Error('no target')
const target = document

/** Keeps what a caller gets. */
class Caller extends EventEmitter implements Outbound {
  headersSent = false
  destroyed = false
  writableEnded = false
  readonly chunks: Buffer[] = []
  writeHead(): void {
    this.headersSent = true
  }
  writeContinue(): void {}
  flushHeaders(): void {}
  write(chunk: Uint8Array | string): boolean {
    this.chunks.push(Buffer.from(chunk))
    return true
  }
  end(chunk?: Uint8Array | string): void {
    if (chunk !== undefined) this.write(chunk)
    this.writableEnded = true
  }
  destroy(): void {
    this.destroyed = true
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString('utf8')
  }
}

const connection = () => ({ paused: false, aborted: false, reason: null, pause() {}, resume() {}, abort() {} })

/** What the caller gets of an answer in these pieces; the error where it is refused. */
async function relayed(
  type: string,
  coding: string,
  pieces: readonly Buffer[],
  how: AnswerMasking | null,
): Promise<{ readonly text: string; readonly error: unknown }> {
  const response = new Caller()
  const body = new AnswerBody(connection())
  const outcome: Outcome = { result: 'failed', tag: '', bytes: 0, maskedValues: 0 }
  const fields = [
    ['content-type', type],
    ['content-encoding', coding],
  ] as const
  const relaying = {
    response,
    method: 'GET',
    target,
    secrets: [new Secret(credential)],
    masking: how,
    hash: (value: Uint8Array) => new Uint8Array(createHmac('sha256', 'key').update(value).digest()),
    room: roomOf(limits.httpKeptBodiesBytesMax),
    meter: null,
    cost: null,
    quotas: () => [],
    requestId: 's/1',
    ending: new Ending(),
  }
  const ended = relay(relaying, { status: 200, fields, body }, outcome).then(
    () => null,
    (error: unknown) => error,
  )
  for (const piece of pieces) {
    body.push(piece)
    // Whoever reads has a turn between two pieces.
    await new Promise(setImmediate)
  }
  body.end()
  return { error: await ended, text: response.text }
}

const codings = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, identity: (bytes: Buffer) => bytes }
const filler = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !/SECRET|\0/.test(text))
const person = fc
  .tuple(fc.stringMatching(/^SECRET-[a-zü😀"\\\n]{1,12}$/u), filler, fc.boolean())
  .map(([ssn, text, first]) =>
    JSON.stringify(first ? { ssn, mail: 'ann@example.com', text } : [{ text, ssn }, { ssn: [ssn] }]),
  )
const written = fc.oneof(
  person.map((text) => ['application/json', masking, text] as const),
  fc.array(person, { maxLength: 4 }).map((all) => ['application/x-ndjson', masking, all.join('\n')] as const),
  fc
    .array(person, { maxLength: 4 })
    .map((all) => ['text/event-stream', masking, all.map((one) => `data: ${one}\n\n`).join('')] as const),
  fc
    .array(fc.oneof(filler, fc.constantFrom('ann@example.com', ' 4111 1111 1111 1111 ')), { maxLength: 8 })
    .map((all) => ['text/plain; charset=utf-8', byDetector, all.join(' ')] as const),
)

function piecesOf(bytes: Buffer, seeds: readonly number[]): Buffer[] {
  const at = seeds.map((seed) => seed % (bytes.length + 1)).sort((a, b) => a - b)
  return [0, ...at].map((from, index) => bytes.subarray(from, at[index] ?? bytes.length))
}

it('any coding at any split gives the same text, and never a protected value', async () => {
  await fc.assert(
    fc.asyncProperty(
      written,
      fc.constantFrom(...(Object.keys(codings) as (keyof typeof codings)[])),
      fc.array(fc.nat(), { maxLength: 6 }),
      async ([type, how, text], coding, seeds) => {
        const bytes = codings[coding](Buffer.from(text, 'utf8'))
        const whole = await relayed(type, coding, [bytes], how)
        expect(whole.error).toBeNull()
        expect(whole.text).not.toMatch(/SECRET|ann@example|4111 1111 1111 1111/)
        expect(await relayed(type, coding, piecesOf(bytes, seeds), how)).toEqual(whole)
      },
    ),
  )
})

it('every single split of a few answers gives the same text', async () => {
  const one = '{"ssn":"SECRET-1","mail":"ann@example.com","text":"grüße"}'
  for (const [type, text] of [
    ['application/json', one],
    ['application/x-ndjson', `${one}\n${one}\n`],
    ['text/event-stream', `data: ${one}\n\ndata: ${one}\n\n`],
  ] as const)
    for (const coding of ['gzip', 'br', 'identity'] as const) {
      const bytes = codings[coding](Buffer.from(text, 'utf8'))
      const expected = text.replaceAll('SECRET-1', '[redacted]').replaceAll('ann@example.com', '[redacted]')
      for (let cut = 0; cut <= bytes.length; cut += 1)
        expect(await relayed(type, coding, piecesOf(bytes, [cut]), masking)).toEqual({ error: null, text: expected })
    }
})

it('the credential of the target is found behind a coding at every split, masks or none', async () => {
  const text = `{"a":"${credential}"}`
  for (const coding of ['gzip', 'deflate', 'br', 'identity'] as const) {
    const bytes = codings[coding](Buffer.from(text, 'utf8'))
    for (let cut = 0; cut <= bytes.length; cut += 1)
      for (const how of [null, masking]) {
        const { error, text: shown } = await relayed('application/json', coding, piecesOf(bytes, [cut]), how)
        expect(error).toMatchObject({ code: 'ANSWER_REFUSED' })
        expect(shown).not.toContain(credential)
      }
  }
})
