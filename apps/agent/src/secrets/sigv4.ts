// AWS Signature Version 4 (AWS, "Create a signed AWS API request"): fields that prove who asks for exactly this request. Pure;
// the secret is used here and nowhere kept.
import { createHash, createHmac } from 'node:crypto'
import { checkedField, type Fields } from '@sallyport/wire/http/fields'

export interface SignedRequest {
  readonly method: string
  readonly host: string
  /** Path and query as they are sent. */
  readonly path: string
  readonly fields: Fields
  readonly body: Buffer
}

export interface AwsKeys {
  readonly id: string
  readonly secret: string
  readonly session: string | null
}

export interface Scope {
  readonly region: string
  readonly service: string
  readonly nowMs: number
}

const algorithm = 'AWS4-HMAC-SHA256'
const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** Fields that a caller sends under these names would be another signature. */
const own: ReadonlySet<string> = new Set([
  'authorization',
  'x-amz-date',
  'x-amz-security-token',
  'x-amz-content-sha256',
])

/** All fields of the request, signed: its own, and those of the signature. */
export function signature(request: SignedRequest, keys: AwsKeys, { region, service, nowMs }: Scope): Fields {
  const date = dateOf({ region, service, nowMs })
  const payload = sha256(request.body)
  const fields: Fields = [
    ...request.fields.filter(([name]) => !own.has(name)),
    ['x-amz-date', date],
    ...(keys.session === null ? [] : [checkedField('x-amz-security-token', keys.session)]),
    ...(service === 's3' ? [['x-amz-content-sha256', payload] as const] : []),
  ]
  const signed = signedFields(request.host, fields)
  const names = [...signed.keys()].join(';')
  const [path = '', query = ''] = request.path.split('?')
  const canonical = [
    request.method,
    service === 's3' ? awsPath(decodedPath(path)) : awsPath(path),
    awsQuery(query),
    ...[...signed].map(([name, value]) => `${name}:${value}`),
    '',
    names,
    payload,
  ].join('\n')
  const place = placeOf({ region, service, nowMs })
  const proof = proofOf(canonical, keys, { region, service, nowMs })
  return [
    ...fields,
    checkedField(
      'authorization',
      `${algorithm} Credential=${keys.id}/${place}, SignedHeaders=${names}, Signature=${proof}`,
    ),
  ]
}

/** A GET request of the service that is signed in its query, good for so many seconds: `host/?…`, without a scheme. */
export function presigned(
  { host, query }: { readonly host: string; readonly query: Readonly<Record<string, string>> },
  keys: AwsKeys,
  scope: Scope,
  seconds: number,
): string {
  const pairs = {
    ...query,
    'X-Amz-Algorithm': algorithm,
    'X-Amz-Credential': `${keys.id}/${placeOf(scope)}`,
    'X-Amz-Date': dateOf(scope),
    'X-Amz-Expires': String(seconds),
    ...(keys.session === null ? {} : { 'X-Amz-Security-Token': keys.session }),
    'X-Amz-SignedHeaders': 'host',
  }
  const text = awsQuery(
    Object.entries(pairs)
      .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
      .join('&'),
  )
  const canonical = ['GET', '/', text, `host:${host}`, '', 'host', sha256('')].join('\n')
  return `${host}/?${text}&X-Amz-Signature=${proofOf(canonical, keys, scope)}`
}

const dateOf = ({ nowMs }: Scope): string => new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, '')

const placeOf = (scope: Scope): string => `${dateOf(scope).slice(0, 8)}/${scope.region}/${scope.service}/aws4_request`

function proofOf(canonical: string, keys: AwsKeys, scope: Scope): string {
  const day = dateOf(scope).slice(0, 8)
  const key = hmac(hmac(hmac(hmac(`AWS4${keys.secret}`, day), scope.region), scope.service), 'aws4_request')
  return hmac(key, [algorithm, dateOf(scope), placeOf(scope), sha256(canonical)].join('\n')).toString('hex')
}

/** `host` and everything of AWS, by name: several values of one name are one, with single spaces. */
function signedFields(host: string, fields: Fields): ReadonlyMap<string, string> {
  const values = new Map<string, string[]>([['host', [host]]])
  for (const [name, value] of fields) {
    if (!name.startsWith('x-amz-')) continue
    values.set(name, [...(values.get(name) ?? []), value.trim().replace(/ +/g, ' ')])
  }
  return new Map(
    [...values].sort(([left], [right]) => (left < right ? -1 : 1)).map(([name, all]) => [name, all.join(',')]),
  )
}

/** All but unreserved characters (RFC 3986, 2.3). */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

/** What is sent, encoded once more; S3 alone signs what is meant, encoded once. */
const awsPath = (path: string): string => path.split('/').map(encoded).join('/')
const decodedPath = (path: string): string => path.split('/').map(decodeURIComponent).join('/')

/** Sorted by name, then by value, in their encoded form. */
function awsQuery(query: string): string {
  if (query === '') return ''
  const pairs = query.split('&').map((pair) => {
    const [name = '', ...value] = pair.split('=')
    return [encoded(decodeURIComponent(name)), encoded(decodeURIComponent(value.join('=')))] as const
  })
  const order = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)
  return pairs
    .sort(([name, value], [otherName, otherValue]) => order(name, otherName) || order(value, otherValue))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}
