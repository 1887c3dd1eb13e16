// Colours of YAML by its syntax tree. The three effects have their own, because they are what a policy is about.
import { syntaxTree } from '@codemirror/language'
import type { Range } from '@codemirror/state'
import { Decoration, type DecorationSet, type EditorView, ViewPlugin, type ViewUpdate } from '@codemirror/view'

const mark = (name: string): Decoration => Decoration.mark({ class: name })
const marks = {
  key: mark('y-key'),
  text: mark('y-text'),
  quoted: mark('y-quoted'),
  atom: mark('y-atom'),
  comment: mark('y-comment'),
  mark: mark('y-mark'),
  allow: mark('y-allow'),
  hold: mark('y-hold'),
  deny: mark('y-deny'),
} as const

function markOf(name: string, text: string): Decoration | null {
  switch (name) {
    case 'Key':
      return marks.key
    case 'QuotedLiteral':
    case 'BlockLiteralContent':
      return marks.quoted
    case 'Comment':
      return marks.comment
    case 'Literal':
      if (text === 'allow' || text === 'hold' || text === 'deny') return marks[text]
      return /^(?:true|false|null|-?[0-9][0-9.]*[smhd]?)$/.test(text) ? marks.atom : marks.text
    case 'BlockLiteralHeader':
    case 'DirectiveEnd':
    case '-':
    case ':':
    case ',':
    case '[':
    case ']':
    case '{':
    case '}':
      return marks.mark
    default:
      return null
  }
}

function decorationsOf(view: EditorView): DecorationSet {
  const ranges: Range<Decoration>[] = []
  for (const { from, to } of view.visibleRanges)
    syntaxTree(view.state).iterate({
      from,
      to,
      enter: (node) => {
        const decoration = node.from === node.to ? null : markOf(node.name, view.state.sliceDoc(node.from, node.to))
        if (decoration !== null) ranges.push(decoration.range(node.from, node.to))
        // What is inside a key is the key's.
        return node.name !== 'Key'
      },
    })
  return Decoration.set(ranges, true)
}

class Highlighter {
  decorations: DecorationSet
  constructor(view: EditorView) {
    this.decorations = decorationsOf(view)
  }
  update(update: ViewUpdate): void {
    const isParsed = syntaxTree(update.state) !== syntaxTree(update.startState)
    if (update.docChanged || update.viewportChanged || isParsed) this.decorations = decorationsOf(update.view)
  }
}

export const highlight = ViewPlugin.fromClass(Highlighter, { decorations: (plugin) => plugin.decorations })
