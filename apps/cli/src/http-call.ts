// One request to an HTTP target through its agent, over TLS that is verified by the authority that the control plane named. The answer
// is text of a bounded length; redirects are not followed.

import { request } from 'node:https'
import { boundBy } from '@sallyport/base/bound'
import { SallyportError } from '@sallyport/base/errors'
import { reasonOf } from './api.ts'

/** From the request to the end of its answer, in milliseconds; an approval may be waited for. */
const answerMsMax = 300_000

export interface HttpAsk {
  readonly url: string
  readonly ca: string
  readonly method: string
  readonly fields: Readonly<Record<string, string>>
  readonly body: string | null
  /** What is read of the answer. */
  readonly charactersMax: number
  readonly signal: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  readonly type: string
  readonly text: string
  /** There was more. */
  readonly cut: boolean
}

export type AskHttp = (ask: HttpAsk) => Promise<HttpAnswer>

/** Throws UPSTREAM_UNREACHABLE when there is no answer. */
export const askHttp: AskHttp = async (asking) => {
  const { signal, release } = boundBy([asking.signal], answerMsMax)
  return await ask({ ...asking, signal }).finally(release)
}

const ask: AskHttp = ({ url, ca, method, fields, body, charactersMax, signal }) =>
  new Promise((resolve, reject) => {
    const failed = (cause: unknown): void =>
      reject(
        new SallyportError(
          'UPSTREAM_UNREACHABLE',
          `the agent at ${new URL(url).host} cannot be used${reasonOf(cause)}`,
          {
            cause,
            hint: '"sallyport doctor" tests the connection step by step',
          },
        ),
      )
    const sent = request(
      url,
      {
        ca,
        method,
        minVersion: 'TLSv1.2',
        headers: { ...fields, ...(body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
        signal,
        agent: false,
      },
      (response) => {
        let text = ''
        const done = (cut: boolean): void =>
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers['content-type'] ?? '',
            text: text.slice(0, charactersMax),
            cut,
          })
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          text += chunk
          if (text.length <= charactersMax) return
          done(true)
          response.destroy()
        })
        response.on('end', () => done(false))
        response.on('error', failed)
      },
    )
    sent.on('error', failed)
    sent.end(body ?? undefined)
  })
