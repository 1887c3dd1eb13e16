// From a credential reference to the Secret itself. Nothing is cached longer than the login that needs it.
import { readFile } from 'node:fs/promises'
import { SallyportError } from '@sallyport/base/errors'
import { Secret } from '@sallyport/base/secret'
import type { CredentialReference } from '@sallyport/policy/document'

/** A credential file holds a password, not a backup. In bytes. */
const credentialBytesMax = 65_536

/** Resolves a reference. Throws CREDENTIAL_UNAVAILABLE, naming the reference and never the value. */
export async function resolveCredential(
  reference: CredentialReference,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Secret> {
  if ('env' in reference) {
    const value = environment[reference.env]
    if (value === undefined || value === '')
      throw new SallyportError(
        'CREDENTIAL_UNAVAILABLE',
        `environment variable "${reference.env}" is not set at the agent`,
      )
    return new Secret(value)
  }
  const text = await readFile(reference.file, 'utf8').catch((cause: unknown) => {
    throw new SallyportError(
      'CREDENTIAL_UNAVAILABLE',
      `credential file "${reference.file}" cannot be read by the agent`,
      { cause },
    )
  })
  // One trailing newline is an editor's; anything else belongs to the password.
  const value = text.replace(/\r?\n$/, '')
  if (value === '' || Buffer.byteLength(value) > credentialBytesMax)
    throw new SallyportError('CREDENTIAL_UNAVAILABLE', `credential file "${reference.file}" is empty or too long`)
  return new Secret(value)
}
