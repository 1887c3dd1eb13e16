// The keyboard layer: pages say which keys they know, one listener finds the binding, `?` shows them all.
// Letters are silent while someone types, inside dialogs, and for those who switched them off.
import { useEffect, useRef, useSyncExternalStore } from 'react'
import { type Binding, type KeyState, stepKeys } from '../util/keys.ts'
import { createStore } from '../util/store.ts'
import { Dialog } from './Dialog.tsx'
import { Keycap } from './Keycap.tsx'

interface Layer {
  readonly group: string
  bindings: readonly Binding[]
}

const storageKey = 'sallyport-keys'
const layers = createStore<readonly Layer[]>([])
const charactersOn = createStore(localStorage.getItem(storageKey) !== 'off')

export function setCharacterKeys(on: boolean): void {
  localStorage.setItem(storageKey, on ? 'on' : 'off')
  charactersOn.set(on)
}
export const useCharacterKeys = (): boolean => useSyncExternalStore(charactersOn.subscribe, charactersOn.get)

/** Makes these keys work while the component is shown. `group` is their heading in the help dialog. */
export function useKeys(group: string, bindings: readonly Binding[]): void {
  const layer = useRef<Layer>({ group, bindings })
  useEffect(() => {
    layer.current.bindings = bindings
  })
  useEffect(() => {
    const mine = layer.current
    layers.set([...layers.get(), mine])
    return () => layers.set(layers.get().filter((each) => each !== mine))
  }, [])
}

const fields = 'textarea, select, [contenteditable="true"], input:not([type=checkbox], [type=radio], [type=button])'
const controls = 'a, button, summary, input, [role="button"], [role="tab"], [role="slider"], [role="option"]'

function pressedOf(event: KeyboardEvent) {
  const at = event.target instanceof Element ? event.target : null
  return {
    key: event.key,
    mod: event.metaKey || event.ctrlKey,
    alt: event.altKey,
    atMs: event.timeStamp,
    typing: at?.closest(fields) !== null && at !== null,
    onControl: at?.closest(controls) !== null && at !== null,
  }
}

/** The one listener; the signed-in frame installs it. */
export function useKeyListener(): void {
  useEffect(() => {
    let state: KeyState = null
    const listen = (event: KeyboardEvent) => {
      // A key held down is one press: it must not confirm what it has just armed.
      if (event.defaultPrevented || event.isComposing || event.repeat) return
      // An open dialog has the keyboard to itself.
      if (document.querySelector('dialog[open]') !== null) return
      const bindings = layers.get().flatMap((layer) => layer.bindings)
      const stepped = stepKeys(state, pressedOf(event), bindings, charactersOn.get())
      state = stepped.state
      if (stepped.binding === null) return
      event.preventDefault()
      stepped.binding.run()
    }
    window.addEventListener('keydown', listen)
    return () => window.removeEventListener('keydown', listen)
  }, [])
}

export function KeyHelp({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }) {
  const shown = useSyncExternalStore(layers.subscribe, layers.get)
  return (
    <Dialog open={open} onClose={onClose} title="Keyboard shortcuts" wide actions={<CharacterKeys />}>
      <div className="gap-x-8 sm:columns-2">
        {shown.toReversed().map((layer) =>
          layer.bindings.length === 0 ? null : (
            <section key={layer.group} className="mb-5 break-inside-avoid">
              <h3 className="mb-1.5 text-sm font-semibold">{layer.group}</h3>
              <dl>
                {layer.bindings.map((binding) => (
                  <div key={binding.keys} className="flex items-center justify-between gap-4 py-1">
                    <dt className="text-ink-2">{binding.label}</dt>
                    <dd>
                      <Keycap keys={binding.keys} />
                    </dd>
                  </div>
                ))}
              </dl>
            </section>
          ),
        )}
      </div>
    </Dialog>
  )
}

function CharacterKeys() {
  const on = useCharacterKeys()
  return (
    <label className="mr-auto flex min-h-9 items-center gap-3">
      <input
        type="checkbox"
        className="size-4 accent-accent"
        checked={on}
        onChange={(event) => setCharacterKeys(event.target.checked)}
      />
      <span>
        Single-letter shortcuts
        <span className="block text-xs text-ink-3">
          Switch them off if a screen reader or speech input types letters for you.
        </span>
      </span>
    </label>
  )
}
