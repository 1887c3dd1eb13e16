// Which binding a pressed key means. Pure: sequences (`g a`), letters that are dead while someone types, and the switch
// that turns single characters off (WCAG 2.1.4).

export interface Binding {
  /** `j`, `?`, `g a`, `Enter`, `Escape`, `mod+k` (Control, or Command on a Mac). Letters are matched without Shift. */
  readonly keys: string
  /** What it does, as the help dialog says it. */
  readonly label: string
  readonly run: () => void
}

export interface Pressed {
  readonly key: string
  readonly mod: boolean
  readonly alt: boolean
  readonly atMs: number
  /** The focus is in a field that takes text or has keys of its own. */
  readonly typing: boolean
  /** The focus is on a link or button, which owns Enter and Space. */
  readonly onControl: boolean
}

/** The first half of a sequence, while the second is awaited. */
export type KeyState = { readonly prefix: string; readonly atMs: number } | null

/** Milliseconds between the two keys of a sequence. */
export const sequenceMsMax = 1_200

/** A printable character or a sequence of them: what the off switch silences. */
export const isCharacterKey = (keys: string): boolean => keys.split(' ').every((part) => [...part].length === 1)

function dead(keys: string, pressed: Pressed, charactersOn: boolean): boolean {
  if (keys.startsWith('mod+')) return false
  if (pressed.typing) return keys !== 'Escape'
  if (isCharacterKey(keys)) return !charactersOn
  return pressed.onControl && (keys === 'Enter' || keys === 'Space')
}

/** The next state and the binding to run. Later bindings win: a page's over the frame's. */
export function stepKeys(
  state: KeyState,
  pressed: Pressed,
  bindings: readonly Binding[],
  charactersOn: boolean,
): { readonly state: KeyState; readonly binding: Binding | null } {
  if (pressed.alt) return { state: null, binding: null }
  const key = pressed.key === ' ' ? 'Space' : pressed.key
  const alive = bindings.filter((binding) => !dead(binding.keys, pressed, charactersOn))
  const find = (keys: string) => alive.findLast((binding) => binding.keys === keys) ?? null
  if (pressed.mod) return { state: null, binding: find(`mod+${key.toLowerCase()}`) }
  const open = state !== null && pressed.atMs - state.atMs <= sequenceMsMax ? state.prefix : null
  const second = open === null ? null : find(`${open} ${key}`)
  if (second !== null) return { state: null, binding: second }
  if (alive.some((binding) => binding.keys.startsWith(`${key} `)))
    return { state: { prefix: key, atMs: pressed.atMs }, binding: null }
  return { state: null, binding: find(key) }
}
