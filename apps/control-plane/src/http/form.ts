// Bodies of HTML forms (WHATWG URL Standard, 5.1), for the few routes that a standard makes take them.
import { SallyportError } from '@sallyport/base/errors'
import type { App } from './route.ts'

/** Lets the routes of this scope take a form of at most so many bytes. */
export function takesForms(scope: App, bodyLimit: number): void {
  scope.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit },
    async (_request: unknown, body: string | Buffer) => formOf(String(body)),
  )
}

/** RFC 6749, 3.2: a parameter comes once or not at all. Throws REQUEST_INVALID. */
function formOf(text: string): Record<string, string> {
  const form: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(text)) {
    if (Object.hasOwn(form, name)) throw new SallyportError('REQUEST_INVALID', `"${name}" came twice`)
    form[name] = value
  }
  return form
}
