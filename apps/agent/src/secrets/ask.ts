// One request to a keeper of secrets, and its answer as JSON: bounded in time and bytes, without redirects, on a connection of its
// own. It keeps nothing, and no error of it holds what was sent or answered.
import { SallyportError } from '@sallyport/base/errors'

export interface Question {
  /** Of the keeper, in messages: "Vault". */
  readonly keeper: string
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** PEM of the authority to trust; the system's when absent. */
  readonly ca?: string
  readonly msMax: number
  readonly bytesMax: number
}

export interface Answer {
  readonly status: number
  /** Null where it is no JSON. */
  readonly json: unknown
}

export const unavailable = (message: string, cause?: unknown): SallyportError =>
  new SallyportError('CREDENTIAL_UNAVAILABLE', message, {
    cause,
    hint: 'the operator of the agent finds the reason in its log',
  })

/** Throws CREDENTIAL_UNAVAILABLE. */
export async function askKeeper({
  keeper,
  method,
  url,
  headers,
  body,
  ca,
  msMax,
  bytesMax,
}: Question): Promise<Answer> {
  // Loaded with the first question: most agents ask no keeper.
  const { Agent, request } = await import('undici')
  const dispatcher = new Agent({ connect: ca === undefined ? {} : { ca }, connectTimeout: msMax })
  try {
    const response = await request(url, {
      method,
      dispatcher,
      signal: AbortSignal.timeout(msMax),
      headers: { accept: 'application/json', ...headers },
      ...(body === undefined ? {} : { body }),
    })
    return { status: response.statusCode, json: await jsonOf(response.body, keeper, bytesMax) }
  } catch (cause) {
    throw cause instanceof SallyportError ? cause : unavailable(`${keeper} cannot be reached by the agent`, cause)
  } finally {
    await dispatcher.close().catch(() => undefined)
  }
}

async function jsonOf(body: AsyncIterable<Buffer>, keeper: string, bytesMax: number): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (bytes > bytesMax) throw unavailable(`${keeper} answered with more than ${bytesMax} bytes`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    return null
  }
}
