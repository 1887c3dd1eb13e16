// sallyport apply -f: sends documents to the control plane, all or nothing. They are parsed here first, so that a typing
// mistake shows with its file and line before anything is sent.
import { ApplyResult, type ExpectedVersion, expectedOf } from '@sallyport/api/resources'
import { SallyportError } from '@sallyport/base/errors'
import { parseDocuments } from '@sallyport/policy/parse'
import { type DocumentProblemLine, Refusal } from './api-problem.ts'
import { type AddCommand, type Session, usage } from './app.ts'
import { resultIn, unwrapped } from './scanned.ts'

interface Source {
  /** Shown in problems; null for stdin. */
  readonly file: string | null
  readonly text: string
}

export const addApply: AddCommand = (parent, app) => {
  parent
    .command('apply')
    .description('apply documents (Target, Policy, Group, …): all of them, or none when one has a problem')
    .requiredOption(
      '-f, --file <path...>',
      'file or folder of YAML documents, what "scan --json" printed, or "-" for stdin',
    )
    .option('--dry-run', 'check and show what would change; nothing is changed')
    .option('--seen <file>', 'what "--dry-run --json" printed: apply nothing if one of its documents changed since')
    .addHelpText(
      'after',
      '\nExamples:\n  sallyport apply -f policies/\n  sallyport apply -f shop.yaml --dry-run\n  sallyport apply -f shop.yaml --dry-run --json > seen.json\n  sallyport apply -f shop.yaml --seen seen.json',
    )
    .action((options: ApplyOptions) => app.run((session) => apply(session, options)))
}

interface ApplyOptions {
  readonly file: string[]
  readonly dryRun?: boolean
  readonly seen?: string
}

async function apply(session: Session, { file: paths, dryRun = false, seen }: ApplyOptions): Promise<void> {
  const expect = seen === undefined ? {} : { expect: seenIn(readFile(session, seen), seen) }
  const read = (await Promise.all(paths.map((path) => readSources(session, path)))).flat()
  const sources = read.map(({ file, text }) => ({ file, text: unwrapped(text) }))
  checkSources(sources)
  // Each file is documents of its own: a line of three hyphens keeps the last of one from the first of the next.
  const yaml = sources.map((source) => source.text).join('\n---\n')
  const result = await session.api().call('apply', ApplyResult, { body: { yaml, dryRun, ...expect } })
  for (const warning of result.warnings) session.out.message(`warning: ${warning.path}: ${warning.message}`)
  session.out.result(result, () => {
    const rows = result.changes.map((change) => [change.kind, change.name, change.change, String(change.version)])
    return session.out.table({ columns: ['kind', 'name', 'change', 'version'].map((name) => ({ name })), rows })
  })
  if (dryRun) session.out.message('dry run: nothing was changed')
}

/** The versions that a dry run has looked at, out of what it printed. */
function seenIn(text: string, file: string): ExpectedVersion[] {
  const result = resultIn(text, ApplyResult)
  if (result?.dryRun === true) return expectedOf(result)
  throw usage(`"${file}" is not what a dry run printed`, 'make it with: sallyport apply -f FILE --dry-run --json')
}

async function readSources(session: Session, path: string): Promise<Source[]> {
  if (path === '-') return [{ file: null, text: await session.world.readStdin() }]
  const names = session.world.files.list(path)
  if (names === null) return [{ file: path, text: readFile(session, path) }]
  const documents = names.filter((name) => /\.ya?ml$/.test(name)).sort()
  if (documents.length === 0) throw usage(`"${path}" has no .yaml file`, 'pass a folder with documents, or a file')
  return documents.map((name) => {
    const file = `${path.replace(/\/$/, '')}/${name}`
    return { file, text: readFile(session, file) }
  })
}

export function readFile(session: Session, path: string): string {
  const text = session.world.files.readText(path)
  if (text === null) throw new SallyportError('NOT_FOUND', `there is no file "${path}"`, { hint: 'check the path' })
  return text
}

/** Throws with every problem of every file. */
export function checkSources(sources: readonly Source[]): void {
  const problems: DocumentProblemLine[] = []
  for (const source of sources)
    for (const problem of parseDocuments(source.text).problems)
      problems.push(source.file === null ? problem : { ...problem, file: source.file })
  const first = problems[0]
  if (first === undefined) return
  const code = isDocumentCode(first.code) ? first.code : 'DOCUMENT_INVALID'
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
  throw new Refusal(code, `the documents have ${count}; nothing was applied`, {
    problems,
    hint: 'correct them and apply again; docs/policy.md describes each field',
  })
}

type DocumentCode = 'YAML_INVALID' | 'DOCUMENT_INVALID' | 'CEL_INVALID'
const isDocumentCode = (code: string): code is DocumentCode =>
  code === 'YAML_INVALID' || code === 'DOCUMENT_INVALID' || code === 'CEL_INVALID'
