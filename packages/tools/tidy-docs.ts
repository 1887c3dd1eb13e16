// What tidy says about documents: error codes, limits and glossary words each have their place, links lead somewhere,
// and a migration that was recorded once is never edited.
import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import { errorCodes } from '@sallyport/base/errors'
import { limits } from '@sallyport/base/limits'
import type { Finding, Source } from './tidy.ts'

/** The words of STYLE §3. A new word comes into docs/glossary.md first, then here. */
const words =
  'principal initiator actor chain group role ticket target label agent floor link snapshot session statement facts effect lineage catalog baseline decision hold verdict grant mask-rule mask-plan limit budget lease entry ledger head checkpoint anchor recording spool trace'.split(
    ' ',
  )

export function checkDocs(tree: readonly Source[]): Finding[] {
  const byPath = new Map(tree.map((source) => [source.path, source.text]))
  return [
    ...checkHeadings(byPath, 'docs/errors.md', Object.keys(errorCodes), /^## ([A-Z_]+)$/gm),
    ...checkHeadings(byPath, 'docs/glossary.md', words, /^## ([a-z -]+)$/gm),
    ...checkMentions(byPath, 'docs/operations.md', Object.keys(limits)),
    ...tree.filter(({ path }) => path.endsWith('.md')).flatMap((source) => checkLinks(source, byPath)),
    ...checkMigrations(byPath),
    ...checkAttacks(byPath),
    ...checkRooms(byPath),
  ]
}

/** Every package and every folder of an app's sources stands in ARCHITECTURE.md in bold, packages in a cell of their own. */
function checkRooms(tree: ReadonlyMap<string, string>): Finding[] {
  const path = 'ARCHITECTURE.md'
  const text = tree.get(path) ?? ''
  const sections = text.split('\n## ')
  const sectionOf = (app: string) =>
    sections.find((section) => section.split('\n')[0]?.includes(`\`apps/${app}\``)) ?? ''
  const rooms = new Set(
    [...tree.keys()].flatMap((file) => /^(apps\/[a-z-]+\/src|packages)\/([a-z-]+)\//.exec(file)?.[0] ?? []),
  )
  return [...rooms]
    .filter((room) => {
      const [kind = '', app = ''] = room.split('/')
      const name = room.split('/').at(-2) ?? ''
      if (kind === 'packages') return !text.includes(`| \`${name}\` |`) && !text.includes(`\`packages/${name}\``)
      return name !== 'gen' && !new RegExp(`\\*\\*[^*]*\\b${name}/`).test(sectionOf(app))
    })
    .map((room) => ({ path, line: 1, text: `says nothing of the room ${room}` }))
}

function checkHeadings(
  tree: ReadonlyMap<string, string>,
  path: string,
  names: readonly string[],
  pattern: RegExp,
): Finding[] {
  const text = tree.get(path)
  if (text === undefined) return [{ path, line: 1, text: 'is missing' }]
  const headings = new Set([...text.matchAll(pattern)].map((match) => (match[1] ?? '').replaceAll(' ', '-')))
  const missing = names
    .filter((name) => !headings.has(name))
    .map((name) => ({ path, line: 1, text: `has no heading "${name}"` }))
  const known = new Set(names)
  const extra = path.endsWith('errors.md') ? [...headings].filter((name) => !known.has(name)) : []
  return [...missing, ...extra.map((name) => ({ path, line: 1, text: `explains "${name}", which is no code` }))]
}

function checkMentions(tree: ReadonlyMap<string, string>, path: string, names: readonly string[]): Finding[] {
  const text = tree.get(path)
  if (text === undefined) return [{ path, line: 1, text: 'is missing' }]
  return names
    .filter((name) => !text.includes(`\`${name}\``))
    .map((name) => ({ path, line: 1, text: `does not name the limit ${name}` }))
}

/**
 * Rows `| R-1.5 | … | \`frames\` |` of docs/threats.md: each named test file quotes an attack of its row. What §2 and §3 name may
 * also be a file of the corpus, or traces by a pattern.
 */
function checkAttacks(tree: ReadonlyMap<string, string>): Finding[] {
  const path = 'docs/threats.md'
  const rows = [
    ...(tree.get(path) ?? '').matchAll(/^\| (R-[1236]\.[0-9]+(?:, R-[1236]\.[0-9]+)*) \|.*\| ([^|]+) \|$/gm),
  ]
  const wrong = rows.flatMap(([, ids = '', named = '']) =>
    [...named.matchAll(/`([^`]+)`/g)]
      .filter(([, name = '']) => !isAbout(tree, name, ids.split(', ')))
      .map(([, name]) => ({
        path,
        line: 1,
        text: `says that the test "${name}" is about ${ids}, which it does not quote`,
      })),
  )
  const covered = new Set(rows.flatMap(([, ids = '']) => ids.split(', ')))
  const missing = [
    ...Object.entries(attacks).flatMap(([section, count]) =>
      Array.from({ length: count }, (_, at) => `R-${section}.${at + 1}`),
    ),
    ...attacksOnIdentity,
  ]
    .filter((id) => !covered.has(id))
    .map((id) => ({ path, line: 1, text: `names no test for ${id}` }))
  return [...wrong, ...missing, ...checkNamed(tree, rows)]
}

/** The other way round: what quotes an attack on who calls stands in a row of it, so that the table is whole. */
function checkNamed(tree: ReadonlyMap<string, string>, rows: readonly RegExpExecArray[]): Finding[] {
  const isNamed = (name: string, id: string): boolean =>
    rows.some(([, ids = '', named = '']) => ids.split(', ').includes(id) && named.includes(`\`${name}\``))
  return [...tree].flatMap(([file, text]) => {
    const name = /^e2e\/([^/]+\.e2e)\.ts$|\/([^/]+)\.test\.ts$/
      .exec(file)
      ?.slice(1)
      .find((part) => part !== undefined)
    if (name === undefined) return []
    return attacksOnIdentity
      .filter((id) => new RegExp(`${id}(?![0-9])`).test(text) && !isNamed(name, id))
      .map((id) => ({ path: 'docs/threats.md', line: 1, text: `has no row of ${id} that names "${name}"` }))
  })
}

/** How many there are in each section of THREATS. */
const attacks = { 1: 37, 2: 15, 3: 15 } as const
/** Those of §6 that are about who calls, and on whose behalf. */
const attacksOnIdentity = ['R-6.1', 'R-6.2', 'R-6.3', 'R-6.4', 'R-6.5', 'R-6.10', 'R-6.17', 'R-6.18']

function isAbout(tree: ReadonlyMap<string, string>, name: string, ids: readonly string[]): boolean {
  const files = [...tree.keys()]
  if (name.includes('*')) {
    const start = name.slice(0, name.indexOf('*'))
    return files.some((file) => file.includes(`/testdata/`) && file.split('/').at(-1)?.startsWith(start))
  }
  const tests = files.filter((file) => file.endsWith(`/${name}.test.ts`) || file === `e2e/${name}.ts`)
  const quotes = (file: string): boolean => ids.some((id) => new RegExp(`${id}(?![0-9])`).test(tree.get(file) ?? ''))
  if (tests.some(quotes)) return true
  const isCorpus = tree.has(`packages/sql/testdata/${name}.json`)
  return isCorpus && ids.every((id) => !id.startsWith('R-1.')) && tests.length === 0
}

/** Relative links only; what is on the web is not ours to check. */
function checkLinks({ path, text }: Source, tree: ReadonlyMap<string, string>): Finding[] {
  const found: Finding[] = []
  text.split('\n').forEach((line, index) => {
    for (const match of line.matchAll(/\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)]*)?\)/g)) {
      const target = posix.normalize(posix.join(posix.dirname(path), match[1] ?? ''))
      const isFolder = [...tree.keys()].some((file) => file.startsWith(`${target.replace(/\/$/, '')}/`))
      if (!tree.has(target) && !isFolder)
        found.push({ path, line: index + 1, text: `links to ${match[1]}, which is not there` })
    }
  })
  return found
}

/** prisma/migrations/checksums.json holds the SHA-256 of each migration that has landed. */
function checkMigrations(tree: ReadonlyMap<string, string>): Finding[] {
  const path = 'prisma/migrations/checksums.json'
  const recorded: Record<string, string> = JSON.parse(tree.get(path) ?? '{}')
  const found: Finding[] = []
  for (const [file, text] of tree) {
    const name = /^prisma\/migrations\/(.+)\/migration\.sql$/.exec(file)?.[1]
    if (name === undefined) continue
    const sum = createHash('sha256').update(text).digest('hex')
    if (recorded[name] === undefined) found.push({ path, line: 1, text: `has no checksum of ${name}: "${sum}"` })
    else if (recorded[name] !== sum)
      found.push({ path: file, line: 1, text: 'was edited after it landed; write a new migration' })
  }
  return found
}
