// Renders the part of Helm's templates that deploy/helm uses, and refuses every other form: values, `range` over a map, `if`,
// `quote`, `toYaml | nindent`. Helm itself is no dependency of this repository; whoever has it gets the same documents.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, parseAllDocuments, stringify } from 'yaml'

type Scope = Readonly<Record<string, unknown>>
interface Token {
  readonly kind: 'text' | 'action'
  readonly text: string
}

/** `{{-` takes white space before it away, `-}}` after it. */
function tokensOf(template: string): Token[] {
  const tokens: Token[] = []
  let trims = false
  for (const part of template.split(/(\{\{-?.*?-?\}\})/s)) {
    if (!part.startsWith('{{')) {
      tokens.push({ kind: 'text', text: trims ? part.trimStart() : part })
      continue
    }
    const last = tokens.at(-1)
    if (part.startsWith('{{-') && last?.kind === 'text')
      tokens[tokens.length - 1] = { ...last, text: last.text.trimEnd() }
    trims = part.endsWith('-}}')
    tokens.push({ kind: 'action', text: part.replace(/^\{\{-?|-?\}\}$/g, '').trim() })
  }
  return tokens
}

/** `.Values.a.b`, `$.Release.Name`, `$name`, `$agent.size`. */
function valueAt(path: string, scope: Scope): unknown {
  const match = /^(\$[a-z]+|\$|)((?:\.[A-Za-z]+)*)$/.exec(path)
  if (match === null) throw new Error(`the form "${path}" is not known here`)
  const [, variable = '', rest = ''] = match
  let at: unknown = variable === '' || variable === '$' ? scope : scope[variable]
  for (const key of rest.split('.').slice(1))
    at = typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined
  return at
}

/** As text/template has it: empty lists and maps are not true. */
const isTrue = (value: unknown): boolean =>
  typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value)

function printed(text: string, scope: Scope): string {
  const asYaml = /^toYaml (\S+) \| nindent (\d+)$/.exec(text)
  if (asYaml !== null) {
    const value = valueAt(asYaml[1] ?? '', scope)
    if (value === undefined) throw new Error(`"${asYaml[1]}" has no value`)
    const lines = stringify(value).trimEnd().split('\n')
    return lines.map((line) => `\n${' '.repeat(Number(asYaml[2]))}${line}`).join('')
  }
  const [path = '', filter, ...more] = text.split(/\s*\|\s*/)
  if (more.length > 0 || (filter !== undefined && filter !== 'quote')) throw new Error(`"${text}" is not known here`)
  const value = valueAt(path, scope)
  if (value === undefined) throw new Error(`"${path}" has no value`)
  return filter === 'quote' ? JSON.stringify(String(value)) : String(value)
}

function render(tokens: readonly Token[], scope: Scope): string {
  let out = ''
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]
    if (token === undefined) break
    if (token.kind === 'text') {
      out += token.text
      continue
    }
    const block = /^(if|range) (.+)$/.exec(token.text)
    if (block === null) {
      out += printed(token.text, scope)
      continue
    }
    const end = endOf(tokens, at)
    out += rendered(block[1] === 'if', block[2] ?? '', tokens.slice(at + 1, end), scope)
    at = end
  }
  return out
}

function rendered(isIf: boolean, head: string, inner: readonly Token[], scope: Scope): string {
  if (isIf) return isTrue(valueAt(head, scope)) ? render(inner, scope) : ''
  const range = /^(\$[a-z]+), (\$[a-z]+) := (\S+)$/.exec(head)
  if (range === null) throw new Error(`"range ${head}" is not known here`)
  const [, key = '', item = '', of = ''] = range
  const map = valueAt(of, scope)
  return Object.entries(typeof map === 'object' && map !== null ? map : {})
    .map(([name, value]) => render(inner, { ...scope, [key]: name, [item]: value }))
    .join('')
}

function endOf(tokens: readonly Token[], start: number): number {
  let depth = 0
  for (let at = start; at < tokens.length; at++) {
    const { kind, text } = tokens[at] ?? { kind: 'text', text: '' }
    if (kind === 'text') continue
    if (/^(if|range) /.test(text)) depth++
    if (text === 'end' && --depth === 0) return at
  }
  throw new Error('a block has no end')
}

/** Every document that the chart makes of these values. Throws for YAML that is none, or has a key twice. */
export function renderChart(folder: string, changes: (values: unknown) => void): unknown[] {
  const values = parse(readFileSync(join(folder, 'values.yaml'), 'utf8'))
  changes(values)
  const scope = { Values: values, Release: { Name: 'acme' } }
  return readdirSync(join(folder, 'templates')).flatMap((name) =>
    parseAllDocuments(render(tokensOf(readFileSync(join(folder, 'templates', name), 'utf8')), scope)).flatMap(
      (document) => {
        if ('errors' in document && document.errors.length > 0) throw document.errors[0]
        const made = 'toJS' in document ? document.toJS() : null
        return made === null ? [] : [made]
      },
    ),
  )
}
