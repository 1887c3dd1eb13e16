// A SHA-256 fingerprint in groups of four, which people compare; it is copied without the gaps.
import { CopyButton } from '../ui/CopyButton.tsx'

export function Fingerprint({ value }: { readonly value: string }) {
  const groups = value.match(/.{1,4}/gs) ?? []
  return (
    <div className="flex items-start justify-between gap-2 rounded-lg border border-line bg-canvas py-2 pr-1 pl-3">
      <p className="font-mono text-[13px] leading-6 tabular-nums">
        <span className="sr-only">{value}</span>
        <span aria-hidden className="flex flex-wrap gap-x-2">
          {groups.map((group, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: groups of one fingerprint never move
            <span key={index}>{group}</span>
          ))}
        </span>
      </p>
      <CopyButton text={value} what="the fingerprint" />
    </div>
  )
}
