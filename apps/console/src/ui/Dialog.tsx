// A question above the page. The browser's own modal dialog: focus stays inside and comes back, Escape closes, the rest is
// inert, and nothing is styled by injected style sheets, which the content policy forbids.
import { X } from 'lucide-react'
import { type ReactNode, useEffect, useId, useRef } from 'react'

interface DialogProps {
  readonly open: boolean
  readonly onClose: () => void
  readonly title: string
  /** One sentence under the title: what is asked, or what this is for. */
  readonly lead?: ReactNode
  /** Buttons, the main one last. */
  readonly actions?: ReactNode
  readonly wide?: boolean
  readonly children?: ReactNode
}

export function Dialog(props: DialogProps) {
  return props.open ? <OpenDialog {...props} /> : null
}

function OpenDialog({ onClose, title, lead, actions, wide = false, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const opener = document.activeElement
    dialog.current?.showModal()
    // What is to be chosen or written first; else the dialog itself, so that its title is read first and no button looks chosen.
    const field = dialog.current?.querySelector<HTMLElement>(
      '[data-first], input:not([type=checkbox], [type=radio]), textarea',
    )
    const first = field ?? dialog.current
    first?.focus()
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
    }
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes; the click on the backdrop is the pointer's way
    <dialog
      ref={dialog}
      tabIndex={-1}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose()
      }}
      className={`m-auto max-h-[min(85dvh,46rem)] w-[calc(100vw-2rem)] overflow-hidden rounded-2xl border border-line bg-surface p-0 text-ink shadow-float outline-none backdrop:bg-black/45 ${wide ? 'max-w-2xl' : 'max-w-lg'}`}
    >
      <div className="flex max-h-[min(85dvh,46rem)] flex-col">
        <header className="flex items-start gap-3 px-6 pt-5 pb-3">
          <div className="min-w-0 grow">
            <h2 id={id} className="text-lg font-semibold tracking-tight text-balance">
              {title}
            </h2>
            {lead === undefined ? null : <div className="mt-0.5 text-ink-2">{lead}</div>}
          </div>
          <button
            type="button"
            aria-label="Close"
            onClick={onClose}
            className="-mr-2 rounded-lg p-2 text-ink-3 hover:bg-surface-2 hover:text-ink"
          >
            <X aria-hidden size={18} />
          </button>
        </header>
        <div className="min-h-0 grow overflow-y-auto px-6 pt-1 pb-5">{children}</div>
        {actions === undefined ? null : (
          <footer className="flex flex-wrap justify-end gap-2 border-t border-line bg-canvas px-6 py-3">
            {actions}
          </footer>
        )}
      </div>
    </dialog>
  )
}
