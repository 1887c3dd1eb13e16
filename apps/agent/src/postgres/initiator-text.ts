// What a text says of the initiator: a comment at its end, SET, or the function that does the same. It is taken out here, so
// that nobody behind this, neither cache nor record nor target, ever sees a token. Pure; it verifies nothing.
// INVARIANT: what mentions the initiator in any other place is refused, not passed on.
import { limits } from '@sallyport/base/limits'
import { type Token, tokens } from '@sallyport/sql/lexer'

export type InitiatorText =
  | { readonly kind: 'none' }
  /** The text without its comment. */
  | { readonly kind: 'comment'; readonly text: string; readonly value: string }
  /** Null: nobody from here on. `text` is what the target gets in its place. */
  | { readonly kind: 'set'; readonly text: string; readonly value: string | null }
  /** The value comes with Bind, as the only parameter. */
  | { readonly kind: 'parameter'; readonly text: string }
  /** `sets`: it would have changed for whom what comes after it runs. */
  | { readonly kind: 'misplaced'; readonly sets?: boolean }

/** The setting exists at no target; giving it its default changes nothing there and answers as the client expects. */
const setText = 'SET sallyport.initiator TO DEFAULT'
const resetText = 'RESET sallyport.initiator'
const callText = "SELECT pg_catalog.set_config('sallyport.initiator', '', false)"

const none: InitiatorText = { kind: 'none' }
const misplaced: InitiatorText = { kind: 'misplaced' }

/** Looks closer only at texts with the word in them. */
export function readInitiator(text: string): InitiatorText {
  // What is too long is refused unread by the gate.
  if (text.length > limits.statementBytesMax || !/sallyport/i.test(text)) return none
  const all = tokens(text)
  const last = all.findLastIndex(({ start }) => text.charAt(start) !== ';')
  const isSaying = (token: Token): boolean =>
    token.kind === 'comment' && /sallyport\s*=/i.test(text.slice(token.start, token.end))
  const saying = all.filter(isSaying)
  const words = all.filter(({ kind }) => kind !== 'comment').map((token) => wordOf(text, token))
  while (words.at(-1) === ';') words.pop()
  const setting = settingText(words)
  const mentions = mentionsSetting(words)
  if (saying.length === 0) return setting ?? (mentions ? misplacedBy(words) : none)
  const [comment] = saying
  if (setting !== null || mentions) return misplacedBy(words)
  if (saying.length > 1) return misplaced
  if (comment === undefined || comment !== all[last]) return misplaced
  return commentText(text, comment) ?? misplaced
}

/** Names in small letters; everything else as it is written. */
const wordOf = (text: string, { kind, start, end }: Token): string => {
  const written = text.slice(start, end)
  return kind === 'name' ? written.toLowerCase() : written
}

/** `/*sallyport='…'* /`, alone or among other pairs as sqlcommenter writes them (https://google.github.io/sqlcommenter/spec). */
function commentText(text: string, { start, end }: Token): InitiatorText | null {
  const body = /^\/\*(.*)\*\/$/s.exec(text.slice(start, end))?.[1]
  if (body === undefined) return null
  const pairs = body.split(',').map((pair) => /^\s*([\w.%-]+)='([^'*]*)'\s*$/.exec(pair))
  const own = pairs.filter((pair) => pair?.[1] === 'sallyport')
  const value = own.length === 1 && !pairs.includes(null) ? decoded(own[0]?.[2] ?? '') : null
  if (value === null || value === '') return null
  const others = pairs.flatMap((pair) => (pair === null || pair[1] === 'sallyport' ? [] : [pair[0].trim()]))
  const kept = others.length === 0 ? '' : `/*${others.join(',')}*/`
  const before = text.slice(0, start).trimEnd()
  return { kind: 'comment', text: `${before}${kept === '' ? '' : ` ${kept}`}${text.slice(end).trim()}`, value }
}

function decoded(value: string): string | null {
  try {
    return decodeURIComponent(value)
  } catch {
    return null
  }
}

const name = "'sallyport.initiator'"

/** SET, RESET and set_config, as long as they stand alone in their text. */
function settingText(words: readonly string[]): InitiatorText | null {
  const written = words.join(' ')
  if (written === 'reset sallyport . initiator') return { kind: 'set', text: resetText, value: null }
  const set = /^set (?:(?:session|local) )?sallyport \. initiator (?:=|to) ('[^']*'|default)$/.exec(written)
  if (set?.[1] !== undefined) return { kind: 'set', text: setText, value: set[1] === 'default' ? null : bare(set[1]) }
  const call = /^select (?:pg_catalog \. )?set_config \( (\S+) , (\$1|\$1 : : text|'[^']*'|null) , (?:true|false) \)$/
  const [, setting = '', value = ''] = call.exec(written) ?? []
  if (setting.toLowerCase() !== name) return null
  if (value.startsWith('$')) return { kind: 'parameter', text: callText }
  return { kind: 'set', text: callText, value: value === 'null' ? null : bare(value) }
}

/** Nobody is said by an empty text. */
const bare = (literal: string): string | null => (literal === "''" ? null : literal.slice(1, -1))

const changes: ReadonlySet<string> = new Set(['set', 'reset', 'set_config'])
const misplacedBy = (words: readonly string[]): InitiatorText =>
  words.some((word) => changes.has(word)) ? { kind: 'misplaced', sets: true } : misplaced

function mentionsSetting(words: readonly string[]): boolean {
  // Elsewhere a quoted name is that of a table or column.
  const isQuotable = words[0] === 'set' || words[0] === 'reset'
  const plain = (word: string | undefined): string | undefined =>
    isQuotable ? (/^"(\w+)"$/.exec(word ?? '')?.[1]?.toLowerCase() ?? word) : word
  return words.some((word, at) => {
    if (/^(e|n|u&)?'sallyport\.initiator'$/i.test(word)) return true
    return plain(word) === 'sallyport' && words[at + 1] === '.' && plain(words[at + 2]) === 'initiator'
  })
}
