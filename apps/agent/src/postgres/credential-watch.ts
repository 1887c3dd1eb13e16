// Notices that a credential has been rotated while sessions go on: what was opened with the old one is not lent again. It keeps
// marks of credentials, never credentials (THREATS ).
import { createHmac, randomBytes } from 'node:crypto'
import { limits } from '@sallyport/base/limits'
import type { Secret } from '@sallyport/base/secret'
import type { CredentialReference } from '@sallyport/policy/document'
import { type Bound, type CredentialSources, resolveCredential } from '../secrets/broker.ts'

/** Of this process alone: what is derived from a credential here is of no use to anybody else. */
const own = randomBytes(32)

/** The same for the same credential. */
export const credentialMark = (password: Secret): string =>
  createHmac('sha256', own).update(password.reveal()).digest('base64')

export interface CredentialWatch {
  /** As it was looked at last, at most about `credentialLookMs` ago while somebody asks. */
  markOf(reference: CredentialReference, bound: Bound): string
  /** It has just been read. */
  note(reference: CredentialReference, bound: Bound, password: Secret): void
}

interface Looked {
  mark: string
  atMs: number
  isLooking: boolean
}

/** References of documents that are gone are forgotten with all others, and read again. */
const referencesMax = 1_000

export function watchCredentials(environment: CredentialSources, nowMs: () => number): CredentialWatch {
  const known = new Map<string, Looked>()
  const keyOf = (reference: CredentialReference, bound: Bound): string => JSON.stringify([reference, bound])
  const look = async (reference: CredentialReference, bound: Bound, looked: Looked): Promise<void> => {
    looked.isLooking = true
    try {
      looked.mark = credentialMark(await resolveCredential(reference, environment, bound))
    } catch {
      // It is being replaced, or gone: what is open stays as it is, and nothing new is opened without it.
    }
    looked.atMs = nowMs()
    looked.isLooking = false
  }
  return {
    markOf(reference, bound) {
      const looked = known.get(keyOf(reference, bound))
      if (looked === undefined) return ''
      if (!looked.isLooking && nowMs() - looked.atMs >= limits.credentialLookMs) void look(reference, bound, looked)
      return looked.mark
    },
    note(reference, bound, password) {
      if (known.size >= referencesMax) known.clear()
      known.set(keyOf(reference, bound), { mark: credentialMark(password), atMs: nowMs(), isLooking: false })
    },
  }
}
