// The inspector on a narrow page: a dialog over the list, opened by choosing a statement. Closing it leads back to the row.
import { X } from 'lucide-react'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import type { Cursor } from './usePlayer.ts'

export function NarrowSheet({ cursor, children }: { readonly cursor: Cursor; readonly children: ReactNode }) {
  const [closedAt, setClosedAt] = useState(cursor.isChosen ? -1 : cursor.moves)
  const isOpen = cursor.isChosen && cursor.moves !== closedAt
  if (!isOpen) return null
  return <Sheet onClose={() => setClosedAt(cursor.moves)}>{children}</Sheet>
}

function Sheet({ onClose, children }: { readonly onClose: () => void; readonly children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes; the click on the backdrop is the pointer's way
    <dialog
      ref={dialog}
      aria-label="Statement in full"
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose()
      }}
      className="mt-auto mb-0 h-[82dvh] max-h-none w-full max-w-none overflow-hidden rounded-t-2xl border-t border-line bg-surface p-0 text-ink shadow-float backdrop:bg-black/45"
    >
      <div className="flex h-full flex-col">
        <button
          type="button"
          onClick={onClose}
          className="flex min-h-11 shrink-0 items-center justify-center gap-1.5 border-b border-line text-[13px] font-medium text-ink-2 -outline-offset-4"
        >
          <X aria-hidden size={16} />
          Back to the list
        </button>
        {children}
      </div>
    </dialog>
  )
}
