// The layer fence and the style of STYLE.md as a program: arrows between packages, names, sizes, casts, and documents in
// step with the code. It reads; it never writes. Exit status 1 with one line for each finding.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkCode } from './tidy-code.ts'
import { checkDocs } from './tidy-docs.ts'

export interface Source {
  /** From the root, with slashes. */
  readonly path: string
  readonly text: string
}

export interface Finding {
  readonly path: string
  readonly line: number
  readonly text: string
}

/** Every file that git tracks or would track. */
export function readTree(root: string): Source[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  })
  return listed
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(root, path)))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const tree = readTree(root)
  const findings = [...checkCode(tree), ...checkDocs(tree)]
  for (const finding of findings) process.stdout.write(`${finding.path}:${finding.line}: ${finding.text}\n`)
  process.stdout.write(`${tree.length} files, ${findings.length} findings\n`)
  process.exitCode = findings.length === 0 ? 0 : 1
}
