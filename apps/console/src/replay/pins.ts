// Fingerprints of record keys that this person took from an agent and keeps in this browser: the control plane cannot
// change them, so a record that verifies with one was not made up by it.
import type { PinnedKey } from '@sallyport/ledger/verify'
import { z } from 'zod'

const storageKey = 'sallyport-record-keys'
const Pins = z.record(z.string(), z.string())

function allPins(storage: Storage): Readonly<Record<string, string>> {
  try {
    const parsed = Pins.safeParse(JSON.parse(storage.getItem(storageKey) ?? '{}'))
    return parsed.success ? parsed.data : {}
  } catch {
    return {}
  }
}

export const pinOf = (storage: Storage, agent: string): string | null => allPins(storage)[agent] ?? null

export function setPin(storage: Storage, agent: string, fingerprint: string | null): void {
  const { [agent]: _before, ...others } = allPins(storage)
  const pins = fingerprint === null ? others : { ...others, [agent]: fingerprint }
  storage.setItem(storageKey, JSON.stringify(pins))
}

export function pinnedKeys(storage: Storage, agent: string): readonly PinnedKey[] {
  const fingerprint = pinOf(storage, agent)
  return fingerprint === null ? [] : [{ fingerprint, agent }]
}

/** What a person pasted, as a fingerprint: spaces, colons and capitals do not matter. Null when it is none. */
export function fingerprintOf(text: string): string | null {
  const hex = text
    .trim()
    .replace(/^sha256:/i, '')
    .replace(/[\s:]/g, '')
    .toLowerCase()
  return /^[0-9a-f]{64}$/.test(hex) ? hex : null
}
