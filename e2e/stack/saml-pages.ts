// An identity provider of SAML with a page for people, for browsers of tests: it signs real assertions, and shows a button
// that posts one to whoever asked. Listens on 127.0.0.1 only, which is another site than localhost.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { attribute, readRequest, startSamlIdp } from '../../apps/control-plane/test/saml-idp.ts'

export interface SamlPages {
  /** Entity id: the issuer of the people. */
  readonly entityId: string
  readonly signInUrl: string
  /** PEM. */
  readonly certificate: string
  stop(): Promise<void>
}

/** The one person whom it knows, in these groups. */
export async function startSamlPages(subject: string, name: string, groups: readonly string[]): Promise<SamlPages> {
  const idp = await startSamlIdp('saml-pages')
  const attributes = attribute('groups', ...groups) + attribute('displayName', name)
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    if (url.pathname !== '/sso') {
      response.writeHead(404).end()
      return
    }
    const asked = readRequest(url.href)
    const answer = idp.answer(asked, { nameId: subject, attributes })
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
    response.end(
      `<!doctype html><form method="post" action="${asked.acs}"><input type="hidden" name="SAMLResponse" value="${answer}"><button>Continue as ${name}</button></form>`,
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    entityId: idp.provider.issuer,
    signInUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/sso`,
    certificate: idp.provider.certificates[0] ?? '',
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
