// A worker's end of the pipe: it writes a question and reads until the answer is there, and does nothing else meanwhile. A primary
// that is gone answers nothing, and a worker without one ends.
import { readSync, writeSync } from 'node:fs'
import { assert } from '@sallyport/base/assert'
import { SallyportError } from '@sallyport/base/errors'
import {
  type Answers,
  messageBytesMax,
  messageKinds,
  packed,
  type Question,
  type QuestionOf,
  type Told,
  type Written,
} from './question.ts'

export interface Asking {
  ask<K extends Question['kind']>(question: QuestionOf<K>): Answers[K]
  tell(told: Told): void
  /** Whole frames, all written when it returns, or none. */
  write(frames: readonly Buffer[]): Written
}

/** `lost` must not return: there is nobody to ask any more. */
export function openAsking(descriptor: number, lost: () => never): Asking {
  const send = (message: Buffer): void => {
    // Whoever asked gets no answer then, and nobody else loses theirs.
    if (message.length > messageBytesMax)
      throw new SallyportError('INTERNAL', 'a question that is longer than any may be')
    try {
      let written = 0
      while (written < message.length) written += writeSync(descriptor, message, written)
    } catch {
      lost()
    }
  }
  const received = Buffer.allocUnsafeSlow(65_536)
  const fill = (into: Buffer): void => {
    let read = 0
    while (read < into.length) {
      const more = readOr(descriptor, into, read)
      if (more === 0) lost()
      read += more
    }
  }
  // Of any, as JSON is: what it is, the primary and this file agree on.
  const answer = () => {
    const header = received.subarray(0, 4)
    fill(header)
    const length = header.readUInt32BE(0)
    assert(length <= messageBytesMax, 'the primary sends an answer that is none')
    const text = length <= received.length ? received.subarray(0, length) : Buffer.allocUnsafe(length)
    fill(text)
    return JSON.parse(text.toString('utf8'))
  }
  const json = (value: unknown): Buffer[] => [Buffer.from(JSON.stringify(value))]
  return {
    ask(question) {
      send(packed(messageKinds.question, json(question)))
      return answer()
    },
    tell: (told) => send(packed(messageKinds.told, json(told))),
    write(frames) {
      send(packed(messageKinds.entries, frames))
      return answer()
    },
  }
}

/** 0 at the end of the pipe, however it ended. */
function readOr(descriptor: number, into: Buffer, at: number): number {
  try {
    return readSync(descriptor, into, at, into.length - at, null)
  } catch (thrown) {
    const isInterrupted = thrown instanceof Error && 'code' in thrown && thrown.code === 'EINTR'
    return isInterrupted ? readOr(descriptor, into, at) : 0
  }
}
