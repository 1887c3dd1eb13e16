// Verifies an exported record offline: from its lines, a hash, a signature check and the keys that the auditor pinned.
// Never throws and never stops at the first problem: the report names each, with its place (THREATS ).
import { type ExportHeader, type ExportLine, lineDigest, parseExportLine } from './export.ts'
import { type ExportReport, Findings, type SessionReport } from './report.ts'
import { parseEntry } from './shape.ts'
import { HeadCheck, type VerifyTools } from './verify-heads.ts'
import { SessionCheck } from './verify-session.ts'

export type { PinnedKey, VerifyTools } from './verify-heads.ts'

/** The whole file at once; `lines` without their newlines. A file of any size: `createExportVerifier`, line by line. */
export function verifyExport(lines: Iterable<string>, tools: VerifyTools): ExportReport {
  const verifier = createExportVerifier(tools)
  for (const line of lines) verifier.line(line)
  return verifier.end()
}

export interface ExportVerifier {
  /** The next line, without its newline. */
  line(text: string): void
  end(): ExportReport
}

export function createExportVerifier(tools: VerifyTools): ExportVerifier {
  return new Verifier(tools)
}

type Part = 'header' | 'heads' | 'entries' | 'end'

class Verifier implements ExportVerifier {
  readonly #tools: VerifyTools
  readonly #findings = new Findings()
  readonly #sessions: SessionReport[] = []
  readonly #seen = new Set<string>()
  readonly #digest: ReturnType<typeof lineDigest>
  #part: Part = 'header'
  #line = 0
  #entries = 0
  #heads = 0
  #header: ExportHeader | undefined
  #headCheck: HeadCheck
  #current: SessionCheck | undefined

  constructor(tools: VerifyTools) {
    this.#tools = tools
    this.#digest = lineDigest(tools.sha256)
    // Until the header comes no key is known: a file without one has no good head.
    this.#headCheck = new HeadCheck([], { kind: 'range', fromMs: 0, toMs: 0 }, tools, this.#findings)
  }

  line(text: string): void {
    this.#line++
    const parsed = parseExportLine(text)
    if (!parsed.ok) this.#findings.problem('line-malformed', this.#line, {}, parsed.reason)
    else if (this.#isInPlace(parsed.value)) this.#take(parsed.value)
    this.#digest.add(text)
  }

  /** Header, heads, entries, end: a line of an earlier part is out of place, and what it says still counts. */
  #isInPlace(line: ExportLine): boolean {
    const order: readonly Part[] = ['header', 'heads', 'entries', 'end']
    const part = ({ header: 'header', head: 'heads', entry: 'entries', end: 'end' } as const)[line.kind]
    const isFirst = this.#line === 1
    if (isFirst !== (part === 'header'))
      this.#findings.problem(
        isFirst ? 'header-missing' : 'line-out-of-place',
        this.#line,
        {},
        'the header is the first line, and only that',
      )
    else if (order.indexOf(part) < order.indexOf(this.#part) || (this.#part === 'end' && part === 'end'))
      this.#findings.problem(
        'line-out-of-place',
        this.#line,
        {},
        `a line of the ${part} stands after those of the ${this.#part}`,
      )
    else this.#part = part
    return part !== 'header' || isFirst
  }

  #take(line: ExportLine): void {
    switch (line.kind) {
      case 'header':
        this.#header = line.header
        this.#headCheck = new HeadCheck(line.header.agents, line.header.scope, this.#tools, this.#findings)
        if ((this.#tools.pinnedKeys ?? []).length === 0)
          this.#findings.notice(
            'keys-not-pinned',
            1,
            {},
            'keys are believed as the file gives them; compare them with what the agents print',
          )
        return
      case 'head':
        this.#heads++
        this.#headCheck.take(this.#line, line.bytes, line.signature)
        return
      case 'entry':
        this.#entries++
        this.#takeEntry(line.bytes, line.hash)
        return
      case 'end':
        this.#takeEnd(line)
        return
    }
  }

  #takeEntry(bytes: Uint8Array, stated: Uint8Array): void {
    const parsed = parseEntry(bytes)
    if (!parsed.ok) {
      const session = this.#current?.session
      const at = session === undefined ? {} : { session }
      this.#findings.problem('entry-malformed', this.#line, at, parsed.reason)
      return
    }
    const { session, seq } = parsed.value
    if (this.#current?.session !== session && !this.#beginSession(session, seq)) return
    this.#current?.take(this.#line, parsed.value, bytes, stated)
  }

  /** Sessions stand one after the other. False: the entry is of another session than those around it. */
  #beginSession(session: string, seq: number): boolean {
    const scope = this.#header?.scope
    if (scope?.kind === 'session' && scope.session !== session) {
      this.#findings.problem('session-out-of-scope', this.#line, { session, seq }, 'the file is of another session')
      return false
    }
    // A session that has begun stands in one piece; one that lacks its opening can only begin where another is complete.
    const isInterrupting = seq !== 0 && this.#current !== undefined && !this.#current.isComplete
    if (this.#seen.has(session) || isInterrupting) {
      this.#findings.problem(
        'session-spliced',
        this.#line,
        { session, seq },
        'the entry stands among those of another session',
      )
      return false
    }
    this.#endSession()
    this.#seen.add(session)
    const heads = this.#headCheck.bySession.get(session) ?? []
    this.#current = new SessionCheck(session, heads, this.#tools.sha256, this.#findings)
    return true
  }

  #endSession(): void {
    if (this.#current !== undefined) this.#sessions.push(this.#current.end())
    this.#current = undefined
  }

  #takeEnd(end: Extract<ExportLine, { kind: 'end' }>): void {
    const counted = { sessions: this.#seen.size, entries: this.#entries, heads: this.#heads }
    const isSame = end.sessions === counted.sessions && end.entries === counted.entries && end.heads === counted.heads
    if (!isSame)
      this.#findings.problem(
        'end-mismatch',
        this.#line,
        {},
        `the end counts ${end.sessions} sessions, ${end.entries} entries, ${end.heads} heads; the file has ${counted.sessions}, ${counted.entries}, ${counted.heads}`,
      )
    else if (end.digest !== this.#digest.hex())
      this.#findings.problem('end-mismatch', this.#line, {}, 'a line above is not the one that was exported')
  }

  /** Heads whose session is absent, though the scope says that it must be here. */
  #checkMissing(): void {
    const scope = this.#header?.scope
    if (scope?.kind === 'session' && !this.#seen.has(scope.session) && !this.#headCheck.bySession.has(scope.session))
      this.#findings.problem('session-missing', 1, { session: scope.session }, 'the session of this file is not in it')
    for (const [session, heads] of this.#headCheck.bySession) {
      if (this.#seen.has(session)) continue
      const expected = heads.find(
        ({ head }) =>
          scope?.kind === 'session' || (scope !== undefined && head.atMs >= scope.fromMs && head.atMs < scope.toMs),
      )
      if (expected !== undefined)
        this.#findings.problem(
          'session-missing',
          expected.line,
          { session },
          'a head signs this session, and none of its entries is here',
        )
    }
  }

  end(): ExportReport {
    this.#endSession()
    this.#checkMissing()
    if (this.#line === 0) this.#findings.problem('header-missing', 1, {}, 'the file is empty')
    else if (this.#part !== 'end')
      this.#findings.problem('end-missing', this.#line, {}, 'the file ends before its last line')
    const findings = this.#findings
    return {
      ok: findings.ok,
      installation: this.#header?.installation ?? null,
      exportedAtMs: this.#header?.exportedAtMs ?? null,
      scope: this.#header?.scope.kind ?? null,
      agents: this.#headCheck.report(),
      sessions: this.#sessions,
      entries: this.#entries,
      heads: this.#heads,
      problems: findings.problems,
      notices: findings.notices,
      findingsLeftOut: findings.leftOut,
    }
  }
}
