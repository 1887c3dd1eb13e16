// A stand-in for AWS STS that checks Signature Version 4 as AWS writes it down, over a real connection; and the other side, a
// function that signs. Neither has been run against AWS.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** "Create a signed AWS API request": canonical request, string to sign, derived key. */
export function sign(
  secret: string,
  scope: { date: string; region: string },
  method: string,
  query: string,
  headers: readonly (readonly [string, string])[],
): string {
  const canonical = [
    method,
    '/',
    query,
    ...headers.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, ' ')}`),
    '',
    headers.map(([name]) => name).join(';'),
    sha256(''),
  ].join('\n')
  const day = scope.date.slice(0, 8)
  const place = `${day}/${scope.region}/sts/aws4_request`
  const text = ['AWS4-HMAC-SHA256', scope.date, place, sha256(canonical)].join('\n')
  const key = [day, scope.region, 'sts', 'aws4_request'].reduce<string | Buffer>(
    (from, part) => hmac(from, part),
    `AWS4${secret}`,
  )
  return hmac(key, text).toString('hex')
}

export interface Caller {
  readonly keyId: string
  readonly secret: string
  readonly identity: { readonly Account: string; readonly Arn: string; readonly UserId: string }
}

export interface SigningOptions {
  readonly host?: string
  readonly region?: string
  readonly audience?: string | null
  readonly atMs: number
  readonly session?: string
  /** Headers that are sent and not signed. */
  readonly unsigned?: readonly string[]
}

export const stsHost = 'sts.eu-central-1.amazonaws.com'
export const callerQuery = 'Action=GetCallerIdentity&Version=2011-06-15'

/** What a function sends as its subject token. */
export function signedRequest(caller: Pick<Caller, 'keyId' | 'secret'>, options: SigningOptions) {
  const { host = stsHost, region = 'eu-central-1', audience, unsigned = [] } = options
  const date = new Date(options.atMs).toISOString().replace(/[-:]|\.\d+/g, '')
  const all: [string, string][] = [
    ['host', host],
    ['x-amz-date', date],
  ]
  if (options.session !== undefined) all.push(['x-amz-security-token', options.session])
  if (audience !== null) all.push(['x-sallyport-audience', audience ?? 'https://sallyport.example.com'])
  const covered = all.filter(([name]) => !unsigned.includes(name)).sort(([left], [right]) => (left < right ? -1 : 1))
  const signature = sign(caller.secret, { date, region }, 'POST', callerQuery, covered)
  const credential = `${caller.keyId}/${date.slice(0, 8)}/${region}/sts/aws4_request`
  const names = covered.map(([name]) => name).join(';')
  const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`
  return {
    url: `https://${host}/?${callerQuery}`,
    method: 'POST',
    headers: [...all, ['authorization', authorization] as const].map(([key, value]) => ({ key, value })),
  }
}

export async function startSts(callers: readonly Caller[]) {
  const seen: IncomingHttpHeaders[] = []
  const server = createServer((request, response) => {
    seen.push(request.headers)
    // As AWS would: under the name by which it is reached, whatever this stand-in is called.
    const headers = { ...request.headers, host: stsHost }
    const identity = identityOf(callers, request.method ?? '', request.url ?? '', headers)
    response.writeHead(identity === undefined ? 403 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ GetCallerIdentityResponse: { GetCallerIdentityResult: identity } }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    seen,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function identityOf(callers: readonly Caller[], method: string, url: string, headers: IncomingHttpHeaders) {
  const form =
    /Credential=(\w+)\/\d{8}\/([a-z0-9-]+)\/sts\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=(\w+)$/
  const [, keyId, region = '', names = '', signature = ''] = form.exec(headers.authorization ?? '') ?? []
  const caller = callers.find((one) => one.keyId === keyId)
  if (caller === undefined) return undefined
  const signed = names.split(';').map((name) => [name, String(headers[name] ?? '')] as const)
  const date = String(headers['x-amz-date'])
  const expected = Buffer.from(sign(caller.secret, { date, region }, method, url.replace(/^\/\?/, ''), signed))
  const shown = Buffer.from(signature)
  return shown.length === expected.length && timingSafeEqual(shown, expected) ? caller.identity : undefined
}
