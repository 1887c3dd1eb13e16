// What tidy says about TypeScript files: imports that go against the arrows, casts, banned names, sizes, headers.
import { posix } from 'node:path'
import ts from 'typescript'
import type { Finding, Source } from './tidy.ts'

const linesPerFileMax = 400
const linesPerFunctionMax = 60

/** Layer fence of STYLE §2: what each package may import of ours. Outside (e2e, tools) may import anything. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  'packages/base': [],
  'packages/wire': ['base'],
  'packages/sql': ['base'],
  'packages/mask': ['base'],
  'packages/policy': ['base', 'sql', 'mask'],
  'packages/identity': ['base', 'policy'],
  'packages/sealed': ['base'],
  'packages/ledger': ['base'],
  'packages/proto': ['base', 'policy', 'mask', 'ledger'],
  'packages/api': ['base', 'policy', 'mask', 'ledger'],
  'apps/agent': ['base', 'wire', 'sql', 'mask', 'policy', 'identity', 'ledger', 'sealed', 'proto'],
  'apps/control-plane': ['base', 'sql', 'mask', 'policy', 'identity', 'ledger', 'proto', 'api'],
  'apps/console': ['base', 'policy', 'ledger', 'sealed', 'api'],
  'apps/cli': ['base', 'policy', 'ledger', 'sealed', 'api'],
}
/** No I/O, no clock, no node: modules. */
const pure = new Set([
  'packages/base',
  'packages/wire',
  'packages/sql',
  'packages/mask',
  'packages/policy',
  'packages/identity',
  'packages/sealed',
  'packages/ledger',
  'packages/api',
])
const impureGlobals =
  /\b(Date\.now\(|new Date\(\)|Math\.random\(|setTimeout\(|setInterval\(|process\.|performance\.now\()/
const clockFiles = new Set(['packages/base/src/clock.ts', 'packages/base/src/bound.ts'])
const bannedWords = /(Manager|Helper|Util|Utils|Service|Impl|Handler|Processor|Data|Info|Misc)$/
const bannedFiles = /(^|[-/])(manager|helpers?|utils?|impl|handlers?|processors?|misc)(\.|$)/

const roomOf = (path: string): string => path.split('/').slice(0, 2).join('/')
const isTest = (path: string): boolean =>
  /\.(test|prop\.test|int\.test|e2e)\.ts$/.test(path) || /\/test\//.test(path) || path.startsWith('e2e/')
const isGenerated = (path: string): boolean => /\/gen\//.test(path)

/** Sockets open in few places (STYLE §2); everyone else gets them as arguments. */
function mayOpenSockets(path: string): boolean {
  return (
    isTest(path) ||
    /\/(listen|link)\//.test(path) ||
    /\/(upstream|handshake|doctor)\.ts$/.test(path) ||
    path.startsWith('packages/tools/')
  )
}

export function checkCode(tree: readonly Source[]): Finding[] {
  const files = tree.filter(({ path }) => /\.tsx?$/.test(path) && !isGenerated(path))
  return files.flatMap((source) => {
    const parsed = ts.createSourceFile(source.path, source.text, ts.ScriptTarget.Latest, true)
    return [...checkFile(source), ...checkImports(source, parsed), ...checkNodes(source, parsed)]
  })
}

function checkFile({ path, text }: Source): Finding[] {
  const found: Finding[] = []
  const lines = text.split('\n')
  const at = (line: number, message: string) => found.push({ path, line, text: message })
  const isTable = /^\/\/ Table:/m.test(lines.slice(0, 6).join('\n'))
  const config = /\.config\.ts$/.test(path)
  if (!isTest(path) && !isTable && lines.length > linesPerFileMax + 1)
    at(linesPerFileMax, `${lines.length} lines; at most ${linesPerFileMax}`)
  if (!config && !/^(#!.*\n)?(\/\/|\/\*\*)/.test(text)) at(1, 'opens without a sentence that says what the file is')
  if (bannedFiles.test(path) && !path.startsWith('packages/tools/'))
    at(1, 'the file name is a banned word (STYLE rule 6)')
  if (pure.has(roomOf(path)) && !isTest(path) && !clockFiles.has(path)) {
    lines.forEach((line, index) => {
      if (impureGlobals.test(line) && !/^\s*(\/\/|\*)/.test(line))
        at(index + 1, 'clock, randomness and process come in as arguments here')
    })
  }
  lines.forEach((line, index) => {
    if (/\b(TODO|FIXME|XXX)\b(?!\(#\d+\))/.test(line) && !path.startsWith('packages/tools/'))
      at(index + 1, 'open end without an issue: TODO(#N)')
    if (/\b(it|test|describe)\.(only|skip)\(/.test(line) && !path.startsWith('packages/tools/'))
      at(index + 1, 'a test is left out')
  })
  return found
}

function checkImports({ path }: Source, parsed: ts.SourceFile): Finding[] {
  const found: Finding[] = []
  const room = roomOf(path)
  const allowed = arrows[room]
  for (const statement of parsed.statements) {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue
    const specifier = statement.moduleSpecifier
    if (specifier === undefined || !ts.isStringLiteral(specifier)) continue
    const line = parsed.getLineAndCharacterOfPosition(specifier.getStart()).line + 1
    const typesOnly = ts.isImportDeclaration(statement) && statement.importClause?.isTypeOnly === true
    const message = importProblem(path, room, allowed, specifier.text, typesOnly)
    if (message !== null) found.push({ path, line, text: message })
  }
  return found
}

function importProblem(
  path: string,
  room: string,
  allowed: readonly string[] | undefined,
  name: string,
  typesOnly: boolean,
): string | null {
  if (allowed !== undefined && name.startsWith('@sallyport/')) {
    const wanted = name.split('/')[1] ?? ''
    if (!isTest(path) && !allowed.includes(wanted)) return `${room} may not import ${name} (STYLE §2)`
    if (/^@sallyport\/[^/]+$/.test(name)) return `${name} is a barrel; import a file of it`
  }
  if (name.startsWith('.') && !isTest(path)) {
    const resolved = posix.normalize(posix.join(posix.dirname(path), name))
    if (allowed !== undefined && roomOf(resolved) !== room) return `${name} leaves ${room}`
  }
  if (pure.has(room) && !isTest(path) && (name.startsWith('node:') || name === 'fs' || name === 'crypto'))
    return `${room} is pure: no ${name}`
  if ((name === 'node:net' || name === 'node:tls') && !typesOnly && !mayOpenSockets(path))
    return `${name} belongs in listen/, link/ or upstream.ts`
  if (/@prisma\/client|gen\/prisma/.test(name) && !isTest(path) && !/(store|db)\.ts$/.test(path))
    return 'Prisma belongs in store.ts and db.ts'
  return null
}

function checkNodes({ path }: Source, parsed: ts.SourceFile): Finding[] {
  const found: Finding[] = []
  const tests = isTest(path) || path.startsWith('packages/tools/')
  const at = (node: ts.Node, text: string) =>
    found.push({ path, line: parsed.getLineAndCharacterOfPosition(node.getStart()).line + 1, text })
  const visit = (node: ts.Node): void => {
    if (ts.isAsExpression(node) && !tests && path !== 'packages/base/src/ids.ts' && !isConstAssertion(node))
      at(node, 'a cast; parse or narrow instead (STYLE rule 8)')
    if (isFunction(node) && !tests) {
      const lines = lineSpan(parsed, node)
      if (lines > linesPerFunctionMax) at(node, `a function of ${lines} lines; at most ${linesPerFunctionMax}`)
    }
    const name = declaredName(node)
    const suffixed = path.startsWith('packages/proto/') && name?.endsWith('Service') === true
    if (name !== null && bannedWords.test(name) && !tests && !suffixed)
      at(node, `"${name}" ends with a banned word (STYLE rule 6)`)
    ts.forEachChild(node, visit)
  }
  visit(parsed)
  return found
}

const isConstAssertion = (node: ts.AsExpression): boolean =>
  ts.isTypeReferenceNode(node.type) && node.type.getText() === 'const'

const isFunction = (node: ts.Node): boolean =>
  ts.isFunctionDeclaration(node) ||
  ts.isMethodDeclaration(node) ||
  ts.isArrowFunction(node) ||
  ts.isFunctionExpression(node) ||
  ts.isConstructorDeclaration(node)

function lineSpan(parsed: ts.SourceFile, node: ts.Node): number {
  const first = parsed.getLineAndCharacterOfPosition(node.getStart()).line
  return parsed.getLineAndCharacterOfPosition(node.getEnd()).line - first + 1
}

/** Names of classes, interfaces, types and top-level functions; a gRPC service keeps its suffix (STYLE rule 6). */
function declaredName(node: ts.Node): string | null {
  if (
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isFunctionDeclaration(node)
  )
    return node.name?.text ?? null
  return null
}
