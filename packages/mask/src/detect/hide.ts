// Puts masks in the place of findings. Between findings a text stays as it is, letter for letter.

import type { KeyedHash } from '../replace.ts'
import { maskText } from '../replace-text.ts'
import type { DetectorName, MaskMethod } from '../rule.ts'
import { textOf, utf8 } from '../text.ts'
import { allDetectors, DetectorStream, detect, type Finding } from './detect.ts'

/** What stands in the place of one finding. */
export type Hide = (value: string, finding: Finding) => string

/** The text mask of a method for findings; `null` leaves nothing in their place. */
/** Whoever asks for a constant sees what a detector makes of it: that is no pseudonym of a column. Text holds no NUL. */
const ofDetectors = utf8('detector\0')

export function hideBy(method: MaskMethod, hash: KeyedHash): Hide {
  const mask = maskText({ method, format: 0, hash: (value) => hash(Buffer.concat([ofDetectors, value])) })
  return (value) => {
    const masked = mask(utf8(value))
    return masked === null ? '' : (textOf(masked) ?? '')
  }
}

/** The text with every finding hidden, and how many there were. */
export function hideIn(
  text: string,
  hide: Hide,
  kinds: ReadonlySet<DetectorName> = allDetectors,
): { readonly text: string; readonly count: number } {
  const findings = detect(text, kinds)
  return findings.length === 0
    ? { text, count: 0 }
    : { text: replaceIn(text, 0, findings, hide), count: findings.length }
}

/** The same for a row of COPY: an escape (COPY, "Text Format") is no letter beside what it parts. */
export function hideInRow(text: string, hide: Hide, kinds: ReadonlySet<DetectorName>): string {
  const findings = detect(text.replace(/\\[bfnrtv]/g, '  '), kinds)
  return findings.length === 0 ? text : replaceIn(text, 0, findings, hide)
}

/** A text in chunks, each answered with what may go on. The end has to be asked for, or the last piece is lost. */
export interface HidingStream {
  push(chunk: string): string
  end(): string
  /** Findings so far. */
  readonly count: number
}

export function hidingStream(hide: Hide, kinds: ReadonlySet<DetectorName> = allDetectors): HidingStream {
  const stream = new DetectorStream(kinds)
  let held = ''
  let base = 0
  let count = 0
  const release = ({ findings, settled }: { findings: readonly Finding[]; settled: number }): string => {
    const released = replaceIn(held.slice(0, settled - base), base, findings, hide)
    held = held.slice(settled - base)
    base = settled
    count += findings.length
    return released
  }
  return {
    push(chunk) {
      held += chunk
      return release(stream.push(chunk))
    },
    end: () => release(stream.end()),
    get count() {
      return count
    },
  }
}

function replaceIn(text: string, base: number, findings: readonly Finding[], hide: Hide): string {
  let hidden = ''
  let from = 0
  for (const finding of findings) {
    hidden +=
      text.slice(from, finding.start - base) + hide(text.slice(finding.start - base, finding.end - base), finding)
    from = finding.end - base
  }
  return hidden + text.slice(from)
}
