// What the CLI prints and where: stdout holds the result and nothing else, stderr the messages. With --json stdout holds
// exactly one envelope `{ "v": 1, "ok": … }`, for a failure too. Nothing that came from elsewhere is printed unescaped.
import { errorDocsUrl, type SallyportError } from '@sallyport/base/errors'
import { type DocumentProblemLine, problemsOf, requestIdOf } from './api-problem.ts'
import { escapeLines, escapeText, safeJson } from './escape.ts'
import { renderTable, renderTabs, type Table } from './table.ts'

/** One stream of the terminal or of a pipe. */
export interface Screen {
  write(text: string): void
  readonly isTty: boolean
  /** Width of the terminal; any number when it is none. */
  readonly columns: number
}

export interface Output {
  readonly json: boolean
  /** The result of the command: `value` for --json, the text for people. Called once. */
  result(value: unknown, text: () => string): void
  /** Bytes of a file on stdout, as they are. Not for --json. */
  raw(text: string): void
  /** For the person who watches; never part of the result. */
  message(text: string): void
  /** A table when stdout is a terminal, else tab-separated lines. */
  table(table: Table): string
  strong(text: string): string
}

export interface OutputOptions {
  readonly json: boolean
  readonly quiet: boolean
  readonly color: boolean
}

/** Version of the envelope. It changes when a program that reads it would have to. */
const envelopeVersion = 1

export function createOutput(stdout: Screen, stderr: Screen, options: OutputOptions): Output {
  return {
    json: options.json,
    result(value, text) {
      if (options.json) stdout.write(`${safeJson({ v: envelopeVersion, ok: true, result: value })}\n`)
      else {
        const shown = text()
        if (shown !== '') stdout.write(shown.endsWith('\n') ? shown : `${shown}\n`)
      }
    },
    raw: (text) => stdout.write(text),
    message(text) {
      if (!options.quiet) stderr.write(`${escapeLines(text)}\n`)
    },
    table: (table) => (stdout.isTty ? renderTable(table, stdout.columns) : renderTabs(table)),
    strong: (text) => (options.color && stdout.isTty ? `\x1b[1m${text}\x1b[22m` : text),
  }
}

/** A failure as people and programs see it. */
export function renderFailure(error: SallyportError, json: boolean, stdout: Screen, stderr: Screen): void {
  const problems = problemsOf(error)
  const requestId = requestIdOf(error)
  if (json) {
    const shown = {
      code: error.code,
      message: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      docs: errorDocsUrl(error.code),
      ...(requestId === null ? {} : { requestId }),
      ...(problems.length === 0 ? {} : { problems }),
    }
    stdout.write(`${safeJson({ v: envelopeVersion, ok: false, error: shown })}\n`)
    return
  }
  const request = requestId === null ? '' : `, request ${escapeText(requestId)}`
  const lines = [
    `error: ${escapeText(error.message)}`,
    ...problems.map((problem) => `  ${problemText(problem)}`),
    ...(error.hint === undefined ? [] : [`  fix: ${escapeText(error.hint)}`]),
    `  see: ${errorDocsUrl(error.code)} (${error.code}${request})`,
  ]
  stderr.write(`${lines.join('\n')}\n`)
}

/** `shop.yaml:12: Policy/shop spec.rules[0]: …`. */
export function problemText(problem: DocumentProblemLine): string {
  const place = [problem.file, problem.line === null ? undefined : String(problem.line)].filter(
    (part) => part !== undefined,
  )
  const where = place.length === 0 ? '' : `${place.join(':')}: `
  return escapeText(`${where}${problem.path === '' ? '' : `${problem.path}: `}${problem.message} (${problem.code})`)
}
