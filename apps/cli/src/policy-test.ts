// sallyport policy test FILE...: runs the cases that are kept beside a policy, by the same decision as in the data path.
// Nothing is run at a target and nothing is applied. Exit status 8 when a case fails, so that CI stops.
import { PolicyTestFile as FileSchema, type PolicyTestFile, PolicyTestResult } from '@sallyport/api/policies'
import { errorCodes, SallyportError } from '@sallyport/base/errors'
import { readYaml } from '@sallyport/policy/yaml'
import { type AddCommand, type Session, usage } from './app.ts'
import { checkSources, readFile } from './apply.ts'
import { escapeText } from './escape.ts'

interface TestOptions {
  readonly file?: string[]
}

export const addPolicyTest: AddCommand = (policy, app) => {
  policy
    .command('test <file...>')
    .description('run cases that are kept beside a policy; exit status 8 when one fails')
    .option('-f, --file <path...>', 'documents in place of the applied ones, instead of those that the cases name')
    .addHelpText(
      'after',
      '\nExamples:\n  sallyport policy test policies/shop.test.yaml\n  sallyport policy test policies/*.test.yaml -f draft.yaml',
    )
    .action((files: string[], options: TestOptions) => app.run((session) => test(session, files, options)))
}

async function test(session: Session, files: readonly string[], options: TestOptions): Promise<void> {
  const results: (PolicyTestResult & { readonly file: string })[] = []
  for (const file of files) {
    const cases = readCases(session, file)
    const sources = options.file ?? cases.documents.map((name) => `${folderOf(file)}${name}`)
    const documents = sources.map((path) => ({ file: path, text: readFile(session, path) }))
    checkSources(documents)
    const yaml = documents.map(({ text }) => text).join('\n---\n')
    const { target, callers } = cases
    const body = { target, callers, cases: cases.cases, ...(yaml === '' ? {} : { yaml }) }
    results.push({ file, ...(await session.api().call('policyTest', PolicyTestResult, { body })) })
  }
  const failed = results.reduce((sum, result) => sum + result.failed, 0)
  const passed = results.reduce((sum, result) => sum + result.passed, 0)
  session.out.result({ passed, failed, files: results }, () =>
    results.map((result) => resultText(session, result)).join('\n'),
  )
  session.out.message(`${passed} passed, ${failed} failed`)
  if (failed > 0) session.exit(errorCodes.TESTS_FAILED.exit)
}

const folderOf = (file: string): string => file.slice(0, file.lastIndexOf('/') + 1)

/** Throws with every problem of the file, with its lines. */
function readCases(session: Session, file: string): PolicyTestFile {
  const { documents, problems } = readYaml(readFile(session, file))
  const [first] = problems
  if (first !== undefined) throw new SallyportError('YAML_INVALID', `${file}:${first.line ?? 1}: ${first.message}`)
  const [only, ...more] = documents
  if (only === undefined || more.length > 0) throw usage(`"${file}" must hold one document`, 'kind: PolicyTest')
  const parsed = FileSchema.safeParse(only.value)
  if (parsed.success) {
    const unknown = parsed.data.cases.find(({ caller }) => !Object.hasOwn(parsed.data.callers, caller))
    if (unknown === undefined) return parsed.data
    throw new SallyportError(
      'DOCUMENT_INVALID',
      `${file}: case "${unknown.name}" has a caller "${unknown.caller}" that is not in callers`,
    )
  }
  const [issue] = parsed.error.issues
  const path = issue?.path ?? []
  throw new SallyportError(
    'DOCUMENT_INVALID',
    `${file}:${only.lineOf(path) ?? 1}: ${path.map(String).join('.')}: ${issue?.message ?? 'is not valid'}`,
    { hint: 'docs/policy.md, "Cases beside a policy", describes the file' },
  )
}

function resultText({ out }: Session, { file, cases }: PolicyTestResult & { readonly file: string }): string {
  const lines = cases.map(({ name, passed, problems }) =>
    [`  ${passed ? 'ok  ' : 'FAIL'} ${escapeText(name)}`, ...problems.map((one) => `       ${escapeText(one)}`)].join(
      '\n',
    ),
  )
  return [out.strong(escapeText(file)), ...lines].join('\n')
}
