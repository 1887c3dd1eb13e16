// The editor of documents: CodeMirror with our own colours, suggestions and underlines. Loaded only where it is used.
// Tab leaves it, as everywhere on the page.
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from '@codemirror/commands'
import { yaml } from '@codemirror/lang-yaml'
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language'
import { nextDiagnostic, previousDiagnostic, setDiagnostics } from '@codemirror/lint'
import { Compartment, EditorState, Transaction } from '@codemirror/state'
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from '@codemirror/view'
import { type Ref, useEffect, useImperativeHandle, useRef } from 'react'
import type { KnownNames } from '../complete.ts'
import type { PlacedProblem } from '../problem-place.ts'
import { highlight } from './highlight.ts'
import { emptyShadow } from './shadow.ts'
import { suggestions } from './suggest.ts'
import { theme } from './theme.ts'

export interface YamlEditorControl {
  /** Puts the cursor at an offset and shows it. */
  readonly goTo: (offset: number) => void
  readonly nextProblem: () => void
}

interface YamlEditorProps {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly isReadOnly: boolean
  readonly problems: readonly PlacedProblem[]
  readonly names: KnownNames
  readonly onSave: () => void
  readonly ref?: Ref<YamlEditorControl>
}

const writable = new Compartment()
const writableOf = (isReadOnly: boolean) => [EditorState.readOnly.of(isReadOnly), EditorView.editable.of(!isReadOnly)]

export function YamlEditor(props: YamlEditorProps) {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | null>(null)
  const told = useRef<string[]>([])
  // The view outlives renders; what it calls is the newest.
  const latest = useRef(props)
  useEffect(() => {
    latest.current = props
  })
  useEffect(() => {
    if (host.current === null) return
    const made = makeView(emptyShadow(host.current), () => latest.current, told.current)
    view.current = made
    return () => {
      made.destroy()
      view.current = null
    }
  }, [])
  useEffect(() => {
    const current = view.current
    // Renders lag behind fast typing: a text that the editor told of itself must not come back over a newer one.
    if (current === null || takeTold(told.current, props.value) || current.state.doc.toString() === props.value) return
    const changes = { from: 0, to: current.state.doc.length, insert: props.value }
    current.dispatch({ changes, annotations: Transaction.remote.of(true) })
  }, [props.value])
  useEffect(() => {
    view.current?.dispatch({ effects: writable.reconfigure(writableOf(props.isReadOnly)) })
  }, [props.isReadOnly])
  useEffect(() => {
    if (view.current !== null) showProblems(view.current, props.problems)
  }, [props.problems])
  useImperativeHandle(props.ref, () => ({
    goTo: (offset) => {
      const current = view.current
      if (current === null) return
      const anchor = Math.min(offset, current.state.doc.length)
      current.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: 'center' }) })
      current.focus()
    },
    nextProblem: () => {
      if (view.current === null) return
      nextDiagnostic(view.current)
      view.current.focus()
    },
  }))
  return (
    // Letters typed here are no shortcuts: the page sees the host of the shadow root, which is no text field.
    // biome-ignore lint/a11y/noStaticElementInteractions: the text field is inside
    <div ref={host} className="h-full min-h-0" onKeyDown={(event) => event.stopPropagation()} />
  )
}

/** Texts that the page has not rendered yet. */
const toldMax = 100

/** Was this text told by the editor? Then it and all before it are done with. */
function takeTold(told: string[], text: string): boolean {
  const at = told.lastIndexOf(text)
  if (at === -1) return false
  told.splice(0, at + 1)
  return true
}

function makeView(shadow: ShadowRoot, latest: () => YamlEditorProps, told: string[]): EditorView {
  const { value, isReadOnly, label } = latest()
  const keys = [
    {
      key: 'Mod-s',
      run: () => {
        latest().onSave()
        return true
      },
    },
    { key: 'F8', run: nextDiagnostic },
    { key: 'Shift-F8', run: previousDiagnostic },
    { key: 'Mod-]', run: indentMore },
    { key: 'Mod-[', run: indentLess },
  ]
  const state = EditorState.create({
    doc: value,
    extensions: [
      lineNumbers(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      history(),
      drawSelection(),
      EditorView.lineWrapping,
      indentUnit.of('  '),
      indentOnInput(),
      bracketMatching(),
      yaml(),
      highlight,
      theme,
      suggestions(() => latest().names),
      keymap.of([...keys, ...defaultKeymap, ...historyKeymap]),
      writable.of(writableOf(isReadOnly)),
      EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', tabindex: '0' }),
      EditorView.updateListener.of((update) => {
        // What the page put in, it knows.
        if (!update.docChanged || update.transactions.some((one) => one.annotation(Transaction.remote))) return
        const text = update.state.doc.toString()
        told.push(text)
        if (told.length > toldMax) told.shift()
        latest().onChange(text)
      }),
    ],
  })
  const view = new EditorView({ state, parent: shadow, root: shadow })
  showProblems(view, latest().problems)
  return view
}

function showProblems(view: EditorView, problems: readonly PlacedProblem[]): void {
  const { length } = view.state.doc
  // The text may have gone on while the answer was under way.
  const diagnostics = problems.map((problem) => ({
    from: Math.min(problem.from, length),
    to: Math.min(Math.max(problem.to, problem.from), length),
    severity: 'error' as const,
    message: problem.message,
  }))
  view.dispatch(setDiagnostics(view.state, diagnostics))
}
