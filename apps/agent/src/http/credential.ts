// The credential of an HTTP target, put into one request. Nothing of it is kept longer than the request.
import { Secret } from '@sallyport/base/secret'
import type { HttpTargetDocument } from '@sallyport/policy/document'
import { checkedField } from '@sallyport/wire/http/fields'
import { resolveCredential } from '../secrets/broker.ts'

export interface Injected {
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly query: readonly (readonly [name: string, value: string])[]
  /** What must not come back in any form. */
  readonly secrets: readonly Secret[]
}

const nothing: Injected = { fields: [], query: [], secrets: [] }

/** Throws CREDENTIAL_UNAVAILABLE, or PROTOCOL_VIOLATION for one that no header field can hold. */
export async function injectedCredential(
  credential: HttpTargetDocument['spec']['credential'],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Injected> {
  if (credential === 'none') return nothing
  if ('bearer' in credential) {
    const secret = await resolveCredential(credential.bearer, environment)
    return { ...nothing, fields: [checkedField('authorization', `Bearer ${secret.reveal()}`)], secrets: [secret] }
  }
  if ('basic' in credential) {
    const { username, password } = credential.basic
    const secret = await resolveCredential(password, environment)
    const pair = Buffer.from(`${username}:${secret.reveal()}`, 'utf8').toString('base64')
    return { ...nothing, fields: [checkedField('authorization', `Basic ${pair}`)], secrets: [secret, new Secret(pair)] }
  }
  if ('header' in credential) {
    const { name, value } = credential.header
    const secret = await resolveCredential(value, environment)
    return { ...nothing, fields: [checkedField(name.toLowerCase(), secret.reveal())], secrets: [secret] }
  }
  const { name, value } = credential.query
  const secret = await resolveCredential(value, environment)
  return { ...nothing, query: [[name, secret.reveal()]], secrets: [secret] }
}
