// What a request would carry outward: credentials that this agent knows, and what detectors of a policy look for, in its URL, its
// fields and its body. It says what and where, and never the value (DESIGN §1, scene c).
import { detect } from '@sallyport/mask/detect/detect'
import { contentOf, rewriteJson } from '@sallyport/mask/json/rewrite'
import type { DetectorName } from '@sallyport/mask/rule'
import { type Fields, fieldOf } from '@sallyport/wire/http/fields'
import { mediaOf } from '@sallyport/wire/http/media'
import { ProtocolError } from '@sallyport/wire/protocol-error'
import type { OutwardFinding } from '../session/outward.ts'
import { holdsNeedle, type Needles } from './echo.ts'
import type { RequestHead } from './request.ts'

/** What nobody may send: known credentials, and what these detectors find. */
export interface Outward {
  /** Several lists: each is looked through by an index of its own, which is kept. */
  readonly needles: readonly Needles[]
  readonly kinds: ReadonlySet<DetectorName>
}

/** `fields`: those that would go on. Where the target lets its callers sign in by themselves, that is no leak. */
export function outwardInHead(
  { segments, query }: RequestHead,
  fields: Fields,
  outward: Outward,
): OutwardFinding | null {
  // All of it in one look, which nearly always finds nothing; where it is matters only then.
  const isFound = holdsAny(outward, textOfHead({ segments, query }, fields))
  if (!isFound && outward.kinds.size === 0) return null
  const line: readonly Place[] = [
    ...segments.map((segment) => ['the path', segment] as const),
    ...query.flatMap(([name, value]) => [['the query', name] as const, ['the query', value] as const]),
  ]
  const whole: Place = ['the URL', wholeLine({ segments, query })]
  const own: readonly Place[] = fields.map((field) => [`the field "${field[0]}"`, lineOf(field)])
  const isSignIn = ([name]: Fields[number]): boolean => name === 'authorization' || name === 'cookie'
  if (isFound)
    for (const [where, text] of [...line, whole, ...own])
      if (holdsAny(outward, text)) return { kind: 'credential', where }
  if (outward.kinds.size === 0) return null
  const looked = own.filter((_, index) => fields[index] !== undefined && !isSignIn(fields[index]))
  for (const [where, text] of [...line, ...looked]) {
    const [found] = detect(text, outward.kinds)
    if (found !== undefined) return { kind: found.kind, where }
  }
  return null
}

const lineOf = ([name, value]: Fields[number]): string => `${name}: ${value}`

/** Every text of it that is looked through, one below the other. */
function textOfHead({ segments, query }: Pick<RequestHead, 'segments' | 'query'>, fields: Fields): string {
  let text = wholeLine({ segments, query })
  for (const segment of segments) text += `\n${segment}`
  for (const [name, value] of query) text += `\n${name}\n${value}`
  for (const field of fields) text += `\n${lineOf(field)}`
  return text
}

type Place = readonly [where: string, text: string]

/** Path and query in one, decoded: a slash, `&`, `=` or `?` of a credential takes it apart. */
export function wholeLine({ segments, query }: Pick<RequestHead, 'segments' | 'query'>): string {
  const path = segments.join('/')
  if (query.length === 0) return path
  const pairs = query.map(([name, value]) => `${name}=${value}`)
  // A name without a value may have come with the sign or without it.
  const bare = query.map(([name, value]) => (value === '' ? name : `${name}=${value}`))
  return `${path}?${pairs.join('&')}\n${path}?${bare.join('&')}`
}

export const holdsAny = ({ needles }: Pick<Outward, 'needles'>, text: string): boolean => {
  const bytes = Buffer.from(text, 'utf8')
  return needles.some((list) => holdsNeedle(list, bytes))
}

/** Throws ProtocolError for one that is encoded, where detectors would have to look. */
export function outwardInBody({ fields }: RequestHead, body: Buffer, outward: Outward): OutwardFinding | null {
  if (body.length === 0) return null
  const encoding = fieldOf(fields, 'content-encoding') ?? 'identity'
  if (outward.kinds.size > 0 && encoding.toLowerCase() !== 'identity')
    throw new ProtocolError('an encoded body, into which rules of a policy have to look')
  const found = textsOf(fields, body)
    .map((text) => kindIn(text, outward))
    .find((kind) => kind !== null)
  return found === undefined || found === null ? null : { kind: found, where: 'the body' }
}

function kindIn(text: string, outward: Outward): OutwardFinding['kind'] | null {
  if (holdsAny(outward, text)) return 'credential'
  return outward.kinds.size === 0 ? null : (detect(text, outward.kinds)[0]?.kind ?? null)
}

/** The body as it stands, and what it says once its escapes are read. */
function textsOf(fields: Fields, body: Buffer): readonly string[] {
  // What is no UTF-8 shows its ASCII all the same.
  const text = body.toString('utf8')
  switch (mediaOf(fieldOf(fields, 'content-type')).kind) {
    case 'json':
    case 'lines':
      return [text, ...text.split('\n').flatMap(stringsOf), ...stringsOf(text)]
    case 'form':
      return [text, formText(text)]
    default:
      return [text]
  }
}

/** Texts and names of a JSON document, with their escapes read; nothing where it is none. */
function stringsOf(text: string): readonly string[] {
  if (!text.includes('\\')) return []
  const strings: string[] = []
  const keep = (raw: string): null => {
    const content = raw.includes('\\') ? contentOf(raw) : null
    if (content !== null) strings.push(content)
    return null
  }
  rewriteJson(text, null, { member: () => null, whole: () => null, scalar: keep, name: keep })
  return strings
}

function formText(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}
