// The editor of documents: CodeMirror with our own colours, suggestions and underlines. Loaded only where it is used.
// Tab leaves it, as everywhere on the page.
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from '@codemirror/commands'
import { yaml } from '@codemirror/lang-yaml'
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language'
import { nextDiagnostic, previousDiagnostic, setDiagnostics } from '@codemirror/lint'
import { Compartment, EditorState } from '@codemirror/state'
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
  // The view outlives renders; what it calls is the newest.
  const latest = useRef(props)
  useEffect(() => {
    latest.current = props
  })
  useEffect(() => {
    if (host.current === null) return
    const made = makeView(emptyShadow(host.current), () => latest.current)
    view.current = made
    return () => {
      made.destroy()
      view.current = null
    }
  }, [])
  useEffect(() => {
    const current = view.current
    if (current === null || current.state.doc.toString() === props.value) return
    current.dispatch({ changes: { from: 0, to: current.state.doc.length, insert: props.value } })
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

function makeView(shadow: ShadowRoot, latest: () => YamlEditorProps): EditorView {
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
        if (update.docChanged) latest().onChange(update.state.doc.toString())
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
