// The identity provider's few pages: plain HTML that works in any browser, no script, no asset from elsewhere.
import type { Person } from './people.ts'

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? '')

const style = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 30rem; margin: 10vh auto; padding: 0 1rem; color: #1b1f24; background: #fff }
  h1 { font-size: 1.4rem } p { color: #57606a } code { font-size: 1.2rem; letter-spacing: .05em }
  button { display: block; width: 100%; text-align: left; font: inherit; padding: .6rem .8rem; margin: .5rem 0; min-height: 44px;
    border: 1px solid #8c959f; border-radius: 6px; background: #f6f8fa; color: inherit; cursor: pointer }
  button:hover, button:focus-visible { background: #eaeef2; outline: 2px solid #0969da }
  button small { display: block; color: #57606a } input { font: inherit; padding: .4rem; width: 100%; box-sizing: border-box }
  .error { color: #a40e26 }
  @media (prefers-color-scheme: dark) { body { background: #0d1117; color: #e6edf3 } p, button small { color: #9198a1 }
    button { background: #212830; border-color: #656c76 } button:hover { background: #2a313c } .error { color: #ff9492 } }`

export const page = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
  `<title>${escapeHtml(title)}</title><style>${style}</style></head><body><main><h1>${escapeHtml(title)}</h1>${body}</main></body></html>`

/** Everyone is one button; the password is the demo's and stands there already. */
export function loginPage(action: string, people: readonly Person[], password: string, error: string): string {
  const buttons = people.map(
    (person) =>
      `<button name="login" value="${escapeHtml(person.login)}">${escapeHtml(person.name)}<small>${escapeHtml(person.about)}</small></button>`,
  )
  const problem = error === '' ? '' : `<p class="error" role="alert">${escapeHtml(error)}</p>`
  return page(
    'Who are you?',
    `<p>The identity provider of the demo. Everyone's password is the same.</p>${problem}` +
      `<form method="post" action="${escapeHtml(action)}"><label>Password <input type="password" name="password" ` +
      `autocomplete="off" value="${escapeHtml(password)}"></label>${buttons.join('')}</form>`,
  )
}

export const confirmPage = (form: string, client: string, userCode: string): string =>
  page(
    'Log in on a device?',
    `<p>"${escapeHtml(client)}" asks to log in. Go on only if you started this and it shows the same code:</p>` +
      `<p><code>${escapeHtml(userCode)}</code></p>${form}<button form="op.deviceConfirmForm" autofocus>Yes, log in</button>` +
      `<button form="op.deviceConfirmForm" name="abort" value="yes">No, refuse</button>`,
  )

export const codePage = (form: string, error: string): string =>
  page(
    'Log in on a device',
    `${error === '' ? '' : `<p class="error" role="alert">${escapeHtml(error)}</p>`}<p>Enter the code that the device shows.</p>` +
      `${form}<button form="op.deviceInputForm">Go on</button>`,
  )

export const donePage = (client: string): string =>
  page('You are logged in', `<p>Go back to "${escapeHtml(client)}". This page can be closed.</p>`)
