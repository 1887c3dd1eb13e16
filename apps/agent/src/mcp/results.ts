// What a server of MCP answers, as the caller may see it: lists without what it may not ask for, texts and structures masked,
// and nothing that nobody can look into (THREATS ).
// INVARIANT: a member that is not known here is masked as everything else is, or left out; it never passes unseen.
import { limits } from '@sallyport/base/limits'
import { hideEach, widestDetection } from '@sallyport/mask/detect/detection'
import { hideIn } from '@sallyport/mask/detect/hide'
import type { KeyedHash } from '@sallyport/mask/replace'
import type { AnswerMasking } from '@sallyport/policy/answers'
import type { McpSubject } from '@sallyport/policy/mcp'
import { isMcpName } from '@sallyport/policy/mcp-objects'
import type { McpMedia } from '@sallyport/policy/mcp-target'
import { isJsonList, isJsonObject, type JsonValue, jsonText, parseJson } from '@sallyport/wire/http/json'
import type { JsonObject, McpError } from '@sallyport/wire/mcp/message'
import { checkUri } from '@sallyport/wire/mcp/uri'
import { documentMask } from '../http/masker.ts'
import { type AnswerKind, protocolVersions } from './methods.ts'
import type { Pinned } from './pins.ts'
import { unreadable } from './unreadable.ts'

export interface Showing {
  readonly answer: AnswerKind
  readonly masking: AnswerMasking | null
  readonly hash: KeyedHash
  readonly media: ReadonlySet<McpMedia>
  /** Could the caller ask for it? */
  readonly may: (subject: McpSubject) => boolean
  /** Is this definition the one that was approved? */
  readonly isApproved: (definition: JsonObject, kind: Pinned) => boolean
}

export interface Shown<T> {
  readonly value: T
  /** Values that were hidden. */
  readonly values: number
}

/** Of answers; those of requests are narrower. */
export const answerBounds = {
  depthMax: limits.httpBodyDepthMax,
  entriesMax: limits.mcpEntriesMax,
  names: 'exact',
} as const

/** Throws ANSWER_REFUSED for a result that is none of its method. */
export function shownResult(result: JsonObject, showing: Showing): Shown<JsonObject> {
  const count = { values: 0 }
  const hiding = hidingOf(showing, count)
  return { value: byKind(result, showing, hiding), values: count.values }
}

/**
 * Of an error the code passes as it is. Where members of the answer are hidden nothing else does: an error has no shape in which a
 * mask by path would find them, and what it quotes is what went wrong (DESIGN §4: errors are scrubbed).
 */
export function shownError({ code, message, data }: McpError, showing: Showing): Shown<McpError> {
  const { masking } = showing
  if (masking !== null && masking.parts.length > 0)
    return { value: { code, message: withheldError, data: undefined }, values: data === undefined ? 1 : 2 }
  const count = { values: 0 }
  const hiding = hidingOf(showing, count)
  return {
    value: { code, message: hiding.words(message), data: data === undefined ? undefined : loose(data, hiding) },
    values: count.values,
  }
}

const withheldError =
  'the server answered with an error; its words are withheld, since members of this answer are hidden'

/** What a server says of itself: progress, logs, what has changed. */
export function shownParams(params: JsonObject, showing: Showing): Shown<JsonObject> {
  const count = { values: 0 }
  const hiding = hidingOf(showing, count)
  const data = params.get('data')
  const told = data === undefined ? params : new Map([...params, ['data', loose(data, hiding)]])
  return { value: hiding.beside(told), values: count.values }
}

/** Of whatever form the server likes: of an error, or a log entry. */
const loose = (data: JsonValue, hiding: Hiding): JsonValue =>
  typeof data === 'string' ? hiding.text(data) : hiding.structure(data)

function byKind(result: JsonObject, showing: Showing, hiding: Hiding): JsonObject {
  switch (showing.answer) {
    case 'initialize':
      return initialized(result, hiding)
    case 'tools':
      return filtered(result, 'tools', hiding, (tool) => {
        const name = tool.get('name')
        return isNameOf(name) && showing.may({ kind: 'tool', name }) && showing.isApproved(tool, 'tool')
      })
    case 'prompts':
      return filtered(result, 'prompts', hiding, (prompt) => {
        const name = prompt.get('name')
        return isNameOf(name) && showing.may({ kind: 'prompt', name }) && showing.isApproved(prompt, 'prompt')
      })
    case 'resources':
      return filtered(result, 'resources', hiding, (one) => isReadable(one.get('uri'), showing))
    case 'templates':
      return filtered(
        result,
        'resourceTemplates',
        hiding,
        (one) => isReadable(one.get('uriTemplate'), showing) && showing.isApproved(one, 'template'),
      )
    case 'call':
      return called(result, showing, hiding)
    case 'contents':
      return withMember(result, 'contents', hiding, (one) => resource(one, showing, hiding))
    case 'messages':
      return withMember(result, 'messages', hiding, (one) => {
        const content = one.get('content')
        const role = one.get('role')
        if ((role !== 'user' && role !== 'assistant') || !isJsonObject(content)) throw notItsOwn()
        return new Map<string, JsonValue>([
          ['role', role],
          ['content', block(content, showing, hiding)],
        ])
      })
    case 'plain':
      return rest(result, [], hiding)
  }
}

const isNameOf = (name: JsonValue | undefined): name is string => typeof name === 'string' && isMcpName(name)

function isReadable(uri: JsonValue | undefined, { may }: Showing): boolean {
  if (typeof uri !== 'string') return false
  try {
    return may({ kind: 'resource', name: checkUri(uri) })
  } catch {
    return false
  }
}

/** What the gateway does not carry is not announced: tasks, and whatever comes later. */
const capabilities: ReadonlySet<string> = new Set(['tools', 'resources', 'prompts', 'completions', 'logging'])

function initialized(result: JsonObject, hiding: Hiding): JsonObject {
  const version = result.get('protocolVersion')
  if (typeof version !== 'string' || !protocolVersions.includes(version))
    throw unreadable('the server speaks no version of MCP that passes')
  const given = result.get('capabilities')
  const kept = isJsonObject(given) ? [...given].filter(([name]) => capabilities.has(name)) : []
  return new Map([
    ...rest(result, ['protocolVersion', 'capabilities'], hiding),
    ['protocolVersion', version],
    ['capabilities', new Map(kept)],
  ])
}

function filtered(
  result: JsonObject,
  member: string,
  hiding: Hiding,
  isShown: (one: JsonObject) => boolean,
): JsonObject {
  const list = result.get(member)
  if (!isJsonList(list)) throw notItsOwn()
  const shown = list.filter(isJsonObject).filter(isShown)
  return new Map([...rest(result, [member], hiding), [member, shown.map((one) => hiding.beside(one))]])
}

/** The result with one list of it shown in its own way, and the rest masked. */
function withMember(
  result: JsonObject,
  member: string,
  hiding: Hiding,
  shown: (one: JsonObject) => JsonValue,
): JsonObject {
  const list = result.get(member)
  if (!isJsonList(list)) throw notItsOwn()
  const made = list.map((one) => {
    if (!isJsonObject(one)) throw notItsOwn()
    return shown(one)
  })
  return new Map([...rest(result, [member], hiding), [member, made]])
}

function called(result: JsonObject, showing: Showing, hiding: Hiding): JsonObject {
  const content = result.get('content') ?? []
  const structured = result.get('structuredContent')
  const isError = result.get('isError')
  if (!isJsonList(content) || (isError !== undefined && typeof isError !== 'boolean')) throw notItsOwn()
  const blocks = content.map((one) => {
    if (!isJsonObject(one)) throw notItsOwn()
    return block(one, showing, hiding)
  })
  const shown = new Map<string, JsonValue>([
    ...rest(result, ['content', 'structuredContent', 'isError'], hiding),
    ['content', blocks],
  ])
  if (structured !== undefined) shown.set('structuredContent', hiding.structure(structured))
  if (isError !== undefined) shown.set('isError', isError)
  return shown
}

/** One content block (MCP, "Tool result"). */
function block(one: JsonObject, showing: Showing, hiding: Hiding): JsonObject {
  const type = one.get('type')
  switch (type) {
    case 'text': {
      const text = one.get('text')
      if (typeof text !== 'string') throw notItsOwn()
      return new Map<string, JsonValue>([
        ...rest(one, ['type', 'text'], hiding),
        ['type', 'text'],
        ['text', hiding.text(text)],
      ])
    }
    case 'image':
    case 'audio':
      return showing.media.has(type)
        ? unseen(one, type, hiding)
        : withheld(`${type} withheld: the target's document does not let it pass`)
    case 'resource': {
      const inner = one.get('resource')
      if (!isJsonObject(inner)) throw notItsOwn()
      if (inner.has('blob') && !showing.media.has('blob'))
        return withheld("binary resource withheld: the target's document does not let it pass")
      return new Map<string, JsonValue>([
        ...rest(one, ['type', 'resource'], hiding),
        ['type', 'resource'],
        ['resource', resource(inner, showing, hiding)],
      ])
    }
    case 'resource_link':
      return rest(one, [], hiding)
    default:
      return withheld('content withheld: it is of a kind that the gateway does not know')
  }
}

/** Nobody looks into its data; what stands beside it is shown as anywhere else. */
function unseen(one: JsonObject, type: 'image' | 'audio', hiding: Hiding): JsonObject {
  const data = one.get('data')
  if (typeof data !== 'string') throw notItsOwn()
  return new Map<string, JsonValue>([...rest(one, ['type', 'data'], hiding), ['type', type], ['data', data]])
}

const withheld = (why: string): JsonObject =>
  new Map<string, JsonValue>([
    ['type', 'text'],
    ['text', `[${why}]`],
  ])

function resource(one: JsonObject, showing: Showing, hiding: Hiding): JsonObject {
  const text = one.get('text')
  const blob = one.get('blob')
  const shown = rest(one, ['text', 'blob'], hiding)
  if (blob !== undefined) {
    if (text !== undefined || typeof blob !== 'string') throw notItsOwn()
    if (!showing.media.has('blob')) throw unreadable("it is binary, which the target's document does not let pass")
    return new Map([...shown, ['blob', blob]])
  }
  if (typeof text !== 'string') throw notItsOwn()
  return new Map([...shown, ['text', hiding.text(text)]])
}

/** Everything but these members, masked. */
function rest(value: JsonObject, without: readonly string[], hiding: Hiding): JsonObject {
  const left = new Map([...value].filter(([name]) => !without.includes(name)))
  return hiding.beside(left)
}

const notItsOwn = (): Error => unreadable('the answer is none of what was asked for')

interface Hiding {
  /** A structure in which masks by path know their way. */
  structure(value: JsonValue): JsonValue
  /** What stands beside: findings alone, of all detectors where members are hidden. */
  beside(value: JsonObject): JsonObject
  /** A text that may hold JSON. */
  text(text: string): string
  /** A text that holds none. */
  words(text: string): string
}

const nothing: Hiding = {
  structure: (value) => value,
  beside: (value) => value,
  text: (text) => text,
  words: (text) => text,
}

const besides = new WeakMap<AnswerMasking, AnswerMasking>()

/** The same masks where members have no paths. */
function besideOf(masking: AnswerMasking): AnswerMasking {
  const known = besides.get(masking)
  if (known !== undefined) return known
  const { parts, detection, rules } = masking
  const made = { parts: [], detection: parts.length > 0 ? widestDetection(detection) : detection, rules }
  besides.set(masking, made)
  return made
}

function hidingOf({ masking, hash }: Showing, count: { values: number }): Hiding {
  if (masking === null) return nothing
  const beside = besideOf(masking)
  const document = (text: string, by: AnswerMasking): string | null => {
    const masked = documentMask(by, hash).mask(text)
    if (masked !== null) count.values += masked.values
    return masked?.text ?? null
  }
  const structure = (value: JsonValue, by: AnswerMasking): JsonValue => {
    const masked = document(jsonText(value), by)
    if (masked === null) throw notItsOwn()
    return parseJson(masked, answerBounds)
  }
  const words = (text: string): string => {
    const { detection } = beside
    if (detection === null) return text
    if (text.length > limits.httpMaskedTextCharsMax) {
      count.values += 1
      return '[redacted]'
    }
    const hidden = hideIn(text, hideEach(detection, hash), detection.kinds)
    count.values += hidden.count
    return hidden.text
  }
  return {
    structure: (value) => structure(value, masking),
    beside(value) {
      const masked = structure(value, beside)
      return isJsonObject(masked) ? masked : new Map()
    },
    text(text) {
      const masked = /^\s*[[{]/.test(text) ? document(text, masking) : null
      if (masked !== null) return masked
      if (masking.parts.length === 0) return words(text)
      // Nobody knows where in a text a member stands.
      count.values += 1
      return '[redacted: members of this answer are hidden, and the text is no JSON]'
    },
    words,
  }
}
