// Text that came from outside, with every hidden character drawn as a mark, apart from the text around it. Text nodes only.
import { labelOf, visiblePieces } from '../util/visible.ts'

export function HiddenMark({ mark }: { readonly mark: string }) {
  return (
    <span
      title={labelOf(mark)}
      className="mx-px rounded-sm bg-deny-soft px-1 font-mono text-[0.85em] font-medium text-deny [unicode-bidi:isolate]"
    >
      {mark}
      <span className="sr-only"> {labelOf(mark)}</span>
    </span>
  )
}

/** `inOrder`: for names and code, drawn from left to right in the order of the characters whatever their script. */
export function VisibleText({ text, inOrder = false }: { readonly text: string; readonly inOrder?: boolean }) {
  return (
    <bdi className={inOrder ? 'in-order' : undefined}>
      {visiblePieces(text).map((piece, index) =>
        piece.mark === null ? (
          piece.text
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text never move
          <HiddenMark key={index} mark={piece.mark} />
        ),
      )}
    </bdi>
  )
}
