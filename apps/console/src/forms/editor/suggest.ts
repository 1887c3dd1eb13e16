// The list of suggestions under the cursor: opens while a word is typed or by Ctrl-Space, arrows choose, Enter and Tab
// take, Escape closes. What is suggested is decided by complete.ts.
import { EditorSelection, type Extension, Prec, StateEffect, StateField, type Transaction } from '@codemirror/state'
import { type Command, EditorView, type KeyBinding, keymap, showTooltip, type Tooltip } from '@codemirror/view'
import { type Completion, completionsAt, type KnownNames } from '../complete.ts'

interface Open {
  readonly completion: Completion
  readonly selected: number
}

const openAt = StateEffect.define<Completion>()
const select = StateEffect.define<number>()
const close = StateEffect.define<null>()

export function suggestions(names: () => KnownNames): Extension {
  const look: Look = (state) => completionsAt(state.doc.toString(), state.selection.main.head, names())
  const open = StateField.define<Open | null>({
    create: () => null,
    update: (value, transaction) => stepOf(value, transaction, look),
    provide: (field) => [
      showTooltip.from(field, (value) => (value === null ? null : tooltipOf(value, take))),
      EditorView.contentAttributes.from(field, (value) => attributesOf(value)),
    ],
  })
  const take: Take = (view, index) => {
    const value = view.state.field(open)
    const option = value?.completion.options[index]
    if (value === null || option === undefined) return false
    const { from } = value.completion
    view.dispatch({
      changes: { from, to: view.state.selection.main.head, insert: option.insert },
      selection: EditorSelection.cursor(from + option.insert.length),
      effects: close.of(null),
      userEvent: 'input.complete',
      scrollIntoView: true,
    })
    view.focus()
    return true
  }
  const closeOnBlur = EditorView.domEventHandlers({
    blur: (_, view) => {
      if (view.state.field(open) !== null) view.dispatch({ effects: close.of(null) })
    },
  })
  return [open, Prec.highest(keymap.of(keysOf(open, take, look))), closeOnBlur]
}

type Look = (state: Transaction['state']) => Completion | null
type Take = (view: EditorView, index: number) => boolean

function keysOf(open: StateField<Open | null>, take: Take, look: Look): readonly KeyBinding[] {
  const step =
    (by: number): Command =>
    (view) => {
      const value = view.state.field(open)
      if (value === null) return false
      const count = value.completion.options.length
      view.dispatch({ effects: select.of((value.selected + by + count) % count) })
      return true
    }
  const takeSelected: Command = (view) => {
    const value = view.state.field(open)
    return value !== null && take(view, value.selected)
  }
  return [
    { key: 'ArrowDown', run: step(1) },
    { key: 'ArrowUp', run: step(-1) },
    { key: 'Enter', run: takeSelected },
    { key: 'Tab', run: takeSelected },
    {
      key: 'Escape',
      run: (view: EditorView) => {
        if (view.state.field(open) === null) return false
        view.dispatch({ effects: close.of(null) })
        return true
      },
    },
    {
      key: 'Ctrl-Space',
      run: (view: EditorView) => {
        const completion = look(view.state)
        if (completion !== null) view.dispatch({ effects: openAt.of(completion) })
        return true
      },
    },
  ]
}

function stepOf(value: Open | null, transaction: Transaction, look: Look): Open | null {
  for (const effect of transaction.effects) {
    if (effect.is(close)) return null
    if (effect.is(openAt)) return { completion: effect.value, selected: 0 }
    if (effect.is(select) && value !== null) return { ...value, selected: effect.value }
  }
  if (transaction.docChanged) {
    const isTyped = transaction.isUserEvent('input.type')
    const isErased = value !== null && transaction.isUserEvent('delete')
    if (!(isErased || (isTyped && opensBehind(transaction)))) return null
    const completion = look(transaction.state)
    return completion === null ? null : { completion, selected: 0 }
  }
  return transaction.selection === undefined ? value : null
}

/** A word, the space behind a colon, and what opens or goes on in brackets. A new line alone does not: Enter must stay Enter. */
function opensBehind({ state }: Transaction): boolean {
  const head = state.selection.main.head
  return /(?:[\w-]|: |[[{,] ?|- )$/.test(state.sliceDoc(Math.max(0, head - 2), head))
}

const listId = 'suggestions'
const optionId = (index: number): string => `suggestion-${index}`

function attributesOf(value: Open | null): Record<string, string> {
  const always = { 'aria-autocomplete': 'list', 'aria-haspopup': 'listbox' }
  return value === null
    ? always
    : { ...always, 'aria-controls': listId, 'aria-activedescendant': optionId(value.selected) }
}

function tooltipOf(value: Open, take: Take): Tooltip {
  return {
    pos: value.completion.from,
    create: (view) => ({ dom: listOf(value, (index) => take(view, index)) }),
  }
}

function listOf({ completion, selected }: Open, take: (index: number) => void): HTMLElement {
  const list = document.createElement('ul')
  list.className = 'y-options'
  list.id = listId
  list.setAttribute('role', 'listbox')
  list.setAttribute('aria-label', 'Suggestions')
  for (const [index, option] of completion.options.entries()) {
    const item = document.createElement('li')
    item.id = optionId(index)
    item.setAttribute('role', 'option')
    item.setAttribute('aria-selected', String(index === selected))
    item.append(span('y-label', option.label), span('y-about', option.about))
    // Before the click takes the focus away.
    item.addEventListener('mousedown', (event) => {
      event.preventDefault()
      take(index)
    })
    list.append(item)
  }
  queueMicrotask(() => list.children[selected]?.scrollIntoView({ block: 'nearest' }))
  return list
}

function span(name: string, text: string): HTMLElement {
  const element = document.createElement('span')
  element.className = name
  element.textContent = text
  return element
}
