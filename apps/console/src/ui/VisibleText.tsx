// Text that came from outside, with every hidden character drawn as a mark. Text nodes only.
import { visiblePieces } from '../util/visible.ts'

export function VisibleText({ text }: { readonly text: string }) {
  return (
    <>
      {visiblePieces(text).map((piece, index) =>
        piece.mark === null ? (
          piece.text
        ) : (
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text never move
            key={index}
            className="mx-px rounded bg-deny-soft px-1 font-mono text-[0.85em] text-deny"
            title="a character that does not show"
          >
            {piece.mark}
          </span>
        ),
      )}
    </>
  )
}
