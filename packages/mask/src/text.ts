// Bytes of a text value and back. A value that is not valid UTF-8 has no text: it is hidden whole.
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const utf8 = (text: string): Uint8Array => encoder.encode(text)

/** For texts of ours, which are ASCII and therefore the same in every server encoding. */
export const ascii = utf8

/** The text of a value, or null when the bytes are not valid UTF-8. */
export function textOf(value: Uint8Array): string | null {
  try {
    return decoder.decode(value)
  } catch {
    return null
  }
}
