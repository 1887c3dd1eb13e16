// A rule or a mask as a sentence, names and conditions set apart.
import { VisibleText } from '../ui/VisibleText.tsx'
import type { Piece } from './sentences.ts'

export function Sentence({ pieces }: { readonly pieces: readonly Piece[] }) {
  return (
    <p className="max-w-prose text-pretty">
      {pieces.map((piece, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one sentence never move
        <PieceText key={index} piece={piece} />
      ))}
    </p>
  )
}

function PieceText({ piece }: { readonly piece: Piece }) {
  switch (piece.kind) {
    case 'text':
      return <VisibleText text={piece.text} />
    case 'name':
      return (
        <span className="font-medium [overflow-wrap:anywhere]">
          <VisibleText text={piece.text} />
        </span>
      )
    case 'code':
      return (
        <code className="rounded bg-surface-2 px-1 py-0.5 font-mono text-[0.9em] [overflow-wrap:anywhere]">
          <VisibleText text={piece.text} />
        </code>
      )
  }
}
