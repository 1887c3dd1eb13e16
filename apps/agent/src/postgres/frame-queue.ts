// Whole messages of a client that wait for their turn, in order. An empty one keeps nothing of what was read.
import type { Frame } from '@sallyport/wire/postgres/frames'

const none: readonly Frame[] = []

export class FrameQueue {
  #frames = none
  #at = 0

  get length(): number {
    return this.#frames.length - this.#at
  }

  /** Of their bodies. */
  get bytes(): number {
    return this.#frames.slice(this.#at).reduce((sum, { body }) => sum + body.length, 0)
  }

  get first(): Frame | undefined {
    return this.#frames[this.#at]
  }

  put(frames: readonly Frame[]): void {
    this.#frames = this.length === 0 ? frames : [...this.#frames.slice(this.#at), ...frames]
    this.#at = 0
  }

  /** Takes the first away. */
  shift(): void {
    this.#at += 1
    if (this.#at < this.#frames.length) return
    // They are views of what was read.
    this.#frames = none
    this.#at = 0
  }
}
