// The least browser that a login needs: keeps cookies, follows redirects, submits forms. For tests and the demo's script;
// it sees the same pages as a person.
import assert from 'node:assert'

export interface Shown {
  readonly url: string
  readonly status: number
  readonly body: string
  readonly headers: Headers
}

const redirectsMax = 20

export class Browser {
  /** By host (cookies know no ports, RFC 6265 §8.5) and name. */
  readonly #cookies = new Map<string, Map<string, string>>()

  async get(url: string): Promise<Shown> {
    return await this.#request(url, { method: 'GET' })
  }

  async post(url: string, fields: Readonly<Record<string, string>>): Promise<Shown> {
    return await this.#request(url, { method: 'POST', body: new URLSearchParams(fields) })
  }

  /** Submits the first form of the page with its hidden fields and these. */
  async submit(shown: Shown, fields: Readonly<Record<string, string>> = {}): Promise<Shown> {
    const form = /<form\b[^>]*>/.exec(shown.body)?.[0]
    assert(form !== undefined, `no form on ${shown.url} (${shown.status}): ${shown.body.slice(0, 300)}`)
    const hidden: Record<string, string> = {}
    for (const [input] of shown.body.matchAll(/<input\b[^>]*>/g)) {
      const name = attribute(input, 'name')
      if (name !== undefined) hidden[name] = attribute(input, 'value') ?? ''
    }
    const action = new URL(attribute(form, 'action') ?? shown.url, shown.url).href
    return await this.post(action, { ...hidden, ...fields })
  }

  cookie(url: string, name: string): string | undefined {
    return this.#cookies.get(new URL(url).hostname)?.get(name)
  }

  /** The `cookie` header for a request to this address. */
  cookieHeader(url: string): string {
    const cookies = this.#cookies.get(new URL(url).hostname) ?? new Map<string, string>()
    return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  async #request(url: string, init: RequestInit): Promise<Shown> {
    let at = url
    let next = init
    for (let count = 0; count < redirectsMax; count++) {
      const response = await fetch(at, {
        ...next,
        redirect: 'manual',
        headers: { cookie: this.cookieHeader(at), origin: new URL(at).origin },
      })
      this.#keep(at, response)
      const location = response.headers.get('location')
      if (location === null || response.status < 300 || response.status > 399)
        return { url: at, status: response.status, body: await response.text(), headers: response.headers }
      await response.body?.cancel()
      at = new URL(location, at).href
      if (response.status !== 307 && response.status !== 308) next = { method: 'GET' }
    }
    throw new Error(`more than ${redirectsMax} redirects from ${url}`)
  }

  #keep(url: string, response: Response): void {
    const host = new URL(url).hostname
    const cookies = this.#cookies.get(host) ?? new Map<string, string>()
    this.#cookies.set(host, cookies)
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';')
      const name = pair.slice(0, pair.indexOf('=')).trim()
      const value = pair.slice(pair.indexOf('=') + 1).trim()
      const isGone = attributes.some((text) => /^\s*(max-age=0|expires=thu, 01 jan 1970)/i.test(text)) || value === ''
      if (isGone) cookies.delete(name)
      else cookies.set(name, value)
    }
  }
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]
  return value
    ?.replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}
