// Calls of the REST API by the names of the table in packages/api/src/routes.ts. Answers are parsed by their schema;
// a problem document (RFC 9457) becomes an error with the same code.

import { Problem } from '@sallyport/api/problem'
import { type RouteName, routes } from '@sallyport/api/routes'
import { boundBy } from '@sallyport/base/bound'
import { isErrorCode, SallyportError } from '@sallyport/base/errors'
import type { z } from 'zod'
import { Refusal } from './api-problem.ts'
import { version } from './version.ts'
import type { World } from './world.ts'

/** One answer of the control plane, in milliseconds. */
const answerMsMax = 30_000
/** An answer that is parsed as a whole, in bytes; exports are streamed and not counted. */
const answerBytesMax = 64 * 1_048_576

export interface Call {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: unknown
  /** In the place of a body: a form. */
  readonly form?: Readonly<Record<string, string>>
}

export interface Api {
  readonly origin: string
  call<T extends z.ZodType>(route: RouteName, schema: T, call?: Call): Promise<z.infer<T>>
  /** For answers without a body. */
  send(route: RouteName, call?: Call): Promise<void>
  /** For exports: the bytes as they come. */
  stream(route: RouteName, call?: Call): Promise<ReadableStream<Uint8Array>>
}

/** `bearer` is null for routes that everybody may call. */
export function createApi(world: World, origin: string, bearer: string | null): Api {
  const open = async (route: RouteName, call: Call, signal: AbortSignal): Promise<Response> => {
    const { method } = routes[route]
    const { body, type } = bodyOf(call)
    const request: RequestInit = {
      method,
      redirect: 'error',
      signal,
      headers: {
        'user-agent': `sallyport-cli/${version}`,
        accept: 'application/json, application/problem+json, application/x-ndjson',
        ...(body === undefined ? {} : { 'content-type': type }),
        ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
      },
      ...(body === undefined ? {} : { body }),
    }
    const response = await world.fetch(urlOf(origin, route, call), request).catch((cause: unknown) => {
      throw unreachable(origin, cause)
    })
    if (!response.ok) throw await refusalOf(origin, response)
    return response
  }
  /** For an answer that comes whole. */
  const within = async <T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const { signal, release } = boundBy([world.interrupted], answerMsMax)
    try {
      return await run(signal)
    } finally {
      release()
    }
  }
  return {
    origin,
    async call(route, schema, call = {}) {
      return await within(async (signal) => {
        const response = await open(route, call, signal)
        const parsed = schema.safeParse(parseJson(await readText(origin, response)))
        if (!parsed.success) throw notOurs(origin, parsed.error)
        return parsed.data
      })
    },
    async send(route, call = {}) {
      await within(async (signal) => {
        const response = await open(route, call, signal)
        await response.body?.cancel()
      })
    },
    async stream(route, call = {}) {
      const response = await open(route, call, world.interrupted)
      if (response.body === null) throw notOurs(origin, undefined)
      return response.body
    },
  }
}

function bodyOf({ body, form }: Call): { readonly body: string | undefined; readonly type: string } {
  if (form !== undefined)
    return { body: new URLSearchParams(form).toString(), type: 'application/x-www-form-urlencoded' }
  return { body: body === undefined ? undefined : JSON.stringify(body), type: 'application/json' }
}

export function urlOf(origin: string, route: RouteName, call: Call): string {
  const path = routes[route].path.replace(/:([a-z]+)/g, (_, name: string) =>
    encodeURIComponent(call.path?.[name] ?? ''),
  )
  const url = new URL(path, origin)
  for (const [name, value] of Object.entries(call.query ?? {}))
    if (value !== undefined) url.searchParams.set(name, value)
  return url.href
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function readText(origin: string, response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of response.body ?? []) {
      length += chunk.length
      if (length > answerBytesMax) throw notOurs(origin, undefined)
      chunks.push(chunk)
    }
  } catch (cause) {
    throw cause instanceof SallyportError ? cause : unreachable(origin, cause)
  }
  return Buffer.concat(chunks).toString('utf8')
}

async function refusalOf(origin: string, response: Response): Promise<SallyportError> {
  const parsed = Problem.safeParse(parseJson(await readText(origin, response)))
  if (!parsed.success || !isErrorCode(parsed.data.code)) return notOurs(origin, response.status)
  const { code, detail, hint, requestId, problems } = parsed.data
  const next = code === 'LOGIN_REQUIRED' ? (hint ?? 'run: sallyport login') : hint
  return new Refusal(code, detail, {
    ...(next === undefined ? {} : { hint: next }),
    requestId,
    problems: problems ?? [],
  })
}

function unreachable(origin: string, cause: unknown): SallyportError {
  return new SallyportError('CONTROL_PLANE_UNREACHABLE', `cannot reach "${origin}"${reasonOf(cause)}`, {
    cause,
    hint: 'check the address and that the control plane runs; "sallyport doctor" tests each step',
  })
}

/** The operating system's or TLS's own code; messages of libraries stay out. */
export function reasonOf(cause: unknown): string {
  for (let at = cause; at instanceof Error; at = at.cause) {
    if (at.name === 'TimeoutError') return ' (no answer in time)'
    if ('code' in at && typeof at.code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(at.code)) return ` (${at.code})`
  }
  return ''
}

const notOurs = (origin: string, cause: unknown): SallyportError =>
  new SallyportError('CONTROL_PLANE_UNREACHABLE', `"${origin}" does not answer like a control plane of this version`, {
    cause,
    hint: 'check --url; a proxy in between may have answered',
  })
