// Keys as they are printed on a keyboard. Decoration for the eye: what a key does is said in words beside it.
const words: Readonly<Record<string, string>> = {
  Enter: '↵',
  Escape: 'Esc',
  ArrowDown: '↓',
  ArrowUp: '↑',
  ArrowLeft: '←',
  ArrowRight: '→',
}
const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent)
const wordOf = (key: string): string => words[key] ?? key

export function Keycap({ keys }: { readonly keys: string }) {
  const parts = keys.replace('mod+', isMac ? '⌘ ' : 'Ctrl ').split(' ')
  return (
    <span className="inline-flex items-center gap-1">
      {parts.map((part) => (
        <kbd
          key={part}
          className="inline-flex min-w-5 items-center justify-center rounded border border-current/25 px-1 font-sans text-[11px] leading-[1.125rem] font-medium"
        >
          {wordOf(part)}
        </kbd>
      ))}
    </span>
  )
}
