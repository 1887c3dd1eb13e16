// Short messages about what just happened, announced politely; errors stay until they are closed.
import { X } from 'lucide-react'
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react'

interface Message {
  readonly id: number
  readonly tone: 'done' | 'failed'
  readonly text: string
}
type Say = (tone: Message['tone'], text: string) => void

const shownMs = 6_000
const messagesMax = 4
const Context = createContext<Say>(() => {})
export const useToast = (): Say => useContext(Context)

let lastId = 0
export function ToastProvider({ children }: { readonly children: ReactNode }) {
  const [messages, setMessages] = useState<readonly Message[]>([])
  const close = useCallback((id: number) => setMessages((all) => all.filter((message) => message.id !== id)), [])
  const say = useCallback<Say>(
    (tone, text) => {
      lastId += 1
      const id = lastId
      setMessages((all) => [...all, { id, tone, text }].slice(-messagesMax))
      if (tone === 'done') setTimeout(() => close(id), shownMs)
    },
    [close],
  )
  const value = useMemo(() => say, [say])
  return (
    <Context.Provider value={value}>
      {children}
      <div
        aria-live="polite"
        className="pointer-events-none fixed right-4 bottom-4 z-50 flex w-[min(24rem,calc(100vw-2rem))] flex-col gap-2"
      >
        {messages.map((message) => (
          <div
            key={message.id}
            className={`pointer-events-auto flex items-start gap-3 rounded-lg border bg-surface p-3 shadow-card ${message.tone === 'failed' ? 'border-deny text-deny' : 'border-line'}`}
          >
            <p className="grow">{message.text}</p>
            <button
              type="button"
              aria-label="Close"
              onClick={() => close(message.id)}
              className="rounded p-1 text-ink-3 hover:text-ink"
            >
              <X aria-hidden size={16} />
            </button>
          </div>
        ))}
      </div>
    </Context.Provider>
  )
}
