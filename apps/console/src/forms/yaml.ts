// JSON values as YAML text: blocks for what is long, one line for what is short, quotes only where YAML needs them.
// Whatever it writes, the parser of packages/policy reads back as the same value.

/** Characters of a list or mapping that still stands in one line. */
const inlineCharactersMax = 72
/** Brackets in brackets, and members of a mapping in one line. */
const flowDepthMax = 2
const flowMembersMax = 2

/** One document. `undefined` members are left out, as JSON does. */
export function yamlOf(value: unknown): string {
  return isBranch(value) && !isEmpty(value)
    ? blockLines(value, '')
        .map((line) => `${line}\n`)
        .join('')
    : `${scalarText(value, false)}\n`
}

type Branch = readonly unknown[] | Readonly<Record<string, unknown>>
const isBranch = (value: unknown): value is Branch => typeof value === 'object' && value !== null
const membersOf = (value: Branch): [string, unknown][] => Object.entries(value).filter(([, one]) => one !== undefined)
const isList = (value: Branch): value is readonly unknown[] => Array.isArray(value)
const isEmpty = (value: Branch): boolean => (isList(value) ? value.length === 0 : membersOf(value).length === 0)

function blockLines(value: Branch, indent: string): string[] {
  if (isList(value)) return value.flatMap((item) => itemLines(item, indent))
  return membersOf(value).flatMap(([name, member]) => memberLines(keyText(name), member, indent))
}

function memberLines(key: string, member: unknown, indent: string): string[] {
  const inline = inlineText(member, indent.length + key.length + 2)
  if (inline !== null) return [`${indent}${key}: ${inline}`]
  if (typeof member === 'string') return literalLines(`${indent}${key}: `, member, `${indent}  `)
  return isBranch(member) ? [`${indent}${key}:`, ...blockLines(member, `${indent}  `)] : []
}

function itemLines(item: unknown, indent: string): string[] {
  const inline = inlineText(item, indent.length + 2)
  if (inline !== null) return [`${indent}- ${inline}`]
  if (typeof item === 'string') return literalLines(`${indent}- `, item, `${indent}  `)
  if (!isBranch(item)) return []
  // The first line of the block stands behind the dash, which takes the two columns of its indentation.
  const [first = '', ...rest] = blockLines(item, `${indent}  `)
  return [`${indent}- ${first.slice(indent.length + 2)}`, ...rest]
}

/** The value in one line, or null when it needs more. Short lists and small mappings fit. */
function inlineText(value: unknown, column: number): string | null {
  if (typeof value === 'string' && isLiteral(value)) return null
  if (!isBranch(value)) return scalarText(value, false)
  if (isEmpty(value)) return isList(value) ? '[]' : '{}'
  const text = flowText(value, flowDepthMax)
  return text !== null && column + text.length <= inlineCharactersMax ? text : null
}

/** `[a, b]` and `{ groups: [a] }`; null for what is deeper, and for mappings that are better read line by line. */
function flowText(value: Branch, depth: number): string | null {
  if (depth === 0 || (!isList(value) && membersOf(value).length > flowMembersMax)) return null
  const parts = isList(value)
    ? value.map((item) => flowPart(item, depth))
    : membersOf(value).map(([name, member]) => {
        const text = flowPart(member, depth)
        return text === null ? null : `${keyText(name, true)}: ${text}`
      })
  if (!parts.every((part) => part !== null)) return null
  return isList(value) ? `[${parts.join(', ')}]` : `{ ${parts.join(', ')} }`
}

function flowPart(value: unknown, depth: number): string | null {
  if (typeof value === 'string' && isLiteral(value)) return null
  return isBranch(value) && !isEmpty(value) ? flowText(value, depth - 1) : scalarText(value, true)
}

function scalarText(value: unknown, isFlow: boolean): string {
  if (typeof value === 'string') return isPlain(value, isFlow) ? value : quoted(value)
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null'
  if (typeof value === 'boolean') return String(value)
  if (isBranch(value)) return isList(value) ? '[]' : '{}'
  return 'null'
}

const keyText = (name: string, isFlow = false): string => (isPlain(name, isFlow) ? name : quoted(name))

/** Words that some YAML reads as something else than text. */
const reserved = /^(?:true|false|null|yes|no|on|off|y|n|~)$/i
/** `15m`, `7d`: begins like a number and is none. */
const duration = /^[1-9][0-9]{0,5}[smhd]$/

/** Text that needs no quotes. Narrower than YAML allows: what looks like an indicator, a number or a date is quoted. */
function isPlain(text: string, isFlow: boolean): boolean {
  if (duration.test(text)) return true
  if (reserved.test(text) || !/^[A-Za-z_/(]/.test(text) || /\s$/.test(text)) return false
  const allowed = isFlow ? /^[\w ./@+()=<>*-]*$/ : /^[\w ./@+()=<>*,;'":!?&|–—’“”…-]*$/
  return allowed.test(text) && !/:(?: |$)/.test(text)
}

// JSON's escapes are YAML's; beside them YAML wants everything escaped that does not print (YAML 1.2, 5.1).
const unprintable = /[\u007f-\u00a0\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]/g
const quoted = (text: string): string =>
  JSON.stringify(text).replace(
    unprintable,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** Text of several lines that a literal block keeps exactly: certificates, long messages. */
function isLiteral(text: string): boolean {
  if (!text.includes('\n') || text.startsWith('\n') || text.startsWith(' ') || text.startsWith('\t')) return false
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a literal block has no escapes
  return !/[\u0000-\u0009\u000b-\u001f]/.test(text) && !new RegExp(unprintable.source).test(text)
}

function literalLines(head: string, text: string, indent: string): string[] {
  const chomp = !text.endsWith('\n') ? '-' : text.endsWith('\n\n') ? '+' : ''
  const body = text.endsWith('\n') ? text.slice(0, -1) : text
  return [`${head}|${chomp}`, ...body.split('\n').map((line) => (line === '' ? '' : `${indent}${line}`))]
}
