// A secret is a type that cannot be printed: every way to turn it into text gives "[secret]".
// Only `reveal()` gives the value, and only the code that must send it calls that.

const shown = '[secret]'

/** Holds a credential or token. Never logs, serialises or inspects to its value. */
export class Secret {
  readonly #value: string
  constructor(value: string) {
    this.#value = value
  }
  /** The value itself. Call it at the last moment and never keep the result. */
  reveal(): string {
    return this.#value
  }
  toString(): string {
    return shown
  }
  toJSON(): string {
    return shown
  }
  [Symbol.toPrimitive](): string {
    return shown
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return shown
  }
}
