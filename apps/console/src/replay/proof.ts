// Checks an exported session in the browser with the ledger's own verifier, and keeps the hash of each entry, so that what a
// page shows can be held against what the agent signed. The ledger asks for signatures at once and the browser answers
// later: each signature is checked as its line comes in, and the verifier then looks the answer up.
import { equalBytes, type Sha256, toHex } from '@sallyport/ledger/bytes'
import { canonicalBytes } from '@sallyport/ledger/canonical'
import { entryHash, firstPrevious, hashBytes } from '@sallyport/ledger/chain'
import type { Entry, Head } from '@sallyport/ledger/entry'
import { type ExportAgent, exportLineCharsMax, parseExportLine } from '@sallyport/ledger/export'
import { headMessage } from '@sallyport/ledger/head'
import type { ExportReport } from '@sallyport/ledger/report'
import { parseHead } from '@sallyport/ledger/shape'
import { createExportVerifier, type PinnedKey } from '@sallyport/ledger/verify'

/** Entries that are checked in a browser; a longer record needs the command line. */
export const proofEntriesMax = 2_000_000
/** Lines between two reports of progress. */
const linesPerProgress = 2_000

/** Ed25519 over the message; the key is SPKI, DER. False for anything that is not a good signature. */
export type CheckSignature = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => Promise<boolean>

export interface ProofTools {
  readonly sha256: Sha256
  readonly checkSignature: CheckSignature
  readonly pinnedKeys: readonly PinnedKey[]
  readonly progress: (entries: number) => void
}

/** What a check found. `hashes`: 32 bytes for each entry, in order; only to be trusted when the report is `ok`. */
export interface SessionProof {
  readonly report: ExportReport
  readonly hashes: Uint8Array
  readonly heads: readonly Head[]
  /** Statements that the entries tell of, to be held against the list that a page shows. */
  readonly statements: number
}

/** The record cannot be checked here: why, as a sentence's end. */
export class CannotCheck extends Error {
  override name = 'CannotCheck'
}

export async function proveSession(lines: AsyncIterable<string>, tools: ProofTools): Promise<SessionProof> {
  const checked = new Map<string, boolean>()
  const nameOf = (key: Uint8Array, message: Uint8Array, signature: Uint8Array): string =>
    `${toHex(key)} ${toHex(signature)} ${toHex(tools.sha256(message))}`
  const verifier = createExportVerifier({
    sha256: tools.sha256,
    verifySignature: (key, message, signature) => checked.get(nameOf(key, message, signature)) === true,
    pinnedKeys: tools.pinnedKeys,
  })
  const agents = new Map<string, ExportAgent>()
  const heads: Head[] = []
  const hashes = new HashList()
  let count = 0
  for await (const line of lines) {
    if (line.startsWith('{"agents":')) for (const agent of agentsOf(line)) agents.set(agent.id, agent)
    else if (line.startsWith('{"head":')) await checkHead(line)
    else if (line.startsWith('{"entry":')) hashes.add(line)
    verifier.line(line)
    count += 1
    if (count % linesPerProgress === 0) tools.progress(hashes.count)
  }
  return { report: verifier.end(), hashes: hashes.bytes(), heads, statements: hashes.statements.size }

  async function checkHead(line: string): Promise<void> {
    const parsed = parseExportLine(line)
    if (!parsed.ok || parsed.value.kind !== 'head') return
    const head = parseHead(parsed.value.bytes)
    const key = head.ok ? agents.get(head.value.agent)?.recordKey : undefined
    if (!head.ok || key === undefined) return
    const message = headMessage(parsed.value.bytes)
    const isGood = await tools.checkSignature(key, message, parsed.value.signature)
    checked.set(nameOf(key, message, parsed.value.signature), isGood)
    if (isGood) heads.push(head.value)
  }
}

function agentsOf(line: string): readonly ExportAgent[] {
  const parsed = parseExportLine(line)
  return parsed.ok && parsed.value.kind === 'header' ? parsed.value.header.agents : []
}

/** Hashes as the lines state them: canonical lines end in `"hash":"<64 hex digits>"}`. */
class HashList {
  count = 0
  readonly statements = new Set<number>()
  #bytes = new Uint8Array(hashBytes * 1_024)

  add(line: string): void {
    if (this.count >= proofEntriesMax)
      throw new CannotCheck(`the record has more than ${proofEntriesMax} entries; check the exported file instead`)
    const at = this.count * hashBytes
    if (at === this.#bytes.length) {
      const more = new Uint8Array(this.#bytes.length * 2)
      more.set(this.#bytes)
      this.#bytes = more
    }
    for (let index = 0; index < hashBytes; index++) {
      const digits = line.length - 66 + index * 2
      this.#bytes[at + index] = Number.parseInt(line.slice(digits, digits + 2), 16)
    }
    this.count += 1
    // Quotes of a recorded text are escaped once more than those of its field, so a text cannot look like one.
    const statement = /\\"statement\\":(\d+)/.exec(line)?.[1]
    if (statement !== undefined) this.statements.add(Number(statement))
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.count * hashBytes)
  }
}

/** Lines of a stream of bytes, without their newlines. Bytes that are no UTF-8 become marks, and then do not verify. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let rest = ''
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop() ?? ''
    // The verifier refuses such a line; it is not gathered without an end only to hear that.
    if (rest.length > exportLineCharsMax) throw new CannotCheck('a line of the exported record does not end')
    yield* parts
  }
  rest += decoder.decode()
  if (rest !== '') yield rest
}

export type EntryStanding = 'proven' | 'differs' | 'newer'

/** Is the entry that a page shows the one that was signed? `newer`: the proof does not reach it. */
export function standingOf(sha256: Sha256, proof: SessionProof, session: string, entry: Entry): EntryStanding {
  const at = entry.seq * hashBytes
  if (at >= proof.hashes.length) return 'newer'
  if (entry.session !== session) return 'differs'
  const previous = entry.seq === 0 ? firstPrevious(sha256, session) : proof.hashes.subarray(at - hashBytes, at)
  const computed = entryHash(sha256, entry.seq, previous, canonicalBytes(entry))
  return equalBytes(computed, proof.hashes.subarray(at, at + hashBytes)) ? 'proven' : 'differs'
}

/** The first head that covers the entry; heads are in the order in which they were signed. */
export const headOver = (heads: readonly Head[], seq: number): Head | null =>
  heads.find((head) => head.seq >= seq) ?? null

/** Hex of an entry's hash; null past the proof. */
export const hashOf = (proof: SessionProof, seq: number): string | null =>
  (seq + 1) * hashBytes > proof.hashes.length
    ? null
    : toHex(proof.hashes.subarray(seq * hashBytes, (seq + 1) * hashBytes))
