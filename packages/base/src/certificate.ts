// What control plane and agents must agree on about the certificates of callers: what stands in their names. Pure; keys are
// nowhere in here.

/** `typ` of the signed record in the certificate (RFC 8725, 3.11): it is no token, and no token is one. */
export const certificateRecordType = 'sallyport-certificate+jwt'

const recordPrefix = 'sallyport-record:'
const callerOf = (installation: string): string => `spiffe://sallyport/${installation}/caller/`

/** The two URIs among the names of a caller's certificate: which certificate it is, and the record of what it is good for. */
export const callerNames = (installation: string, id: string, record: string): readonly [string, string] => [
  `${callerOf(installation)}${id}`,
  `${recordPrefix}${record}`,
]

/** What a certificate of a caller says, from its names as Node prints them; null when it is none of this installation. */
export function readCallerNames(
  names: string | undefined,
  installation: string,
): { readonly id: string; readonly record: string } | null {
  const [caller = '', record = '', ...more] = (names ?? '').split(', ')
  const [id = '', signed = ''] = [rest(caller, `URI:${callerOf(installation)}`), rest(record, `URI:${recordPrefix}`)]
  // Exactly these two names: nothing before, between or after them.
  if (more.length > 0 || !/^[0-9a-f]{32}$/.test(id) || !/^[\w.-]+$/.test(signed)) return null
  return { id, record: signed }
}

const rest = (text: string, prefix: string): string => (text.startsWith(prefix) ? text.slice(prefix.length) : '')
