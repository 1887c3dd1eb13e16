// The one place that calls the API. Answers are parsed by the schemas of packages/api; changes carry the CSRF token.
import type { z } from 'zod'
import { RequestError, requestErrorOf } from './errors.ts'

/** Milliseconds for one request. */
const requestMsMax = 20_000

// The token belongs to the signed-in session; GET /api/v1/me gives it.
let csrfToken: string | null = null
export function rememberCsrf(token: string | null): void {
  csrfToken = token
}

type Query = Readonly<Record<string, string | number | boolean | null | undefined>>

function urlOf(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') parameters.set(name, String(value))
  }
  const text = parameters.toString()
  return text === '' ? path : `${path}?${text}`
}

async function send(path: string, init: RequestInit, signal?: AbortSignal): Promise<Response> {
  const timeout = AbortSignal.timeout(requestMsMax)
  const response = await fetch(path, {
    ...init,
    credentials: 'same-origin',
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  }).catch((cause: unknown) => {
    if (signal?.aborted === true) throw cause
    throw new RequestError(0, null, 'the control plane cannot be reached')
  })
  if (!response.ok) throw await requestErrorOf(response)
  return response
}

/** GET, parsed. */
export async function get<S extends z.ZodType>(
  path: string,
  schema: S,
  query: Query = {},
  signal?: AbortSignal,
): Promise<z.output<S>> {
  const response = await send(urlOf(path, query), { headers: { accept: 'application/json' } }, signal)
  return schema.parse(await response.json())
}

/** GET, as the bytes that came: for answers that are read elsewhere than on the page. */
export async function getBytes(path: string, query: Query = {}, signal?: AbortSignal): Promise<ArrayBuffer> {
  const response = await send(urlOf(path, query), { headers: { accept: 'application/json' } }, signal)
  return await response.arrayBuffer()
}

/** POST or DELETE with a JSON body, parsed. */
export async function change<S extends z.ZodType>(
  method: 'POST' | 'DELETE',
  path: string,
  body: unknown,
  schema: S,
): Promise<z.output<S>> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (csrfToken !== null) headers['x-sallyport-csrf'] = csrfToken
  if (body !== undefined) headers['content-type'] = 'application/json'
  const response = await send(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) })
  const text = await response.text()
  return schema.parse(text === '' ? {} : JSON.parse(text))
}
