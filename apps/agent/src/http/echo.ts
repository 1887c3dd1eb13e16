// Looks for the injected credential in what a target sends back: as it is, percent-encoded, escaped as in JSON, and in
// base64 at any of its three offsets (THREATS ). What may be the beginning of a match waits for the next chunk.
import type { Secret } from '@sallyport/base/secret'

/** A shorter one is found everywhere by chance; it is not looked for. */
export const secretCharsMin = 6

export interface EchoScan {
  /** What may go on, or null: the credential is in it, and nothing more may go on. */
  push(chunk: Buffer): Buffer | null
  /** The rest. */
  end(): Buffer
}

export type Needles = readonly Buffer[]

/** All forms of these secrets. */
export function needlesOf(secrets: readonly Secret[]): Needles {
  const forms = new Set<string>()
  for (const secret of secrets) {
    const text = secret.reveal()
    if (text.length < secretCharsMin) continue
    for (const form of [text, ...urlForms(text), ...jsonForms(text)]) forms.add(form)
    for (const form of base64Forms(Buffer.from(text, 'utf8'))) if (form.length >= secretCharsMin) forms.add(form)
  }
  return [...forms].map((form) => Buffer.from(form, 'utf8'))
}

/** Hexadecimal digits of either case, a space as forms write it, and a bare plus as they read it. */
function urlForms(text: string): string[] {
  const upper = encodeURIComponent(text)
  const lower = upper.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())
  return [upper, lower, upper.replaceAll('%20', '+'), lower.replaceAll('%20', '+'), text.replaceAll('+', ' ')]
}

/** With the escapes that PHP, Go and others write although nobody has to. */
function jsonForms(text: string): string[] {
  const plain = JSON.stringify(text).slice(1, -1)
  const escaped = (form: string): string =>
    form.replace(/[&<>'+]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`)
  const slashed = plain.replaceAll('/', '\\/')
  const ascii = plain.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return [plain, slashed, escaped(plain), escaped(slashed), ascii, ascii.replaceAll('/', '\\/')]
}

/** The part of the base64 text that depends on these bytes alone, wherever they stand in what was encoded. */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const padded = Buffer.concat([Buffer.alloc(before), bytes])
    const text = padded.toString('base64').replace(/=+$/, '')
    // Characters that bits of the neighbours reach are left out.
    const from = before === 0 ? 0 : before + 1
    const whole = padded.length % 3 === 0 ? text.length : text.length - 1
    const core = text.slice(from, whole)
    return [core, core.replaceAll('+', '-').replaceAll('/', '_')]
  })
}

const needlesOfOwners = new WeakMap<object, { readonly texts: readonly string[]; readonly needles: Needles }>()

/** The same list for the same secrets of one owner, such as a target: to make it costs more than to look for it. */
export function needlesFor(owner: object, secrets: readonly Secret[]): Needles {
  const known = needlesOfOwners.get(owner)
  const isSame = secrets.length === known?.texts.length && secrets.every((one, at) => one.reveal() === known.texts[at])
  if (known !== undefined && isSame) return known.needles
  const needles = needlesOf(secrets)
  needlesOfOwners.set(owner, { texts: secrets.map((secret) => secret.reveal()), needles })
  return needles
}

export const holdsNeedle = (needles: Needles, bytes: Buffer): boolean =>
  needles.length <= fewNeedles ? needles.some((needle) => bytes.includes(needle)) : indexOf(needles).isIn(bytes)

/** Up to so many are looked for one by one. */
const fewNeedles = 8
/** Bytes by which needles are told apart at first; the shortest one is longer. */
const headBytes = 4

interface NeedleIndex {
  isIn(bytes: Buffer): boolean
}
const indexes = new WeakMap<Needles, NeedleIndex>()

/** Many needles in one pass: by their first four bytes, and only where those stand are they compared whole. */
function indexOf(needles: Needles): NeedleIndex {
  const known = indexes.get(needles)
  if (known !== undefined) return known
  const byHead = new Map<number, Buffer[]>()
  const seen = new Uint8Array(1 << 16)
  for (const needle of needles) {
    const head = needle.readUInt32BE(0)
    byHead.set(head, [...(byHead.get(head) ?? []), needle])
    seen[slot(head)] = 1
  }
  const made: NeedleIndex = {
    isIn(bytes) {
      let head = 0
      for (let at = 0; at < bytes.length; at += 1) {
        head = ((head << 8) | (bytes[at] ?? 0)) >>> 0
        if (at < headBytes - 1 || seen[slot(head)] === 0) continue
        const start = at - headBytes + 1
        for (const needle of byHead.get(head) ?? [])
          if (bytes.compare(needle, 0, needle.length, start, Math.min(bytes.length, start + needle.length)) === 0)
            return true
      }
      return false
    },
  }
  indexes.set(needles, made)
  return made
}

const slot = (head: number): number => (head ^ (head >>> 15)) & 0xffff

export function echoScan(needles: Needles): EchoScan {
  let held: Buffer = Buffer.alloc(0)
  return {
    push(chunk) {
      const all = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      if (holdsNeedle(needles, all)) return null
      const settled = all.length - begunAtEnd(needles, all)
      held = all.subarray(settled)
      return all.subarray(0, settled)
    },
    end: () => held,
  }
}

const inBeginnings = new WeakMap<Needles, Uint8Array>()

/** 1 for each byte that stands in the beginning of a needle: what ends with another one begins none. */
function bytesOfBeginnings(needles: Needles): Uint8Array {
  const known = inBeginnings.get(needles)
  if (known !== undefined) return known
  const made = new Uint8Array(256)
  for (const needle of needles) for (const byte of needle.subarray(0, -1)) made[byte] = 1
  inBeginnings.set(needles, made)
  return made
}

/** Bytes at the end that may be the beginning of a needle; a stream of events is not held up by more. */
function begunAtEnd(needles: Needles, bytes: Buffer): number {
  if (bytesOfBeginnings(needles)[bytes.at(-1) ?? 0] !== 1) return 0
  let longest = 0
  for (const needle of needles) {
    const [first] = needle
    if (first === undefined) continue
    let at = bytes.indexOf(first, Math.max(0, bytes.length - needle.length + 1))
    while (at !== -1 && bytes.length - at > longest) {
      const tail = bytes.length - at
      if (bytes.compare(needle, 0, tail, at) === 0) longest = tail
      at = bytes.indexOf(first, at + 1)
    }
  }
  return longest
}
